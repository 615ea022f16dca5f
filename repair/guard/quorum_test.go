package guard_test

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func learner(m cluster.MemberView) cluster.MemberView {
	m.Learner = true
	return m
}

func outside(m cluster.MemberView) cluster.MemberView {
	m.Outside = true
	return m
}

func applied(m cluster.MemberView, n uint64) cluster.MemberView {
	m.Applied = n
	return m
}

// Rule 14: what takes a voter away.
func TestQuorumOfTaking(t *testing.T) {
	unlisted := func(names []string, learners int) change {
		return func(q *repair.Question) {
			q.Seen.Facts.View.Unlisted, q.Seen.Facts.View.UnlistedLearners = names, learners
		}
	}
	noLag := func(q *repair.Question) { q.Settings.CommitLag = 0 }
	a, b, c, d, e := silent("a"), serving("b", "b", 2), serving("c", "b", 2), serving("d", "b", 2), serving("e", "b", 2)
	check(t, guard.Quorum(), []tc{
		{name: "three, one hung", with: []change{ending}},
		{name: "a step that leaves the member as it is", with: []change{func(q *repair.Question) { q.Spec.Does = repair.Leaves }, leaderless}},
		{name: "it answers: not shown to be hung", with: []change{ending, sightOf(0, func(s *cluster.Sight) { s.Hung = false })}, want: "approval!"},
		{name: "it answers, and nothing is there to be approved: the others are no quorum", with: []change{ending, view(a, b, silent("c")), sightOf(0, func(s *cluster.Sight) { s.Hung = false })}, want: "no-leader"},
		{name: "three, one hung, one dead: the count refuses", with: []change{ending, view(a, b, silent("c"))}, want: "no-leader"},
		{name: "nobody names a leader", with: []change{ending, leaderless}, want: "no-leader", says: "started first"},
		{name: "five, one hung, one dead", with: []change{ending, view(a, b, c, d, silent("e"))}},
		{name: "five, one hung, two dead", with: []change{ending, view(a, b, c, silent("d"), silent("e"))}, want: "no-leader"},
		{name: "five, one hung, one dead, one behind", with: []change{ending, view(a, b, c, applied(d, 3999), silent("e"))}, want: "quorum", says: "2 voters are reachable"},
		{name: "five, all there, one behind", with: []change{ending, view(a, b, c, d, applied(e, 10))}},
		{name: "behind by exactly the allowed lag", with: []change{ending, view(a, b, applied(c, 4000))}},
		{name: "behind by one more", with: []change{ending, view(a, b, applied(c, 3999))}, want: "quorum"},
		{name: "no lag allowed, none there", with: []change{ending, noLag}},
		{name: "no lag allowed, one behind by one", with: []change{ending, noLag, view(a, b, applied(c, 4999))}, want: "quorum"},
		{name: "one in an older term", with: []change{ending, view(a, b, d, e, serving("c", "b", 1))}},
		{name: "three, one in an older term: no quorum names a leader", with: []change{ending, view(a, b, serving("c", "b", 1))}, want: "no-leader"},
		{name: "five, one in an older term, one dead", with: []change{ending, view(a, b, c, serving("d", "b", 1), silent("e"))}, want: "no-leader"},
		{name: "an old leader that still calls itself one does not count", with: []change{ending, view(a, serving("b", "b", 1), serving("c", "d", 2), serving("d", "d", 2), serving("e", "d", 2))}},
		{name: "nor does it make up the count", with: []change{ending, view(a, serving("b", "b", 1), serving("c", "d", 2), serving("d", "d", 2), applied(serving("e", "d", 2), 1))}, want: "quorum"},
		{name: "a learner does not count", with: []change{ending, view(a, b, silent("c"), learner(d))}, want: "no-leader"},
		{name: "a learner is no voter to be counted either", with: []change{ending, view(a, b, c, learner(silent("d")), learner(silent("e")))}},
		{name: "a hung learner is taken from nobody", with: []change{ending, view(learner(a), b, silent("c"), silent("d"))}},
		{name: "a hung learner that answers is not hung", with: []change{ending, view(learner(a), b, c), sightOf(0, func(s *cluster.Sight) { s.Hung = false })}, want: "approval!"},
		{name: "one outside the membership makes up no count", with: []change{ending, view(a, b, c, applied(d, 3999), silent("e"), outside(serving("f", "b", 2)))}, want: "quorum", says: "2 voters are reachable"},
		{name: "nor one that needs a person", with: []change{ending, view(serving("a", "b", 2), b, c, silent("d"), silent("e"), outside(serving("f", "b", 2))), sightOf(0, func(s *cluster.Sight) { s.Hung = false })}, want: "quorum"},
		{name: "an unlisted voter counts as one that is missing", with: []change{ending, unlisted([]string{"x", "y"}, 0)}, want: "no-leader"},
		{name: "one unlisted voter of four", with: []change{ending, unlisted([]string{"x"}, 0)}, want: "no-leader"},
		{name: "an unlisted learner does not", with: []change{ending, unlisted([]string{"x"}, 1)}},
		{name: "the leader is one that the inventory does not list", with: []change{ending, view(a, serving("b", "x", 2), serving("c", "x", 2))}},
		{name: "and one behind the others is behind all the same", with: []change{ending, view(a, serving("b", "x", 2), applied(serving("c", "x", 2), 10))}, want: "quorum"},
		{name: "the leader that they name does not answer", with: []change{ending, view(a, serving("b", "e", 2), serving("c", "e", 2), serving("d", "e", 2), silent("e"))}, want: "no-leader", says: "does not answer"},
		{name: "the others still name the hung one", with: []change{ending, view(a, serving("b", "a", 2), serving("c", "a", 2))}, want: "no-leader"},
		{name: "one voter alone", with: []change{ending, view(a)}, want: "no-leader"},
		{name: "two voters tolerate none", with: []change{ending, view(a, b)}, want: "no-leader"},
		{name: "the target is not in the view", with: []change{ending, view(b, c)}, want: "no-view", says: "demo/a"},
		{name: "the target was not seen", with: []change{ending, noSight}, want: "no-sight"},
		{name: "the cluster was not seen", with: []change{ending, noView}, want: "no-view"},
		{name: "a unit has no quorum", with: []change{ending, service}},
	})
}

