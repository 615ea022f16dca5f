package sim

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// watcher calls the invariants where something they are about happens.
type watcher struct {
	w         *world
	ledger    *ledger
	broken    *Violation
	seen      map[string][]*looking // by target, the last looks that ended
	answer    map[uint64]*looking   // by its number: not stepped yet
	last      map[string]*looking   // by target, the last one that was stepped
	goal      map[string]*looking   // likewise, of those that tell whether the target is in order
	looks     map[time.Duration]*looking
	once      map[string]int             // run|step: how often it was begun
	asked     map[string]time.Duration   // by target: when a look was last asked for
	calm      bool                       // no more faults: it has to come into order by itself
	cfg       repair.Config              // the engine's
	inForce   terms                      // what that declares
	posted    map[string]time.Duration   // cluster|reason: when people were last told
	overSince map[string]time.Duration   // likewise: since when nothing is left of it
	own       map[string][]time.Duration // by refusal: runs that said nothing else
	behind    map[string]time.Duration   // target: when a run on it was last seen live
	alone     map[*unit]bool             // was the only one of its ring that was down, and was not seen to answer since
}

// Violation is an invariant that was broken.
type Violation struct {
	Rule string // the invariant's name
	Text string // what was seen
	At   time.Duration
}

func (v *Violation) Error() string {
	return fmt.Sprintf("%s, %s into the seed: %s", v.Rule, clock(v.At), v.Text)
}

func newWatcher(w *world) *watcher {
	v := &watcher{w: w, seen: map[string][]*looking{}, answer: map[uint64]*looking{}, last: map[string]*looking{}, goal: map[string]*looking{}, looks: map[time.Duration]*looking{}, once: map[string]int{}, asked: map[string]time.Duration{},
		posted: map[string]time.Duration{}, overSince: map[string]time.Duration{}, own: map[string][]time.Duration{}, alone: map[*unit]bool{}, behind: map[string]time.Duration{}}
	v.ledger = newLedger(w.ranAt)
	return v
}

// ranAt is how long fettle's host had been up at a reading, all its boots together.
func (w *world) ranAt(r journal.Reading) time.Duration {
	for _, b := range w.fettle.readings {
		if b.name == r.Boot {
			return b.at + r.Since
		}
	}
	return r.Since
}

// report keeps the first violation.
func (v *watcher) report(rule, format string, args ...any) {
	if v.broken == nil {
		v.broken = &Violation{Rule: rule, Text: fmt.Sprintf(format, args...), At: v.w.now}
		v.w.say("VIOLATED", "%s: %s", rule, v.broken.Text)
	}
}

func (v *watcher) started() {
	v.cfg, v.inForce = v.w.fettle.cfg, v.w.declared[v.w.fettle.cfg.Digest]
	clear(v.own)
	v.ledger = newLedger(v.w.ranAt)
	clear(v.answer)
	clear(v.last)
	clear(v.goal)
	for _, d := range v.w.fettle.disk.lines {
		v.ledger.take(d)
	}
	for _, ep := range v.ledger.episodes {
		ep.records = nil
	}
}

// event is what is about to be stepped.
func (v *watcher) event(ev repair.Event) {
	switch ev := ev.(type) {
	case repair.Looked:
		if l := v.answer[ev.Look]; l != nil {
			delete(v.answer, ev.Look)
			l.failed = ev.Err != nil || ev.Verified != nil && !ev.Verified.Believed
			v.last[l.effect.Target.String()] = l
			if ev.Err == nil {
				v.noteDown(l)
			}
			if l.deed == nil || l.deed.ofService() {
				v.goal[l.effect.Target.String()] = l
			}
		}
	case repair.Reloaded:
		v.cfg, v.inForce = ev.Config, v.w.declared[ev.Config.Digest]
	case repair.ClearPause, repair.Release, repair.SetPause: // a person's word is answered
		for _, ep := range v.ledger.episodes {
			ep.records = nil
		}
	}
}

