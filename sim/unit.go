package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// unit is a service under its manager: a member of a quorum, or a plain service.
type unit struct {
	w      *world
	target cluster.Target
	host   *host
	ring   *ring // nil: a plain service
	place  int   // in its ring
	voter

	state   cluster.ServiceState
	purpose string
	busy    bool
	pid     int // 0: no process
	born    time.Duration
	gen     int       // what was to happen to an older generation does not
	by      *mutation // what the manager is at for fettle
	beganAt time.Duration

	// How its manager treats it.
	notify       bool          // READY is when it sees a leader
	startTimeout time.Duration // with notify: killed without READY; 0: never
	restartIn    time.Duration // restarted by its manager after so long; 0: not at all
	restarts     int

	// How its starts go, and it itself.
	startIn   time.Duration
	stuck     bool // a start never finishes
	broken    bool // a start exits at once
	portUntil time.Duration
	replay    time.Duration // a process answers nothing for so long
	hung      bool
	hungAt    time.Duration
	slow      bool
	untold    bool // its manager cannot tell its state
	stoppedAt time.Duration

	// What fettle and Prometheus cannot reach.
	cutProbe, cutProm bool

	// The truth, for the invariants.
	knobs         map[string]string // what commands set, of a plain service
	byFettle      bool              // a mutation took it away, and it was not in order since
	lastAvailable time.Duration     // as fettle's own look would show, unless it is
	wasAvailable  bool
	inOrder       bool
	outSince      time.Duration
	orderEnd      time.Duration // when it was last in order, unless it is
}

var errMasked = errors.New("unit is masked")

func (u *unit) name() string     { return u.target.String() }
func (u *unit) identity() string { return fmt.Sprintf("p%d", u.pid) }

func (u *unit) later(d time.Duration, do func()) {
	gen := u.gen
	u.w.in(d, func() {
		if u.gen == gen {
			do()
		}
	})
}

// replaying tells that its process reads its log and answers nothing yet.
func (u *unit) replaying() bool { return u.pid != 0 && u.w.now < u.born+u.replay }

// alive tells that its process runs and can do something.
func (u *unit) alive() bool { return u.pid != 0 && !u.hung && !u.replaying() }

// answers tells that it answers a client that reaches it.
func (u *unit) answers() bool {
	return u.alive() && !u.slow && u.host.up && (u.ring == nil || u.opened)
}

// start is what a manager does on a start: nothing where something runs already.
func (u *unit) start(m *mutation) error {
	switch {
	case u.purpose == "masked":
		m.finish()
		return errMasked
	case u.pid != 0, u.state == cluster.ServiceStarting, u.state == cluster.ServiceStopping:
		m.finish()
		return nil
	}
	u.restarts = 0
	u.begin(m)
	return nil
}

func (u *unit) begin(m *mutation) {
	u.gen++
	u.state, u.purpose, u.busy, u.by, u.beganAt = cluster.ServiceStarting, "", true, m, u.w.now
	if !u.stuck {
		u.later(u.startIn+u.w.dice.span(time.Millisecond, 50*time.Millisecond), u.spawn)
	}
	u.w.changed()
}

func (u *unit) spawn() {
	w, by := u.w, u.by
	u.by = nil
	by.finish()
	if u.broken || w.now < u.portUntil {
		w.say(u.name(), "its start exits at once")
		u.gone()
		return
	}
	w.pids++
	u.pid, u.born, u.hung, u.slow = w.pids, w.now, false, false
	if by != nil {
		w.stats.Started++
		w.watch.startedOnData(u, by)
	}
	u.join()
	u.state, u.busy = cluster.ServiceRunning, false
	if u.notify {
		u.state, u.busy = cluster.ServiceStarting, true
		if u.startTimeout > 0 {
			u.later(u.startTimeout, func() {
				if u.state == cluster.ServiceStarting {
					w.say(u.name(), "killed by its manager: not READY after %s", u.startTimeout)
					u.gone()
				}
			})
		}
	}
	w.say(u.name(), "runs as %s", u.identity())
	u.later(u.replay, w.changed)
	w.changed()
}

// ready is READY of a notify service.
func (u *unit) ready() {
	if u.state == cluster.ServiceStarting && u.pid != 0 {
		u.state, u.busy = cluster.ServiceRunning, false
	}
}

// gone is a process that ended, however; its manager may bring it back.
func (u *unit) gone() {
	u.gen++
	u.pid, u.busy, u.hung, u.slow = 0, false, false, false
	u.by.finish()
	u.by = nil
	u.leave()
	u.state = cluster.ServiceDead
	if u.restartIn > 0 && u.restarts < 5 {
		u.restarts++
		u.state = cluster.ServiceAutoRestart
		u.later(u.restartIn, func() { u.begin(nil) })
	}
	u.w.changed()
}

// crash is a process that dies by itself.
func (u *unit) crash() {
	if u.pid != 0 {
		u.w.say(u.name(), "dies")
		u.gone()
	}
}

// kill ends exactly that process.
func (u *unit) kill(identity string, m *mutation) error {
	m.finish()
	if u.pid == 0 || u.identity() != identity {
		return fmt.Errorf("%s is not the process of %s", identity, u.name())
	}
	u.w.stats.Ended++
	u.w.say(u.name(), "%s is killed by fettle", identity)
	u.gone()
	return nil
}

// restart is a manager's: stop in order, start.
func (u *unit) restart(m *mutation) error {
	if u.purpose == "masked" {
		m.finish()
		return errMasked
	}
	u.gen++
	u.restarts = 0
	if u.pid == 0 {
		u.begin(m)
		return nil
	}
	u.state, u.busy, u.by = cluster.ServiceStopping, true, m
	u.byFettle = u.byFettle || m != nil
	stop := u.w.dice.span(0, 2*time.Second)
	if u.hung {
		stop = 10 * time.Second // until its manager kills it
	}
	u.w.changed()
	u.later(stop, func() {
		u.pid, u.hung, u.slow = 0, false, false
		u.begin(m)
	})
	return nil
}

// stop is a person's.
func (u *unit) stop(purpose string) {
	u.gen++
	u.by.finish()
	u.by = nil
	u.pid, u.busy, u.hung, u.slow = 0, false, false, false
	u.leave()
	u.state, u.purpose, u.stoppedAt = cluster.ServiceStopped, purpose, u.w.now
	u.w.changed()
}

// outdated tells that it serves with an old configuration.
func (u *unit) outdated() bool { return u.knobs["conf"] == "old" }

// noteOrder keeps the truth about whether it is in order.
func (u *unit) noteOrder() {
	if u.wasAvailable {
		u.lastAvailable = u.w.now
	}
	u.wasAvailable = u.available()
	now := u.answers() && (u.ring == nil || u.caughtUp()) && !u.outdated()
	if now == u.inOrder {
		return
	}
	u.inOrder = now
	if now {
		u.restarts, u.byFettle = 0, false
		u.w.say(u.name(), "is in order")
		return
	}
	u.outSince, u.orderEnd = u.w.now, u.w.now
	u.w.say(u.name(), "is out of order")
}

// orderSince tells whether it was in order at any time since t.
func (u *unit) orderSince(t time.Duration) bool {
	return u.inOrder || u.orderEnd >= t && u.orderEnd > 0
}
