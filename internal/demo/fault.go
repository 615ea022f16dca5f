package demo

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// Fault is what was done to a member.
type Fault struct {
	Member string
	Kind   FaultKind
	PID    int
}

// FaultKind is how a member fails.
type FaultKind string

// The faults of `fettle demo --fault`.
const (
	Kill FaultKind = "kill" // SIGKILL
	Hang FaultKind = "hang" // SIGSTOP
)

// Break kills or hangs the real process of a member, and returns when it is gone or
// stands still.
func (s *Stage) Break(ctx context.Context, member string, kind FaultKind) (Fault, error) {
	f := Fault{Member: member, Kind: kind}
	st, err := s.Member(ctx, member)
	if err != nil {
		return f, err
	}
	if st.State != "running" {
		return f, fmt.Errorf("member %s is %s: there is nothing to %s", member, st.State, kind)
	}
	sig := syscall.SIGKILL
	if kind == Hang {
		sig = syscall.SIGSTOP
	}
	if f.PID, err = signalExactly(st.Identity, sig); err != nil {
		return f, err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		still, err := s.broken(ctx, member, st.Identity, f)
		if err != nil || still {
			return f, err
		}
		select {
		case <-ctx.Done():
			return f, ctx.Err()
		case <-tick.C:
		}
	}
}

func (s *Stage) broken(ctx context.Context, member, identity string, f Fault) (bool, error) {
	if f.Kind == Hang {
		return standsStill(f.PID)
	}
	now, err := s.Member(ctx, member)
	return now.Identity != identity, err
}

// MemberStatus is what the supervisor says of a member.
type MemberStatus = memberStatus

// Member asks the supervisor about a member.
func (s *Stage) Member(ctx context.Context, member string) (MemberStatus, error) {
	st, err := ask(ctx, s.Socket, request{Verb: "status", Member: member})
	if err != nil {
		return MemberStatus{}, err
	}
	return *st, nil
}
