package guard

import (
	"fmt"

	"github.com/fettle-io/fettle/repair"
)

// Autonomy refuses unless fettle may act by itself for this playbook, cluster and
// tier: `observe` ends the run observed, `approve` waits for a person.
func Autonomy() repair.Guard {
	return repair.Guard{Name: "autonomy", Ask: func(q repair.Question) repair.Verdict {
		switch q.Autonomy {
		case repair.Auto:
			return repair.Go()
		case repair.Approve:
			return repair.RefuseForPerson("approval", fmt.Sprintf("autonomy is approve for %s on %s: a person has to approve it", q.Playbook.Name, q.Target.Cluster.Name))
		}
		v := repair.Refuse("observe", fmt.Sprintf("autonomy is observe for %s on %s: this is only what would be done; `autonomy` in fettle.yml changes that", q.Playbook.Name, q.Target.Cluster.Name))
		v.Observed = true
		return v
	}}
}
