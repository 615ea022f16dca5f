// Package service asks and tells a target's service manager: systemd over D-Bus,
// or the commands that the inventory declares where there is no systemd or the
// member runs on another host.
//
// Start with Manager. Route picks one for a target; Systemd and Commands are the
// two that there are. Both only say what the manager says: whether to act on it is
// for the guards.
package service

import (
	"context"
	"errors"

	"github.com/fettle-io/fettle/cluster"
)

// Manager is what runs a target's process. Each method has a deadline of its own
// beside the context's. Start, Restart and Kill begin something and do not wait
// for its effect, which Status shows.
type Manager interface {
	// Status says how the process is. An error means that the manager itself could
	// not be asked, or that its answer could not be understood.
	Status(ctx context.Context, t cluster.Target) (cluster.Service, error)
	// Start starts what is down; on what runs it does nothing.
	Start(ctx context.Context, t cluster.Target) error
	// Restart ends what runs in the manager's orderly way, and starts it.
	Restart(ctx context.Context, t cluster.Target) error
	// Kill sends SIGKILL to the process with exactly that Service.Identity, and
	// fails with ErrIdentity when another one, or none, runs now.
	Kill(ctx context.Context, t cluster.Target, identity string) error
}

var (
	// ErrNoAgent: the member is on another host and no declared command reaches it.
	ErrNoAgent = errors.New("no way to reach the service manager")
	// ErrIdentity: the process to kill is not the one that runs now.
	ErrIdentity = errors.New("another process than the one that was seen")
	// ErrNotDeclared: the inventory lacks what is needed, a unit or a command.
	ErrNotDeclared = errors.New("not declared")
)
