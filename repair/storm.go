package repair

import "time"

// surveyTimeout bounds one look at the whole inventory. It is shorter than a View may
// be old, so that what was seen just before it still counts after it.
const surveyTimeout = 3 * time.Second

// ofFleet tells that a guard decides on the whole inventory.
func (e *Engine) ofFleet(guard string) bool {
	for _, g := range e.cfg.Guards {
		if g.Name == guard {
			return g.Fleet
		}
	}
	return false
}

// ofAll tells that a guard's refusal is the whole fleet's.
func (e *Engine) ofAll(guard string) bool {
	for _, g := range e.cfg.Guards {
		if g.Name == guard {
			return g.Alike
		}
	}
	return false
}

// freshFleet is the last look at the whole inventory, nil when it is too old.
func (e *Engine) freshFleet(set Settings) *Fleet {
	if e.fleet == nil || e.fleet.Asked.Boot != e.stamp.Now.Boot || e.stamp.Now.Since-e.fleet.Asked.Since > set.ViewAge {
		return nil
	}
	return e.fleet
}

// unseenFleet tells that a guard refuses only because the inventory has not been
// looked at lately. It is looked at when everything else says go, and not before.
func (e *Engine) unseenFleet(v *Verdict) bool {
	return v != nil && e.ofFleet(v.Guard) && (e.fleet == nil || e.now-e.fleetCame > time.Second)
}

// survey looks at the whole inventory, once for all who want to know.
func (e *Engine) survey(then func()) {
	e.surveyed = append(e.surveyed, then)
	if len(e.surveyed) == 1 {
		e.effect(Survey{Timeout: surveyTimeout})
	}
}

func (e *Engine) onSurveyed(ev Surveyed) {
	e.fleet, e.fleetCame = &ev.Fleet, e.now
	waiting := e.surveyed
	e.surveyed = nil
	for _, then := range waiting {
		then()
	}
}

// heldStill is why nothing new may begin at all: the journal has no room, or is
// damaged. Nil: it may.
func (e *Engine) heldStill() *Verdict {
	if held := e.owedHeldStill(); held != nil || e.stamp.Full == "" {
		return held
	}
	return &Verdict{Guard: ReasonJournal, Reason: ReasonJournal, Detail: e.stamp.Full, Passing: true}
}

// owedHeldStill is why not even what is owed is taken back. What room is left in the
// journal is for that too (rule 17).
func (e *Engine) owedHeldStill() *Verdict {
	if e.stamp.Held == "" {
		return nil
	}
	return &Verdict{Guard: ReasonJournal, Reason: ReasonJournal, Detail: e.stamp.Held, Passing: true}
}
