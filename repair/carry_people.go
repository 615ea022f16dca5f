package repair

import (
	"maps"
	"slices"
	"time"
)

type carriedGiven struct {
	Episode string  `json:"episode"`
	Premise Premise `json:"premise"`
	Given   []Given `json:"given"`
	Run     string  `json:"run,omitempty"`
}

type carriedTold struct {
	Cluster string        `json:"cluster,omitempty"`
	Reason  string        `json:"reason"`
	Tier    Tier          `json:"tier"`
	Detail  string        `json:"detail,omitempty"`
	At      time.Duration `json:"at"`
	Wall    time.Time     `json:"wall"`
	Runs    []ToldRun     `json:"runs,omitempty"`
}

// carryPeople carries what people have approved, and what they are told.
func (s *State) carryPeople(p *parts) {
	p.kind("approvals")
	for _, id := range slices.Sorted(maps.Keys(s.approvals)) {
		a := s.approvals[id]
		p.add(carriedGiven{id, a.premise, a.given, a.run})
	}
	p.kind("told")
	for _, t := range s.Told() {
		p.add(carriedTold{t.Cluster, t.Reason, t.Tier, t.Detail, t.At, t.Wall.UTC(), t.Runs})
	}
}

func (s *State) foldCarriedPeople(v Carried) {
	for _, c := range v.Approvals {
		s.approvals[c.Episode] = &approval{premise: c.Premise, given: c.Given, run: c.Run}
	}
	for _, c := range v.Told {
		s.told[toldKey(c.Cluster, c.Reason)] = &Told{c.Cluster, c.Reason, c.Tier, c.Detail, c.At, c.Wall, c.Runs}
	}
}
