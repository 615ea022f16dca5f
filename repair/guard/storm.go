package guard

import (
	"fmt"

	"github.com/fettle-io/fettle/repair"
)

// stormLeast is how many targets have to fail before it can be a storm.
const stormLeast = 5

// Storm refuses while much of the inventory fails in one look: at least five targets
// and over a third of those that should be running. Then the cause is rather the
// network, a power feed or the monitoring than each target, and a restart of what may
// be healthy makes it worse. It refuses as well where Prometheus or Alertmanager
// cannot be relied on, and where it cannot be told. A start of what is down takes
// nothing away and is not asked (rule 13).
func Storm() repair.Guard {
	return repair.Guard{Name: "storm", Fleet: true, Alike: true, Ask: func(q repair.Question) repair.Verdict {
		f := q.Fleet
		switch {
		case q.Spec.Does == repair.Starts:
			return repair.Go()
		case f == nil:
			return repair.Refuse("unseen", "the whole inventory has not been looked at just now")
		case f.Err != nil:
			return repair.Refuse("unseen", "the whole inventory cannot be looked at: "+f.Err.Error())
		case f.Failing >= stormLeast && f.Failing*3 > f.Running:
			return repair.Refuse("storm", fmt.Sprintf("%d of the %d targets that should be running fail at once: rather their network or the monitoring than each of them", f.Failing, f.Running))
		case f.Suspect != "":
			return repair.Refuse("suspect", f.Suspect)
		}
		return repair.Go()
	}}
}
