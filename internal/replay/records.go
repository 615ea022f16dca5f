package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// record turns one record into what the engine is told.
func (p *player) record(r journal.Record) error {
	switch r.Type {
	case repair.TypeReceived:
		return in(r.Data, p.received)
	case repair.TypePlanned:
		return in(r.Data, func(d repair.Planned) {
			if d.Undoes != "" { // what a person or a failure asked for then
				p.undoing[d.Run] = true
				p.skipped["of runs that take another back"]++
				return
			}
			p.runs[d.Run] = &recordedRun{planned: d, noops: map[int]bool{}}
			if d.Sought {
				cluster, member, _ := strings.Cut(d.Target, "/")
				p.sought(cluster, member)
			}
		})
	case repair.TypeNoop:
		return in(r.Data, func(d repair.StepData) {
			if run := p.runs[d.Run]; run != nil {
				run.noops[d.Step] = true
			}
		})
	case repair.TypeIntent:
		return in(r.Data, p.intent)
	case repair.TypeAnswered:
		return in(r.Data, p.answered)
	case repair.TypeStep:
		return in(r.Data, p.finishedStep)
	case repair.TypeRelapsed:
		return in(r.Data, func(d repair.RelapsedData) {
			if run := p.runs[d.Run]; run != nil {
				out := &told{done: map[string]bool{}, says: d.Says}
				for _, s := range run.planned.Steps {
					out.done[s.Action] = false
				}
				p.tell(run.planned.Target, out)
			}
		})
	case repair.TypeFinished:
		return in(r.Data, p.finished)
	case repair.TypeHeld:
		return in(r.Data, p.held)
	case repair.TypeClosed:
		return in(r.Data, p.closed)
	case repair.TypePaused:
		return in(r.Data, func(d repair.PauseData) {
			p.step(repair.SetPause{Cluster: d.Cluster, Actor: d.Actor, Reason: d.Reason})
		})
	case repair.TypeUnpaused:
		return in(r.Data, func(d repair.PauseData) { p.step(repair.ClearPause{Cluster: d.Cluster, Actor: d.Actor}) })
	case repair.TypeReleased:
		return in(r.Data, func(d repair.ReleasedData) {
			if ep := p.of(d.Episode); ep != nil {
				p.step(repair.Release{Episode: ep.replayed, Actor: d.Actor})
			}
		})
	case repair.TypeMessage, repair.TypeConfig, repair.TypeEscalate, repair.TypeFreed, repair.TypeVoid, repair.TypeAcked, repair.TypeToldOver:
		return nil
	default:
		p.skipped[r.Type]++
		return nil
	}
}

// undoRun is what is skipped of a run that takes another back: how that ended says
// nothing of whether its target is in order.
const undoRun = "of how a run ended that takes another back"

func (r *recordedRun) undoes() bool { return r.planned.Undoes != "" }

// received is an alert that came.
func (p *player) received(d repair.Received) {
	a := alert.Alert{
		Fingerprint: d.Fingerprint, Status: d.Status, Labels: d.Labels, Annotations: d.Annotations, StartsAt: d.StartsAt, EndsAt: d.EndsAt,
		Oversize: d.Oversize, LabelsDigest: d.LabelsDigest,
	}
	if d.Opened {
		p.alerts[d.Episode] = d.Fingerprint
		p.then(d)
	}
	p.step(repair.Alerts{Message: d.Message, Actor: d.Actor, Alerts: []alert.Alert{a}, End: &repair.MessageEnd{}})
}

func (p *player) intent(d repair.IntentData) {
	run := p.runs[d.Run]
	if run == nil || run.undoes() {
		return
	}
	run.intent = &d
	p.did(d.Episode, "began "+d.Action)
	p.tell(run.planned.Target, ofIntent(&run.planned, run.noops, d))
}

