package sim

import (
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// plain are the units that are no members.
func (w *world) plain() (list []*unit) {
	for _, u := range w.units {
		if u.ring == nil {
			list = append(list, u)
		}
	}
	return list
}

// cutServices cuts fettle off from all services that are not on its own host, and
// Prometheus too: they run, and look as if they did not answer.
func (w *world) cutServices() {
	prom := w.dice.chance(0.8)
	for _, u := range w.plain() {
		u.cutProbe, u.cutProm = true, prom
		w.in(w.dice.span(20*time.Second, 10*time.Minute), func() { u.cutProbe, u.cutProm = false, false; w.changed() })
	}
}

// breakService has a service die and its starts fail for a while: whatever a run did
// before it gave up is owed.
func (w *world) breakService() {
	list := w.plain()
	if len(list) == 0 {
		return
	}
	u := list[len(list)-1]
	if len(list) > 3 {
		u = list[3]
	}
	u.broken = true
	u.crash()
	w.in(w.dice.span(time.Minute, 15*time.Minute), func() { u.broken = false })
}

// configure gives all services a configuration that takes a restart, where they are
// served so.
func (w *world) configure() {
	for _, u := range w.plain() {
		if w.rolls {
			u.knobs["conf"] = "old"
			w.say(u.name(), "has an old configuration")
		}
	}
}

// turnKnob is somebody who changes what fettle may have set, or sets it back.
func (w *world) turnKnob() {
	for _, u := range w.plain() {
		if u.place == 3 {
			name := "pool"
			if w.dice.chance(0.2) {
				name = "drain"
			}
			u.knobs[name] = pick(w.dice, "in", "off", "maintenance")
			w.say("person", "puts %s of %s to %s", name, u.name(), u.knobs[name])
		}
	}
}

// meddle is somebody who has another use for what a run has left, before it is put back.
func (w *world) meddle(run string) {
	o := w.watch.ledger.owed[run]
	if o == nil || w.watch.calm || !w.dice.chance(0.3) {
		return
	}
	u := w.named[o.target]
	w.in(w.dice.span(0, 3*time.Minute), func() {
		u.knobs["pool"] = "maintenance"
		w.say("person", "puts pool of %s to maintenance", u.name())
	})
}

// undoOne is a person who has the last run undone that has begun anything.
func (w *world) undoOne() {
	runs := w.watch.ledger.order
	for i := len(runs) - 1; i >= 0; i-- {
		r := w.watch.ledger.runs[runs[i]]
		if !r.finished || len(r.begun) == 0 || r.plan.Undoes != "" {
			continue
		}
		of, err := repair.UndoingOf(runs[i], w.recordsOf(r.plan.Episode))
		w.say("person", "has run %s undone: %v", tail(runs[i]), err)
		if err == nil {
			w.fettle.post(repair.Undo{Of: of, Actor: "person"}, nil)
		}
		return
	}
}

// recordsOf are the records of an episode that are on the disk.
func (w *world) recordsOf(episode string) (list []journal.Record) {
	for i, d := range w.fettle.disk.lines {
		var of struct {
			Episode string `json:"episode"`
		}
		if of = read[struct {
			Episode string `json:"episode"`
		}](d); of.Episode == episode {
			list = append(list, journal.Record{Seq: uint64(i), Draft: d}) //nolint:gosec // it is not negative
		}
	}
	return list
}
