package sim

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/action"
)

// deed is a step with action exec, as the playbooks of the simulation have them: `put
// KNOB VALUE` sets one of the target's knobs, `is KNOB VALUE` compares, `get KNOB` reads,
// `restart` and `configure` restart the target's service with its new configuration, and
// `fresh` tells whether it is in order with that.
type deed struct {
	exec   repair.Exec
	undoes *repair.Undoes
	// undone is what the step that is undone declared.
	undone repair.Exec
}

func deedOf(s repair.PlannedStep) deed {
	d := deed{undoes: s.Undoes}
	must(json.Unmarshal(s.Declared, &d.exec))
	if s.Undoes != nil {
		must(json.Unmarshal(s.Undoes.Declared, &d.undone))
	}
	return d
}

// must is for what the engine itself has made a moment ago.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (d deed) does() repair.Does {
	if d.exec.Takes != nil && !*d.exec.Takes {
		return repair.Leaves
	}
	return repair.Takes
}

// looks tells that the step has an observation of its own.
func (d deed) looks() bool { return d.exec.Unless != nil || d.undoes != nil && d.exec.Was != nil }

// ofService tells that what it sees is whether its target is in order.
func (d deed) ofService() bool {
	name, _ := d.knob()
	return name == ""
}

// knob is what it is about, and the value that it puts there; empty for a restart.
func (d deed) knob() (name, value string) {
	if len(d.exec.Argv) < 3 {
		return "", ""
	}
	value = d.exec.Argv[2]
	if d.undoes != nil && d.undoes.Was != nil {
		value = repair.FillWas(value, *d.undoes.Was)
	}
	return d.exec.Argv[1], value
}

// inOrder is the step's own observation, or, where it has none, whether its target is in
// order as a probe can tell.
func (d deed) inOrder(u *unit) bool {
	name, value := d.knob()
	if name == "" {
		return u.inOrder && !u.cutProbe
	}
	return u.knobs[name] == value
}

// stillSet tells that the target is as the undone step has left it.
func (d deed) stillSet(u *unit) bool {
	return u.knobs[d.undone.Argv[1]] == d.undone.Argv[2]
}

// deedSighting is what a look at such a step says, of a target that was seen already;
// with an open intent it is asked how that is.
func (w *world) deedSighting(l *looking, d deed, seen repair.Sighting) (repair.Sighting, error) {
	u := l.unit
	says := action.Deed{InOrder: answer(d.inOrder(u)), Service: l.service}
	var was *string
	if d.undoes == nil && d.exec.Was != nil {
		if name, _ := d.knob(); says.InOrder != cluster.Yes {
			v := u.knobs[name]
			was = &v
		}
	}
	if d.undoes != nil {
		says.Set = answer(d.stillSet(u))
	}
	if in := l.effect.Intent; in != nil {
		e := w.execution(executionName(*in))
		says = action.Deed{InOrder: cluster.Unknown, Execution: e.state, Exit: e.exit, Service: e.asService()}
		if e.state != service.Running && d.looks() {
			says.InOrder = answer(d.inOrder(u))
			if d.undoes != nil {
				says.Set = answer(d.stillSet(u))
			}
		}
		seen.Facts = repair.Facts{Sights: []cluster.Sight{{
			Member: u.target.Member.Name, Service: says.Service, Proof: cluster.Proof{Answer: cluster.Unknown},
			GoneByProbe: cluster.Unknown, GoneByPrometheus: cluster.Unknown, GoneByPeer: cluster.Unknown,
		}}}
	}
	o, err := repair.Observed(l.effect.Spec.Sees, fmt.Sprintf("%s: knobs %v, in order %s %s", u.target.Member.Name, u.knobs, says.InOrder, says.Execution), says)
	o.Was = was
	seen.Observation = o
	return seen, err
}

func answer(yes bool) cluster.Answer {
	if yes {
		return cluster.Yes
	}
	return cluster.No
}

// execution is a command under its own name: in a unit of the service manager it
// outlives fettle, in a process group it dies with it.
type execution struct {
	of    *mutation
	state service.ExecutionState
	exit  int
}

func executionName(in repair.Intent) string {
	return fmt.Sprintf("fettle-%s-%d-%d", in.Run, in.Step, in.Attempt)
}

func (w *world) execution(name string) execution {
	if e := w.executions[name]; e != nil {
		return *e
	}
	if w.systemd {
		return execution{state: service.Gone}
	}
	return execution{state: service.Killed} // a process group of an earlier life, as far as anybody knows
}

// asService is action's reading of it: at it, over, ended in vain.
func (e execution) asService() cluster.Service {
	switch {
	case e.state == service.Running:
		return cluster.Service{State: cluster.ServiceRunning, Busy: true}
	case e.state == service.Ended && e.exit == 0:
		return cluster.Service{State: cluster.ServiceRunning}
	}
	return cluster.Service{State: cluster.ServiceDead}
}

// execute starts a command: it does what it does somewhere in its time, or not at all.
func (w *world) execute(m *mutation, d deed) error {
	name := executionName(m.intent)
	if w.executions[name] != nil {
		m.finish()
		return service.ErrExists
	}
	e := &execution{of: m, state: service.Running}
	w.executions[name] = e
	timeout := d.exec.Timeout
	if timeout == 0 {
		timeout = repair.DefaultTimeout
	}
	takes := w.dice.mostly(2*time.Second, 2*timeout, 0.1)
	does, fails := !w.dice.chance(0.1+w.fettle.commandsFail), w.dice.chance(0.05+w.fettle.commandsFail)
	if w.watch.calm { // what is begun now succeeds
		takes, does, fails = min(takes, timeout/2), true, false
	}
	live := func() bool { return e.state == service.Running }
	if effect := w.dice.span(0, takes); does && effect < timeout {
		w.in(effect, func() {
			if live() {
				w.effect(m, d)
			}
		})
	}
	w.in(min(takes, timeout), func() {
		if !live() {
			return
		}
		e.state = service.Ended
		switch {
		case takes >= timeout:
			e.exit = -1
		case fails || !does:
			e.exit = 1
		}
		m.finish()
	})
	return nil
}

// effect is what a command does to its target.
func (w *world) effect(m *mutation, d deed) {
	u := m.unit
	name, value := d.knob()
	if name == "" {
		w.say(u.name(), "is restarted by a command")
		u.byFettle = u.byFettle || u.pid != 0
		delete(u.knobs, "conf")
		_ = u.restart(nil)
		return
	}
	w.say(u.name(), "%s is put from %s to %s", name, u.knobs[name], value)
	u.knobs[name] = value
}

// endExecutions kills what runs: in process groups it dies with fettle, and what is left
// of their names is nothing; with their host all of it goes.
func (w *world) endExecutions(host bool) {
	if w.systemd && !host {
		return
	}
	for name, e := range w.executions {
		if e.state == service.Running {
			e.of.finish()
		}
		e.state = service.Killed
		delete(w.executions, name)
	}
}
