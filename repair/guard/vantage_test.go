package guard_test

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestVantage(t *testing.T) {
	const y, n, u = cluster.Yes, cluster.No, cluster.Unknown
	say := func(probe, prometheus, peer cluster.Answer) change {
		return sightOf(0, func(s *cluster.Sight) { s.GoneByProbe, s.GoneByPrometheus, s.GoneByPeer = probe, prometheus, peer })
	}
	noProof := sightOf(0, func(s *cluster.Sight) { s.Proof.Answer = u })
	runs := sightOf(0, func(s *cluster.Sight) { s.Proof.Answer, s.Proof.Reason = n, "process-runs" })
	alone := view(silent("a"), serving("b", "b", 2), silent("c")) // b names itself, and that is no quorum
	mismatch := func(q *repair.Question) { q.Seen.Facts.View.Mismatch = true }
	check(t, guard.Vantage(), []tc{
		{name: "all three say gone", with: []change{say(y, y, y)}},
		{name: "probe and Prometheus", with: []change{say(y, y, u)}},
		{name: "probe and a peer", with: []change{say(y, u, y)}},
		{name: "Prometheus and a peer", with: []change{say(u, y, y)}},
		{name: "only the probe", with: []change{say(y, u, u)}, want: "approval!", says: "Prometheus: gone unknown"},
		{name: "only Prometheus", with: []change{say(u, y, u)}, want: "approval!"},
		{name: "only a peer", with: []change{say(u, u, y)}, want: "approval!"},
		{name: "nobody", with: []change{say(u, u, u)}, want: "approval!"},
		{name: "nobody was asked", with: []change{say("", "", "")}, want: "approval!"},
		{name: "the probe says there", with: []change{say(n, y, y)}, want: "disagree", says: "our own probe says it is there"},
		{name: "Prometheus says there", with: []change{say(y, n, y)}, want: "disagree", says: "Prometheus' last scrape says"},
		{name: "a peer says there", with: []change{say(y, y, n)}, want: "disagree", says: "a healthy peer says"},
		{name: "one says there, the others nothing", with: []change{say(n, u, u)}, want: "disagree"},
		{name: "all say there", with: []change{say(n, n, n)}, want: "disagree"},
		{name: "its process runs, and a peer sees it: cut off from here", with: []change{runs, say(y, u, n)}, want: "disagree"},
		{name: "its process runs, and only the probe sees nothing: for proof to say", with: []change{runs, say(y, u, u)}},
		{name: "its process runs, and the probe sees it: for proof to say", with: []change{runs, say(n, u, u)}},
		{name: "no leader anywhere: probe and local proof", with: []change{leaderless, say(y, u, u)}},
		{name: "no leader, nobody answers", with: []change{view(silent("a"), silent("b"), silent("c")), say(y, u, u)}},
		{name: "no leader, no local proof", with: []change{leaderless, noProof, say(y, u, u)}, want: "approval!"},
		{name: "no leader, the probe cannot tell", with: []change{leaderless, say(u, y, u)}, want: "approval!"},
		{name: "no leader, somebody says there", with: []change{leaderless, say(y, n, u)}, want: "disagree"},
		{name: "one other sees a leader, no quorum does: two are asked", with: []change{alone, say(y, u, u)}, want: "approval!"},
		{name: "and two are enough", with: []change{alone, say(y, y, u)}},
		{name: "different memberships", with: []change{mismatch}, want: "membership"},
		{name: "different memberships, ending a hung one", with: []change{ending, mismatch}, want: "membership"},
		{name: "ending a hung one has its own proof", with: []change{ending, say(n, n, n)}},
		{name: "the target was not seen", with: []change{noSight}, want: "no-sight"},
		{name: "the view is missing: two are asked", with: []change{noView, say(y, u, u)}, want: "approval!"},
		{name: "a unit has one vantage point", with: []change{service, say(n, n, n)}},
	})
}
