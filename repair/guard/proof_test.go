package guard_test

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestProof(t *testing.T) {
	proof := func(a cluster.Answer, reason string) change {
		return sightOf(0, func(s *cluster.Sight) { s.Proof = cluster.Proof{Answer: a, Reason: reason, Detail: "what was found"} })
	}
	check(t, guard.Proof(), []tc{
		{name: "all there, and its own"},
		{name: "the process runs: passes by itself", with: []change{proof(cluster.No, "process-runs")}, want: "process-runs", says: "what was found"},
		{name: "nothing in the data directory", with: []change{proof(cluster.No, "empty-data-dir")}, want: "empty-data-dir!"},
		{name: "no data directory", with: []change{proof(cluster.No, "no-data-dir")}, want: "no-data-dir!"},
		{name: "another member's", with: []change{proof(cluster.No, "other-member")}, want: "other-member!", says: "what was found"},
		{name: "not readable", with: []change{proof(cluster.Unknown, "not-readable")}, want: "approval!", says: "not-readable"},
		{name: "not told", with: []change{proof(cluster.Unknown, "not-told")}, want: "approval!", says: "not-told"},
		{name: "never asked", with: []change{proof("", "")}, want: "approval!"},
		{name: "the target was not seen", with: []change{noSight}, want: "no-sight"},
		{name: "others' proof does not stand in", with: []change{sights(dead("b"))}, want: "no-sight"},
		{name: "ending a hung one needs none", with: []change{ending, proof(cluster.No, "other-member")}},
		{name: "a unit without a quorum needs none", with: []change{service, proof(cluster.No, "empty-data-dir")}},
	})
}
