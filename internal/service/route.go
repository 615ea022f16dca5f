package service

import (
	"context"
	"fmt"

	"github.com/fettle-io/fettle/cluster"
)

// Route is a Manager that passes each target to the one that can reach it: the
// declared commands if there are any, else systemd for a member on this host.
type Route struct {
	Commands Manager
	Systemd  Manager
	// Local tells whether a member's host is this machine.
	Local func(host string) bool
}

// For is the manager for a target, or ErrNoAgent.
func (r Route) For(t cluster.Target) (Manager, error) {
	switch {
	case t.Member.Commands.Declared():
		return r.Commands, nil
	case r.Local(t.Member.Host):
		return r.Systemd, nil
	}
	return nil, fmt.Errorf("%s runs on host %q, which is not this one: declare `commands` for it in fettle.yml: %w", t, t.Member.Host, ErrNoAgent)
}

// Status implements Manager.
func (r Route) Status(ctx context.Context, t cluster.Target) (cluster.Service, error) {
	m, err := r.For(t)
	if err != nil {
		return cluster.Service{}, err
	}
	return m.Status(ctx, t)
}

// Start implements Manager.
func (r Route) Start(ctx context.Context, t cluster.Target) error {
	m, err := r.For(t)
	if err != nil {
		return err
	}
	return m.Start(ctx, t)
}

// Restart implements Manager.
func (r Route) Restart(ctx context.Context, t cluster.Target) error {
	m, err := r.For(t)
	if err != nil {
		return err
	}
	return m.Restart(ctx, t)
}

// Kill implements Manager.
func (r Route) Kill(ctx context.Context, t cluster.Target, identity string) error {
	m, err := r.For(t)
	if err != nil {
		return err
	}
	return m.Kill(ctx, t, identity)
}
