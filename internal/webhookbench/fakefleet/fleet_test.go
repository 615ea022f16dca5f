package main

import (
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

func named(clusterName, member string) cluster.Target {
	return cluster.Target{Cluster: cluster.Cluster{Name: clusterName}, Member: cluster.Member{Name: member}}
}

func TestTheFirstTargetsFailUntilTheyAreRestarted(t *testing.T) {
	f := newFleet(func() journal.Reading { return journal.Reading{} }, 102, false)
	see := func(target cluster.Target) repair.Observation {
		t.Helper()
		s, err := f.Observe(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		return s.Observation
	}
	for _, c := range []struct {
		target cluster.Target
		runs   bool
	}{{named("c000", "m000"), false}, {named("c001", "m001"), false}, {named("c001", "m002"), true}, {named("c099", "m099"), true}} {
		if got := f.Done(nil, see(c.target)); got != c.runs {
			t.Errorf("%s is in order: %v", c.target, got)
		}
	}
	target := named("c001", "m001")
	before := see(target)
	if f.Done(&before, before) {
		t.Error("done before it was begun")
	}
	if err := f.Apply(t.Context(), repair.Intent{Target: target}); err != nil {
		t.Fatal(err)
	}
	if now := see(target); !f.Done(&before, now) || !f.Done(nil, now) {
		t.Error("restarted, and not done")
	}
	if got := f.survey(t.Context()); got.Running != size || got.Failing != 101 {
		t.Errorf("surveyed %+v", got)
	}
	if got := string(f.applied()); !strings.HasPrefix(got, "c001/m001 ") || strings.Count(got, "\n") != 1 {
		t.Errorf("applied %q", got)
	}
}

func TestATargetOfAnotherFleetIsAnError(t *testing.T) {
	f := newFleet(func() journal.Reading { return journal.Reading{} }, 0, false)
	for _, target := range []cluster.Target{named("web", "m001"), named("c001", "m1x"), named("c999", "m001"), named("c", "m")} {
		if s, err := f.Observe(t.Context(), target); err == nil {
			t.Errorf("%s was seen: %+v", target, s)
		}
	}
}

func TestAStuckFleetStaysAsItIs(t *testing.T) {
	f := newFleet(func() journal.Reading { return journal.Reading{} }, 1, true)
	target := named("c000", "m000")
	if err := f.Apply(t.Context(), repair.Intent{Target: target}); err == nil {
		t.Fatal("an Apply of a stuck fleet did not fail")
	}
	s, err := f.Observe(t.Context(), target)
	if err != nil || f.Done(nil, s.Observation) || len(f.applied()) == 0 {
		t.Errorf("%+v, %v; applied %q", s, err, f.applied())
	}
}
