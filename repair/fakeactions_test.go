package repair_test

import (
	"context"
	"errors"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

type fakeEnd struct{ w *fakeWorld }

func (a fakeEnd) Observe(_ context.Context, t cluster.Target) (repair.Sighting, error) {
	return a.w.look(t)
}

func (a fakeEnd) Done(before *repair.Observation, now repair.Observation) bool {
	n, _ := repair.Unpack[memberSeen](now, "member/1")
	if before == nil {
		return !n.Hung
	}
	b, _ := repair.Unpack[memberSeen](*before, "member/1")
	return !n.Up || n.PID != b.PID
}

func (a fakeEnd) Apply(_ context.Context, in repair.Intent) error {
	m := a.w.member(in.Target.Member.Name)
	if b, _ := repair.Unpack[memberSeen](in.Before, "member/1"); b.PID != m.pid || !m.up {
		return errors.New("another process than the one that was seen")
	}
	m.up, m.hung, m.noAnswer, m.wake = false, false, false, 0
	m.killed++
	return nil
}

type fakeStart struct{ w *fakeWorld }

func (a fakeStart) Observe(_ context.Context, t cluster.Target) (repair.Sighting, error) {
	return a.w.look(t)
}

func (a fakeStart) Done(before *repair.Observation, now repair.Observation) bool {
	n, _ := repair.Unpack[memberSeen](now, "member/1")
	if before == nil {
		return n.Leader
	}
	b, _ := repair.Unpack[memberSeen](*before, "member/1")
	return n.Leader && n.PID != b.PID
}

func (a fakeStart) Started(before *repair.Observation, now repair.Observation) bool {
	n, _ := repair.Unpack[memberSeen](now, "member/1")
	b, _ := repair.Unpack[memberSeen](*before, "member/1")
	return n.Up && !n.Hung && !n.ClusterLeader && n.PID != b.PID && n.Age >= 5*time.Second
}

func (a fakeStart) Apply(_ context.Context, in repair.Intent) error {
	m := a.w.member(in.Target.Member.Name)
	if m.up || m.startAt > 0 {
		return nil // a start of what runs does nothing
	}
	delay := m.startIn
	if len(m.startsIn) > 0 {
		delay, m.startsIn = m.startsIn[0], m.startsIn[1:]
	}
	m.startAt = a.w.now + max(delay, time.Millisecond)
	return nil
}
