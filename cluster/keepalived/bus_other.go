//go:build !linux

package keepalived

import (
	"context"
	"errors"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// bus is nothing here: keepalived runs on Linux alone.
type bus struct{}

func dial(context.Context, string, string) (*bus, error) {
	return nil, line.Because(cluster.Refused, errors.New("keepalived runs on Linux alone"))
}

func (b *bus) close() {}

func (b *bus) instances(context.Context) (*Member, error) { return nil, errors.ErrUnsupported }

func answered(error) bool { return false }
