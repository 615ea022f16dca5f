package action

import (
	"context"
	"fmt"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// memberEndHung ends the process of a hung etcd member, and no other: SIGKILL to
// the identity that was seen. To start it again is another step.
type memberEndHung struct{ look *memberLook }

// Observe implements repair.Action.
func (a memberEndHung) Observe(ctx context.Context, t cluster.Target) (repair.Sighting, error) {
	return a.look.Observe(ctx, t)
}

// Done implements repair.Action.
func (a memberEndHung) Done(before *repair.Observation, now repair.Observation) bool {
	m, ok := repair.Unpack[Member](now, memberSchema)
	if !ok || before == nil {
		return ok && !m.Hung
	}
	b, ok := repair.Unpack[Member](*before, memberSchema)
	return ok && ended(b, m)
}

// ended tells that the process that was seen before is gone: the manager has none,
// or another one.
func ended(before, now Member) bool {
	return now.Service.Gone() || now.Service.Identity != "" && now.Service.Identity != before.Service.Identity
}

// Apply implements repair.Action.
func (a memberEndHung) Apply(ctx context.Context, in repair.Intent) error {
	if err := a.look.mayBegin(in); err != nil {
		return err
	}
	b, ok := repair.Unpack[Member](in.Before, memberSchema)
	if !ok || b.Service.Identity == "" {
		return fmt.Errorf("intent %s on %s does not name the process to end", in.ID, in.Target)
	}
	return reachable(a.look.Services.Kill(ctx, in.Target, b.Service.Identity))
}