// made is a record that the engine just made, in its critical section.
func (v *watcher) made(d journal.Draft, stamp repair.Stamp) {
	v.w.story.record(v.w.now, d)
	switch d.Type {
	case repair.TypeIntent:
		v.intent(read[repair.IntentData](d), stamp)
	case repair.TypePlanned:
		v.overMeansNobodyElse(read[repair.Planned](d))
	case repair.TypeFinished:
		f := read[repair.FinishedData](d)
		v.repairedInOrder(f)
		v.settled(f, d)
		v.floodHeld(f, v.ledger.runs[f.Run], v.ledger.ran(d.At))
		v.w.stats.Runs++
		v.w.stats.count(f)
	case repair.TypeEscalate:
		v.toldOnce(read[repair.EscalatedData](d))
	case repair.TypeReleased:
		v.vouch(read[repair.ReleasedData](d))
	case repair.TypeClosed:
		v.closedWhenOver(read[repair.ClosedData](d))
	}
	v.ledger.take(d)
	v.fewRecords(d)
	if d.Type == repair.TypeFinished {
		v.w.meddle(read[repair.FinishedData](d).Run)
	}
}

func (v *watcher) intent(in repair.IntentData, stamp repair.Stamp) {
	v.w.stats.Intents++
	run := v.ledger.runs[in.Run]
	u, ok := v.w.named[in.TargetName]
	if run == nil || !ok {
		v.report(ruleDurable, "an intent of a run without a plan: %s on %s", in.Action, in.TargetName)
		return
	}
	look := v.looks[v.w.fettle.trueTime(in.NotAfterSince-v.w.fettle.notAfter)]
	v.onePerResource(in, run)
	v.freshView(in, look, stamp)
	v.undoPlanned(in, run)
	if run.owed() { // asks no guard (rule 24)
		v.putBackRightly(in, u, run, look)
		return
	}
	v.meant(in, u, run)
	v.notPaused(in, u, stamp)
	v.cooledDown(in, run, stamp)
	v.attemptsLeft(in, run, stamp)
	v.inWindow(in, u, run, stamp)
	if run.plan.Undoes == "" { // a person's word is its approval
		v.approved(in, u, run, look, stamp)
	}
	if look != nil {
		v.needed(in, look)
		v.notOnPurpose(in, u, look)
		v.radiusKept(in, u, run, look)
	}
	if run.plan.Undoes != "" {
		v.putBackRightly(in, u, run, look)
	}
}

func (v *watcher) effect(f repair.Effect) {
	switch f := f.(type) {
	case repair.Look:
		v.asked[f.Target.String()] = v.w.now
	case repair.Escalate:
		for _, one := range f.Alerts {
			v.posted[toldKey(one.Cluster, one.Reason)] = v.w.now
		}
	case repair.Apply:
		v.durableIntent(f)
	}
}

// looked is a look that ended.
func (v *watcher) looked(l *looking, err error) {
	v.answer[l.effect.ID] = l
	if l.unit == nil || err != nil {
		return
	}
	list := append(v.seen[l.sees()], l)
	if len(list) > 40 {
		for _, old := range list[:20] {
			delete(v.looks, old.asked)
		}
		list = append(list[:0:0], list[20:]...)
	}
	v.seen[l.sees()] = list
	v.looks[l.asked] = l
}

// sees names what a look looks at: its target, and the step where that describes itself.
func (l *looking) sees() string {
	if l.deed == nil {
		return l.unit.name()
	}
	return l.unit.name() + "|" + l.effect.Spec.Sees
}

// lastLook is when the last look at a target began that the engine has heard of.
func (v *watcher) lastLook(target string) time.Duration {
	if l := v.goal[target]; l != nil {
		return l.began
	}
	return v.w.now
}

// lastLookWorked tells that the last one was no error.
func (v *watcher) lastLookWorked(u *unit) bool {
	l := v.goal[u.name()]
	return l != nil && !l.failed
}

func (v *watcher) begun(m *mutation) {
	v.inTime(m)
	v.onceOnly(m)
	v.quorumKept(m)
}
