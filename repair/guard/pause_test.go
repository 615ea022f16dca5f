package guard_test

import (
	"testing"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestPause(t *testing.T) {
	brake := func(q *repair.Question) { q.Brake = true }
	check(t, guard.Pause(), []tc{
		{name: "nothing is paused"},
		{name: "paused", with: []change{state(fakeState{pausedBy: "ann: patching"})}, want: "paused", says: "ann: patching"},
		{name: "the brake file", with: []change{brake}, want: "brake", says: "brake file"},
		{name: "both: the brake, which works without the API", with: []change{brake, state(fakeState{pausedBy: "ann"})}, want: "brake"},
		{name: "also with nothing seen", with: []change{brake, noView, noSight}, want: "brake"},
	})
}

// Paused is asked for the target's own cluster.
func TestPauseAsksForTheCluster(t *testing.T) {
	q := question()
	asked := &fakePauses{}
	q.State = asked
	guard.Pause().Ask(*q)
	if len(asked.clusters) != 1 || asked.clusters[0] != "demo" {
		t.Errorf("asked for %v, want demo", asked.clusters)
	}
}

type fakePauses struct {
	fakeState
	clusters []string
}

func (p *fakePauses) Paused(cluster string) (string, bool) {
	p.clusters = append(p.clusters, cluster)
	return "", false
}
