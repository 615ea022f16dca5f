package repair

import (
	"slices"
	"time"

	"github.com/fettle-io/fettle/journal"
)

func (s *State) foldApproved(v ApprovedData, t time.Duration, at journal.Reading) {
	a := s.approvals[v.Episode]
	if a == nil || a.premise.Digest != v.Premise.Digest {
		a = &approval{premise: v.Premise}
		s.approvals[v.Episode] = a
	}
	a.given = append(a.given, Given{Actor: v.Actor, At: t, Wall: at.Wall, Boot: at.Boot, Comment: v.Comment})
}

func (s *State) foldVoid(v VoidData) {
	a := s.approvals[v.Episode]
	if a == nil {
		return
	}
	a.given = slices.DeleteFunc(a.given, func(g Given) bool { return slices.Contains(v.Actors, g.Actor) })
	if len(a.given) == 0 {
		delete(s.approvals, v.Episode)
	}
}

func (s *State) foldEscalated(v EscalatedData, t time.Duration, wall time.Time) {
	ep := s.episodes[v.Episode]
	if ep != nil && v.Run == "" {
		ep.escalated = set(ep.escalated, v.Reason, true)
	}
	if v.Tier == "" { // as it was written when each episode was told by itself
		return
	}
	key := toldKey(v.Cluster, v.Reason)
	told := s.told[key]
	if told == nil {
		told = &Told{Cluster: v.Cluster, Reason: v.Reason, Tier: v.Tier, Detail: v.Detail, At: t, Wall: wall}
		s.told[key] = told
	}
	told.Tier = min(told.Tier, v.Tier) // P0 is the most urgent one
	if v.Run != "" {
		told.Runs = slices.DeleteFunc(told.Runs, func(r ToldRun) bool { return r.Episode == v.Episode })
		told.Runs = append(told.Runs, ToldRun{Run: v.Run, Episode: v.Episode, Target: v.Target, Detail: v.Detail, Open: ep != nil})
	}
}

func (s *State) foldAcked(v AckedData) {
	ep := s.episodes[v.Episode]
	for _, reason := range v.Reasons {
		if ep != nil {
			ep.acked = set(ep.acked, reason, true)
			ep.escalated = set(ep.escalated, reason, true) // a start must not tell it anew
		}
		for _, told := range s.told {
			if told.Reason == reason {
				told.Runs = slices.DeleteFunc(told.Runs, func(r ToldRun) bool { return r.Episode == v.Episode })
			}
		}
	}
}
