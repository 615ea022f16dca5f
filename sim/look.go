package sim

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/action"
)

// silence is how long a member must be silent to be hung, and replayAge how old a
// process must be for it that was never seen serving (ENGINE.md rule 14).
const (
	hangSilence = 6 * time.Second
	replayAge   = 90 * time.Second
)

// looking is one look that is under way, and what the invariants want to know of it.
type looking struct {
	effect  repair.Look
	unit    *unit
	deed    *deed         // of a step that describes itself
	still   bool          // of an undo: the target was as the undone step left it
	began   time.Duration // its services were asked
	asked   time.Duration // its View was
	ended   time.Duration
	service cluster.Service
	others  []cluster.Service // of the ring's other members, in their order
	inOrder bool              // the truth when it was asked, as far as a probe can tell
	failed  bool              // nothing can be said by it
	leader  string            // of the ring, as its View has it
	without int               // how many others served then
	down    []*unit           // of its ring: who did not answer, as its View has it
}

// look is a look as action.memberLook and action.serviceRestart take it: the service
// managers first, then everything else, then the answer.
func (w *world) look(f repair.Look, then func(*looking, repair.Sighting, error)) {
	u, ok := w.unit(f.Target)
	l := &looking{effect: f, unit: u, began: w.now}
	if s, bound := w.bound[f.Spec.Sees]; bound {
		d := deedOf(s)
		l.deed = &d
	}
	if !ok {
		w.in(0, func() { then(l, repair.Sighting{}, fmt.Errorf("%s: no driver for the cluster", f.Target)) })
		return
	}
	took := w.fettle.lookTook()
	if w.fettle.blind {
		w.in(f.Timeout, func() { then(l, repair.Sighting{}, errNoAnswer) })
		return
	}
	w.services(l)
	w.in(took/2, func() { w.lookOn(l, took-took/2, then) })
}

func (w *world) services(l *looking) {
	l.service = w.service(l.unit)
	l.others = l.others[:0]
	if r := l.unit.ring; r != nil {
		for _, m := range r.members {
			l.others = append(l.others, w.service(m))
		}
	}
}

func (w *world) lookOn(l *looking, rest time.Duration, then func(*looking, repair.Sighting, error)) {
	w.ask(l)
	u := l.unit
	answer := func() {
		seen, err := w.sighting(l)
		w.in(rest, func() { l.ended = w.now; then(l, seen, err) })
	}
	if u.ring == nil || !w.listens(l) {
		answer()
		return
	}
	pid := u.pid
	w.in(hangSilence, func() {
		if u.pid == pid && (u.hung && u.hungAt <= l.asked || u.replaying()) {
			w.fettle.heard[u] = hush{pid: pid, since: l.asked, last: w.now}
		}
		w.services(l)
		w.ask(l)
		answer()
	})
}

// ask is the moment in which the View is asked for.
func (w *world) ask(l *looking) {
	// Of a plain service only the own probe tells whether it answers: cut off from it,
	// what runs is as good as down.
	l.asked, l.inOrder = w.now, l.unit.inOrder && (l.unit.ring != nil || !l.unit.cutProbe)
	if l.unit.ring != nil {
		l.without = l.unit.ring.servingWithout(l.unit)
	}
	if l.deed != nil {
		l.inOrder = l.deed.inOrder(l.unit)
		l.still = l.deed.undoes != nil && l.deed.stillSet(l.unit)
	}
}

// hush is how long nothing was heard of a process.
type hush struct {
	pid         int
	since, last time.Duration
}

// listens tells that a look has to listen before it can tell a hang.
func (w *world) listens(l *looking) bool { return w.mayHang(l.unit, l.service) && !w.shownHung(l.unit) }

// mayHang is action.Hang.mayHang, and that somebody can tell what was heard.
func (w *world) mayHang(u *unit, s cluster.Service) bool {
	if !w.local(u) || s.State != cluster.ServiceRunning || s.Busy || u.pid == 0 || !u.hung && !u.replaying() {
		return false
	}
	served := u.orderSince(max(u.born, w.fettle.startedAt))
	if !served && w.now-u.born <= replayAge {
		return false
	}
	for _, m := range u.ring.members {
		if m != u && w.reaches(m) && (u.ring.leader == nil || u.ring.leader == m || u.ring.leader == u) {
			return true
		}
	}
	return false
}