// Rule 13: starting is refused only where no majority can come of it.
func TestQuorumOfStarting(t *testing.T) {
	a, b, c := silent("a"), silent("b"), silent("c")
	noProof := func(s cluster.Sight) cluster.Sight {
		s.Proof = cluster.Proof{Answer: cluster.No, Reason: "empty-data-dir"}
		return s
	}
	stopped := func(s cluster.Sight) cluster.Sight {
		s.Service.State = cluster.ServiceStopped
		return s
	}
	check(t, guard.Quorum(), []tc{
		{name: "there is a leader"},
		{name: "a leader, and no proof for anybody: not asked here", with: []change{sights(noProof(dead("a")))}},
		{name: "all dead, all can be started", with: []change{view(a, b, c), sights(dead("a"), dead("b"), dead("c"))}},
		{name: "all dead, two can be started", with: []change{view(a, b, c), sights(dead("a"), dead("b"), noProof(dead("c")))}},
		{name: "all dead, one can be started", with: []change{view(a, b, c), sights(dead("a"), noProof(dead("b")), noProof(dead("c")))}, want: "no-majority", says: "0 voters live and 1 can be started: 2 of 3"},
		{name: "one lives, one can be started", with: []change{leaderless, sights(dead("a"), alive("b"), noProof(dead("c")))}},
		{name: "one hangs, one can be started", with: []change{leaderless, sights(dead("a"), hung("b"), noProof(dead("c")))}, want: "no-majority"},
		{name: "one hangs, two can be started", with: []change{leaderless, sights(dead("a"), hung("b"), dead("c"))}},
		{name: "stopped on purpose cannot be started", with: []change{leaderless, sights(dead("a"), stopped(dead("b")), hung("c"))}, want: "no-majority"},
		{name: "others were not seen", with: []change{leaderless, sights(dead("a"))}, want: "no-majority"},
		{name: "nobody was seen", with: []change{leaderless, noSight}, want: "no-majority"},
		{name: "a learner is no part of a majority", with: []change{view(a, b, learner(c)), sights(dead("a"), noProof(dead("b")), alive("c"))}, want: "no-majority"},
		{name: "nor is one outside the membership", with: []change{view(a, b, outside(c)), sights(dead("a"), noProof(dead("b")), alive("c"))}, want: "no-majority"},
		{name: "unlisted voters are missing", with: []change{view(a, b, c), func(q *repair.Question) { q.Seen.Facts.View.Unlisted = []string{"x", "y", "z"} }, sights(dead("a"), dead("b"), dead("c"))}, want: "no-majority", says: "4 of 6"},
		{name: "five, two live, one can be started", with: []change{
			view(a, b, c, serving("d", "", 2), serving("e", "", 2)),
			sights(dead("a"), noProof(dead("b")), noProof(dead("c")), alive("d"), alive("e")),
		}},
		{name: "the cluster was not seen", with: []change{noView}, want: "no-view"},
		{name: "a unit has no quorum", with: []change{service}},
	})
}
