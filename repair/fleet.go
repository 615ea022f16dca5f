package repair

import (
	"time"

	"github.com/fettle-io/fettle/journal"
)

// Fleet is one look at the whole inventory: what the storm and blast-radius guards
// decide on.
type Fleet struct {
	// Asked is when the look began.
	Asked journal.Reading
	// Running counts the targets that should be running: all of the inventory but
	// those that are stopped on purpose.
	Running int
	// Failing counts those of them that were seen not to run or not to answer.
	Failing int
	// Available are the targets, as "cluster/member", that were seen to do their work;
	// of any other one it was seen that it does not, or it could not be told.
	Available map[string]bool
	// Suspect says why Prometheus or Alertmanager cannot be relied on; empty: they can.
	Suspect string
	// Err is why the look failed: then nothing can be said.
	Err error
}

// Survey is the effect that asks for a look at the whole inventory; Surveyed
// answers, always.
type Survey struct{ Timeout time.Duration }

// Surveyed answers a Survey.
type Surveyed struct{ Fleet Fleet }

func (Survey) effect()  {}
func (Surveyed) event() {}
