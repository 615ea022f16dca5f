package sim

import (
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// play is a seed of faults, close together: often one of the hard openings first.
func (w *world) play() {
	list := faults()
	total := 0
	for _, f := range list {
		total += f.weight
	}
	n := w.dice.IntN(24)
	if w.dice.chance(0.5) {
		w.opening(pick(w.dice, Openings()...))
		n = w.dice.IntN(8)
	}
	if len(w.plain()) > 3 && w.dice.chance(0.4) { // what a run leaves that fails is owed
		w.breakService()
		w.run(w.dice.span(time.Minute, 8*time.Minute), nil)
	}
	if r := w.rings[0]; r.unnamed && len(r.members) > 1 && w.dice.chance(0.5) {
		pick(w.dice, (*ring).relapseBesideAnother, (*ring).dieAfterAnother)(r)
	}
	if w.rolls {
		w.configure()
		w.changed()
	}
	for range n {
		if w.stopped() {
			return
		}
		w.strike(list, total)
		w.run(pick(w.dice, 0, time.Second, 3*time.Second, 10*time.Second, 40*time.Second, 2*time.Minute, 5*time.Minute), nil)
	}
}

// playClocks is days in which little breaks, and clocks jump.
func (w *world) playClocks() {
	for range clockDays {
		evening := w.now + 24*time.Hour
		for range 1 + w.dice.IntN(2) {
			w.run(w.dice.span(time.Minute, 11*time.Hour), nil)
			w.any().crash()
			for range w.dice.IntN(4) {
				w.run(w.dice.span(0, 4*time.Minute), nil)
				w.jump()
				switch w.dice.IntN(6) {
				case 0:
					w.fettle.killNow()
				case 1:
					w.reboot(w.home())
				case 2:
					w.any().crash()
				}
			}
		}
		w.run(evening-w.now, nil)
	}
}

// clockDays is how many days a seed of the profile Clocks has.
const clockDays = 5

// Opening is a hard state to begin with.
type Opening string

// The openings: what ENGINE.md's rules 13 and 14 are about.
const (
	AllDead         Opening = "all dead"
	DeadAndHung     Opening = "all but one dead, and that one hung"
	MostDead        Opening = "all but one dead"
	WipedBesideDead Opening = "one wiped beside one dead"
	HungBesideDead  Opening = "one hung beside one dead"
	PowerLoss       Opening = "every host reboots"
	Relapse         Opening = "one dies again while it settles"
)

// Openings lists them.
func Openings() []Opening {
	return []Opening{AllDead, DeadAndHung, MostDead, WipedBesideDead, HungBesideDead, PowerLoss, Relapse}
}

func (w *world) opening(o Opening) {
	w.say("world", "opening: %s", o)
	members := w.rings[0].members
	if o == Relapse {
		w.relapse()
		return
	}
	for i, u := range members {
		last := i == len(members)-1
		u.restartIn = 0
		switch o {
		case AllDead:
			u.crash()
		case DeadAndHung:
			if last {
				u.hung, u.hungAt = true, w.now
			} else {
				u.crash()
			}
		case MostDead:
			if !last {
				u.crash()
			}
		case WipedBesideDead:
			if i < 2 {
				u.crash()
			}
			if i == 0 && u.state == cluster.ServiceDead {
				u.data, u.wipedAt = wiped, w.now
			}
		case HungBesideDead:
			if i == 0 {
				u.crash()
			} else if i == 1 {
				u.hung, u.hungAt = true, w.now
			}
		case PowerLoss:
			w.reboot(u.host)
		}
		w.run(w.dice.mostly(time.Second, 30*time.Second, 0.2), nil)
	}
	w.changed()
	w.run(w.dice.span(0, 2*time.Minute), nil)
}

// relapse ends a unit, and again a moment after it has come up.
func (w *world) relapse() {
	u := pick(w.dice, w.units...)
	u.restartIn = 0
	u.crash()
	w.run(3*time.Minute, func() bool { return u.inOrder })
	w.run(w.dice.span(time.Second, 50*time.Second), nil)
	u.crash()
}
