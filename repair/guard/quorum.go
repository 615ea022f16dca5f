package guard

import (
	"fmt"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// Quorum is ENGINE.md rule 14 for whatever takes a voter away, and rule 13's "no
// majority" for a start while the cluster has no leader.
func Quorum() repair.Guard {
	return repair.Guard{Name: "quorum", Ask: func(q repair.Question) repair.Verdict {
		if !ofQuorum(q) || q.Spec.Does == repair.Leaves { // no voter goes away
			return repair.Go()
		}
		if q.Seen.Facts.View == nil {
			return repair.Refuse("no-view", "the cluster was not seen")
		}
		if q.Spec.Does == repair.Starts {
			return majorityToCome(q)
		}
		return enoughWithout(q)
	}}
}

// majorityToCome: without a leader, a start makes sense only if the members that
// live, and those that could be started, are a majority together.
func majorityToCome(q repair.Question) repair.Verdict {
	view := *q.Seen.Facts.View
	if _, ok := view.Leader(); ok {
		return repair.Go()
	}
	alive, startable := 0, 0
	for _, m := range view.Members {
		s, ok := q.Seen.Facts.Sight(m.Name)
		switch {
		case !ok || m.Learner || m.Outside:
		case s.Alive:
			alive++
		case s.Service.State == cluster.ServiceDead && s.Proof.Answer == cluster.Yes:
			startable++
		}
	}
	if alive+startable >= view.Quorum() {
		return repair.Go()
	}
	return repair.Refuse("no-majority", fmt.Sprintf("the cluster has no leader, %d voters live and %d can be started: %d of %d are needed", alive, startable, view.Quorum(), view.Voters()))
}

// enoughWithout counts the target as gone: the others that are reachable, agree on
// leader and term, and are caught up must still be a quorum. Only a hung voter is
// taken away at all; one that answers slowly needs a person. A person's approval
// releases that alone: the others are counted first.
func enoughWithout(q repair.Question) repair.Verdict {
	s, none := sight(q)
	if none != nil {
		return *none
	}
	if v := othersSuffice(q); !v.OK {
		return v
	}
	if !s.Hung {
		return repair.RefuseForPerson("approval", "it is not shown to be hung, and a voter that may still answer is not taken away by itself")
	}
	return repair.Go()
}

func othersSuffice(q repair.Question) repair.Verdict {
	view := *q.Seen.Facts.View
	target, ok := view.Member(q.Target.Member.Name)
	if !ok {
		return repair.Refuse("no-view", fmt.Sprintf("the cluster was seen without %s", q.Target))
	}
	if target.Learner {
		return repair.Go()
	}
	leader, ok := view.Leader()
	switch {
	case !ok:
		return repair.Refuse("no-leader", "no quorum of voters names a leader: the dead ones are started first")
	case leader.Name != "" && !leader.Reachable:
		return repair.Refuse("no-leader", fmt.Sprintf("%s, which the others name as their leader, does not answer: who is caught up cannot be told", leader.Name))
	}
	var agree []cluster.MemberView
	commit := leader.Commit
	for _, m := range view.Members {
		if m.Name == target.Name || m.Learner || m.Outside || !m.Reachable || m.Leader != leader.ID || m.Term != leader.Term {
			continue
		}
		agree, commit = append(agree, m), max(commit, m.Commit) // a leader that the inventory does not list tells no commit
	}
	good := 0
	for _, m := range agree {
		if m.Applied+q.Settings.CommitLag >= commit {
			good++
		}
	}
	if good < view.Quorum() {
		return repair.Refuse("quorum", fmt.Sprintf("without it %d voters are reachable, agree and are caught up: %d of %d are needed", good, view.Quorum(), view.Voters()))
	}
	return repair.Go()
}
