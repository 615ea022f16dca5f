package consul

import (
	"context"
	"errors"
	"net/http"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// look is what one server answered.
type look struct {
	self    *self
	servers []server   // its own copy of the Raft configuration; nil: not told
	serf    []neighbor // whom it sees
	health  *health    // autopilot's, where it leads; nil: it does not, or did not tell
	err     error      // why it could not be asked
}

// ask asks one server, one question after the other over its connection. A server that
// tells of itself is reachable; that it may not tell more costs only that.
func ask(ctx context.Context, l *line.Line[*line.HTTP]) look {
	var seen look
	seen.err = l.Do(ctx, func(ctx context.Context, h *line.HTTP) error {
		var s self
		if err := h.JSON(ctx, "/v1/agent/self", &s); err != nil {
			return err
		}
		if err := s.check(); err != nil {
			return line.Because(cluster.BadProtocol, err)
		}
		seen.self = &s
		var conf struct{ Servers []server }
		if err := h.JSON(ctx, "/v1/operator/raft/configuration?stale", &conf); err != nil {
			return denied(err)
		}
		seen.servers = conf.Servers
		if s.leads() {
			var told health
			// 429 says that not all is well, with the same body.
			if err := h.JSON(ctx, "/v1/operator/autopilot/health?stale", &told, http.StatusTooManyRequests); err != nil {
				return denied(err)
			}
			seen.health = &told
		}
		if err := h.JSON(ctx, "/v1/agent/members", &seen.serf); err != nil {
			return denied(err)
		}
		return nil
	})
	if seen.self != nil {
		seen.err = nil // it answers, and what it did not tell is absent
	}
	return seen
}

// denied passes over what this token may not read, or this server cannot say now.
func denied(err error) error {
	if _, ok := errors.AsType[*line.StatusError](err); ok {
		return nil
	}
	return err
}
