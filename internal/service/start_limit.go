package service

import (
	"context"
	"math"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"

	"github.com/fettle-io/fettle/cluster"
)

// StartLimit is how long systemd waits for a unit to say that it is ready before it
// kills it; 0: it does not, because the unit need not say so or may take for ever. A
// voter without a quorum never says so (ENGINE.md rule 13).
func (s *Systemd) StartLimit(ctx context.Context, t cluster.Target) (time.Duration, error) {
	var limit time.Duration
	err := s.call(ctx, t, "show", func(ctx context.Context, c *systemd.Conn) error {
		p, err := c.GetAllPropertiesContext(ctx, t.Member.Unit)
		limit = startLimit(p)
		return err
	})
	return limit, err
}

func startLimit(p map[string]any) time.Duration {
	timeout := get[uint64](p, "TimeoutStartUSec")
	if kind := get[string](p, "Type"); kind != "notify" && kind != "notify-reload" || timeout == 0 || timeout == math.MaxUint64 {
		return 0
	}
	return span(timeout)
}
