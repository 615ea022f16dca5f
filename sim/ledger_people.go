package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// givenSeen is one person's approval, as it was recorded.
type givenSeen struct {
	repair.ApprovedData
	at   time.Duration
	boot string
	used string // the run that made an intent under it
}

// people is what the ledger knows of approvals, and of what people were told.
type people struct {
	given map[string][]*givenSeen // by episode, those that are not void
	told  map[string]repair.Tier  // cluster|reason
	since map[string]time.Duration
	acked map[string][]string // by episode: reasons
	runs  map[string][]string // cluster|reason: the episodes, over by then, of runs that it was told of
}

func newPeople() people {
	return people{given: map[string][]*givenSeen{}, told: map[string]repair.Tier{}, since: map[string]time.Duration{}, acked: map[string][]string{}, runs: map[string][]string{}}
}

func toldKey(cluster, reason string) string { return cluster + "|" + reason }

func (p *people) take(d journal.Draft, at time.Duration, open func(episode string) bool) {
	switch d.Type {
	case repair.TypeApproved:
		v := read[repair.ApprovedData](d)
		p.given[v.Episode] = append(p.given[v.Episode], &givenSeen{ApprovedData: v, at: at, boot: d.At.Boot})
	case repair.TypeIntent:
		v := read[repair.IntentData](d)
		for _, g := range p.given[v.Episode] {
			if v.Approval != nil && g.Premise.Digest == v.Approval.Premise && g.used == "" {
				g.used = v.Run
			}
		}
	case repair.TypeVoid:
		v := read[repair.VoidData](d)
		p.given[v.Episode] = slices.DeleteFunc(p.given[v.Episode], func(g *givenSeen) bool {
			return g.Premise.Digest == v.Premise && slices.Contains(v.Actors, g.Actor)
		})
	case repair.TypeEscalate:
		v := read[repair.EscalatedData](d)
		key := toldKey(v.Cluster, v.Reason)
		p.told[key] = v.Tier
		p.since[key] = at
		if v.Run != "" && !open(v.Episode) { // until a person acknowledges it
			p.runs[key] = append(p.runs[key], v.Episode)
		}
	case repair.TypeToldOver:
		v := read[repair.ToldOverData](d)
		delete(p.told, toldKey(v.Cluster, v.Reason))
		delete(p.runs, toldKey(v.Cluster, v.Reason))
	case repair.TypeAcked:
		v := read[repair.AckedData](d)
		p.acked[v.Episode] = append(p.acked[v.Episode], v.Reasons...)
	}
}

// leaderIn is the member that a premise names as the leader.
func leaderIn(p repair.Premise) string {
	for _, w := range p.Words {
		if rest, ok := strings.CutPrefix(w, "member "); ok && strings.Contains(w, ": voter, leader") {
			name, _, _ := strings.Cut(rest, " ")
			return name
		}
	}
	return ""
}
