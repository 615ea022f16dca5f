package guard

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// Proof refuses a start whose local proof says no: the data directory is empty,
// or another member's. No approval can change that (ENGINE.md rule 25). A proof
// that cannot be had waits for a person; a process that runs is no member to
// start, and passes by itself.
func Proof() repair.Guard {
	return repair.Guard{Name: "proof", Ask: func(q repair.Question) repair.Verdict {
		if q.Spec.Does != repair.Starts || !ofQuorum(q) {
			return repair.Go()
		}
		s, none := sight(q)
		if none != nil {
			return *none
		}
		switch {
		case s.Proof.Answer == cluster.Yes:
			return repair.Go()
		case s.Proof.Answer == cluster.No && s.Proof.Reason == "process-runs":
			return repair.Refuse(s.Proof.Reason, s.Proof.Detail)
		case s.Proof.Answer == cluster.No:
			return repair.RefuseForPerson(s.Proof.Reason, s.Proof.Detail)
		}
		return repair.RefuseForPerson("approval", "local proof cannot be had ("+s.Proof.Reason+"): "+s.Proof.Detail)
	}}
}