// shownHung tells that its silence has lasted, and somebody listened.
func (w *world) shownHung(u *unit) bool {
	h, ok := w.fettle.heard[u]
	if !ok || h.pid != u.pid || !u.hung && !u.replaying() || u.hung && u.hungAt > h.since || w.now-h.last > hangSilence {
		return false
	}
	h.last = w.now
	w.fettle.heard[u] = h
	return h.last-h.since >= hangSilence
}

func (w *world) local(u *unit) bool { return w.agents || u.host == w.home() }

// reaches tells that fettle's own probe gets an answer.
func (w *world) reaches(u *unit) bool { return u.answers() && !u.cutProbe }

// service is the service manager's word.
func (w *world) service(u *unit) cluster.Service {
	switch {
	case !u.host.up, u.host.unasked:
		return cluster.Service{State: cluster.ServiceUnknown, Error: "its host does not answer"}
	case u.host.shutting && u.state != cluster.ServiceRunning:
		return cluster.Service{State: cluster.ServiceStopped, Purpose: "shutdown"}
	case u.untold && u.pid == 0:
		return cluster.Service{State: cluster.ServiceUnknown, Error: "cannot tell"}
	}
	s := cluster.Service{State: u.state, Busy: u.busy || u.by != nil, Purpose: u.purpose}
	if m := u.w.beginning(u); m != nil {
		s.Busy = true // its command runs
	}
	if u.notify && u.startTimeout > 0 {
		s.Wait = u.startTimeout + 10*time.Second
	} else if u.notify {
		s.Wait = 10 * time.Minute // infinity
	}
	if u.pid != 0 {
		s.Identity, s.Age = u.identity(), w.now-u.born
	}
	return s
}

// sighting is what the look says in the end.
func (w *world) sighting(l *looking) (repair.Sighting, error) {
	u := l.unit
	at := w.home().reading(l.asked)
	if u.ring == nil {
		seen, err := w.serviceSighting(l, at)
		if l.deed == nil || err != nil && (!l.deed.looks() && l.effect.Intent == nil) {
			return seen, err
		}
		if err != nil { // the step's own observation is enough
			seen = repair.Sighting{Asked: at, Facts: repair.Facts{Sights: []cluster.Sight{{
				Member: u.target.Member.Name, Service: l.service, Proof: cluster.Proof{Answer: cluster.Unknown},
				GoneByProbe: cluster.Unknown, GoneByPrometheus: cluster.Unknown, GoneByPeer: cluster.Unknown,
			}}}}
		}
		return w.deedSighting(l, *l.deed, seen)
	}
	view := w.view(u.ring)
	l.down = l.down[:0]
	for i, m := range u.ring.members {
		if !view.Members[i].Reachable {
			l.down = append(l.down, m)
		}
	}
	if leader, ok := view.Leader(); ok {
		l.leader = leader.Name
	}
	m := w.member(l, view)
	if l.service.State == cluster.ServiceUnknown && !m.Linearizable {
		return repair.Sighting{}, fmt.Errorf("%w: %s", repair.ErrAgent, l.service.Error)
	}
	o, err := repair.Observed("member/1", memberSays(u, m), m)
	sights := []cluster.Sight{w.sight(u, l.service, view)}
	if _, ok := view.Leader(); !ok {
		for i, other := range u.ring.members {
			if other != u {
				sights = append(sights, w.sight(other, l.others[i], view))
			}
		}
	}
	return repair.Sighting{Asked: at, Observation: o, Facts: repair.Facts{View: &view, Sights: sights}}, err
}

// serviceSighting is action's look at a plain service.
func (w *world) serviceSighting(l *looking, at journal.Reading) (repair.Sighting, error) {
	u := l.unit
	if l.service.State == cluster.ServiceUnknown {
		return repair.Sighting{}, fmt.Errorf("%w: %s", repair.ErrAgent, l.service.Error)
	}
	s := action.Service{Service: l.service, Probed: true, Answers: w.reaches(u)}
	if !s.Answers {
		s.ProbeError = "timeout"
	}
	says := fmt.Sprintf("%s is %s, answers: %v", u.target.Member.Name, l.service.State, s.Answers)
	o, err := repair.Observed("service/1", says, s)
	sight := cluster.Sight{
		Member: u.target.Member.Name, Service: l.service, Proof: cluster.Proof{Answer: cluster.Unknown},
		GoneByProbe: cluster.Unknown, GoneByPrometheus: cluster.Unknown, GoneByPeer: cluster.Unknown,
		Alive: l.service.State == cluster.ServiceRunning || l.service.State == cluster.ServiceStarting,
	}
	return repair.Sighting{Asked: at, Observation: o, Facts: repair.Facts{Sights: []cluster.Sight{sight}}}, err
}