// answered is what an Apply answered: the replay's own of that action, if it began it.
func (p *player) answered(d repair.StepData) {
	i := slices.IndexFunc(p.applies, func(a repair.Apply) bool { return a.Intent.Action == d.Action && a.Intent.Target.String() == d.Target })
	if i < 0 {
		return
	}
	ev := repair.Applied{Run: p.applies[i].Intent.Run, Intent: p.applies[i].Intent.ID}
	if d.Error != "" {
		ev.Err = errors.New(d.Error)
	}
	p.applies = slices.Delete(p.applies, i, i+1)
	p.step(ev)
}

func (p *player) finishedStep(d repair.StepData) {
	run := p.runs[d.Run]
	if run == nil || run.undoes() {
		return
	}
	run.intent = nil
	p.did(d.Episode, string(d.Result)+" "+d.Action)
	p.answered(d) // an Apply that never answered is over now
	p.during(run.planned.Target, ofStep(&run.planned, d))
}

func (p *player) finished(d repair.FinishedData) {
	run := p.runs[d.Run]
	delete(p.runs, d.Run)
	if run != nil && run.undoes() {
		p.skipped[undoRun]++
		return
	}
	p.did(d.Episode, outcome(d))
	var planned *repair.Planned
	if run != nil {
		planned = &run.planned
	}
	if d.Reason == repair.ReasonTarget && d.Target == "" {
		p.nobodyMeant(p.of(d.Episode))
		return
	}
	out := ofFinished(planned, d)
	if out == nil {
		return
	}
	if d.Outcome == repair.Repaired {
		p.during(d.Target, out)
		return
	}
	p.tell(d.Target, out)
}

func (p *player) held(d repair.HeldData) {
	for _, id := range d.Episodes {
		p.did(id, fmt.Sprintf("held %s(%s)", d.Guard, d.Reason))
		if ep := p.of(id); ep != nil && ep.book != nil && ep.Target != "" {
			p.tell(ep.Target, ofHeld(ep.book, d))
		}
	}
}

// closed is an episode's end: a person's word, or its alert over and its target in
// order. What the alert comes to after it is another episode, in the replay as well.
func (p *player) closed(d repair.ClosedData) {
	ep := p.open[d.Fingerprint]
	if ep == nil {
		return
	}
	if d.Reason == "person" {
		p.step(repair.CloseEpisode{Episode: ep.replayed, Actor: d.Actor, Comment: d.Comment})
		return
	}
	// Whether polls or a message said so: its alert was no longer active.
	a := alert.Alert{Fingerprint: d.Fingerprint, Status: alert.Resolved, Labels: ep.Labels}
	p.step(repair.Alerts{Message: "replay", Actor: "replay", Alerts: []alert.Alert{a}, End: &repair.MessageEnd{}})
	if d.Reason == "in_order" || d.Reason == "recovered_by_itself" {
		p.during(ep.Target, &told{whole: true, verified: true, says: "in order when its episode closed"})
	}
	if p.open[d.Fingerprint] == ep {
		p.step(repair.CloseEpisode{Episode: ep.replayed, Actor: "replay"})
		delete(p.open, d.Fingerprint)
	}
}

// tell has the engine look, once, at what is told of a target.
func (p *player) tell(target string, d *told) {
	if target == "" {
		return
	}
	p.told[target] = d
	for p.answer() {
	}
}

// during is tell for what was so for a while: the engine looks as often as it wants to,
// until it wants no more at this moment.
func (p *player) during(target string, d *told) {
	p.tell(target, d)
	for range maxSamples {
		in, ok := p.engine.Wake(p.now)
		if !ok || in > sample {
			break
		}
		p.now.Since, p.now.Wall = p.now.Since+in, p.now.Wall.Add(in)
		p.step(repair.Ticked{})
	}
}

// maxSamples is how many looks of one moment may follow each other.
const maxSamples = 16

func outcome(f repair.FinishedData) string {
	s := string(f.Outcome)
	switch {
	case f.Guard != "" && f.Guard == f.Reason:
		s += " " + f.Guard
	case f.Guard != "":
		s += fmt.Sprintf(" %s(%s)", f.Guard, f.Reason)
	}
	return s
}
