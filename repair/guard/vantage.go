package guard

import (
	"fmt"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// Vantage refuses when vantage points disagree: that is a partition, and a side is
// never chosen (ENGINE.md rule 15). A start wants two of {own probe, Prometheus'
// last scrape, a healthy peer} to agree that the member is gone; where no other
// member sees a leader, the own probe and the local proof are enough.
func Vantage() repair.Guard {
	return repair.Guard{Name: "vantage", Ask: func(q repair.Question) repair.Verdict {
		if !ofQuorum(q) {
			return repair.Go()
		}
		s, none := sight(q)
		if none != nil {
			return *none
		}
		if q.Seen.Facts.View != nil && q.Seen.Facts.View.Mismatch {
			return repair.Refuse("membership", "reachable members name different memberships")
		}
		if q.Spec.Does != repair.Starts {
			return repair.Go() // rule 14 has its own proof of a hung voter
		}
		gone, there := 0, ""
		for _, v := range []struct {
			who string
			say cluster.Answer
		}{{"our own probe", s.GoneByProbe}, {"Prometheus' last scrape", s.GoneByPrometheus}, {"a healthy peer", s.GoneByPeer}} {
			switch v.say {
			case cluster.Yes:
				gone++
			case cluster.No:
				there = v.who
			}
		}
		detail := fmt.Sprintf("own probe: gone %s, Prometheus: gone %s, peers: gone %s", s.GoneByProbe, s.GoneByPrometheus, s.GoneByPeer)
		no := s.Proof.Answer == cluster.No
		switch {
		case there != "" && (gone > 0 || !no):
			return repair.Refuse("disagree", there+" says it is there ("+detail+"): perhaps a partition")
		case no: // the proof guard refuses, and whoever looks from elsewhere changes nothing
			return repair.Go()
		case gone >= 2:
			return repair.Go()
		case s.GoneByProbe == cluster.Yes && s.Proof.Answer == cluster.Yes && noOtherSeesLeader(q):
			return repair.Go()
		}
		return repair.RefuseForPerson("approval", "only one vantage point says that it is gone ("+detail+")")
	}}
}

// noOtherSeesLeader tells that no other member names a leader, not even one alone.
func noOtherSeesLeader(q repair.Question) bool {
	if q.Seen.Facts.View == nil {
		return false
	}
	for _, m := range q.Seen.Facts.View.Members {
		if m.Name != q.Target.Member.Name && m.Reachable && m.Leader != "" {
			return false
		}
	}
	return true
}
