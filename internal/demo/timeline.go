package demo

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// Event is one line of the timeline. Which fields it has goes by its name; programs
// read it as JSON.
type Event struct {
	Cycle  int     `json:"cycle,omitempty"`
	Name   string  `json:"event"`
	At     float64 `json:"at"` // seconds since the fault
	Text   string  `json:"text"`
	Member string  `json:"member,omitempty"`
	PID    int     `json:"pid,omitempty"`
	Seq    uint64  `json:"seq,omitempty"` // of the journal
	Run    string  `json:"run,omitempty"`
	Step   string  `json:"step,omitempty"`
	Reason string  `json:"reason,omitempty"`
	Figure *Figure `json:"figures,omitempty"`
}

// The names of events.
const (
	eventFault    = "fault"
	eventFired    = "fired"
	eventReceived = "received"
	eventApply    = "apply"
	eventStep     = "step"
	eventVerified = "verified"
	eventRelapsed = "relapsed"
	eventEnded    = "ended" // a run that did not repair
	eventRepaired = "repaired"
	eventClosed   = "closed"
)

// Line is the event as people read it.
func (e Event) Line() string {
	if e.Name == eventFault {
		return "00.000  " + e.Text
	}
	return fmt.Sprintf("%04.1f    %s", e.At, e.Text)
}

// course is what followed one fault, put together from fettle's journal and from
// what was seen beside it. It only computes.
type course struct {
	cycle   int
	fault   Fault
	at      journal.Reading // of the fault
	cluster string

	episode, run string
	playbook     string
	steps        int            // of the plan
	received     *time.Duration // since the fault, as are all
	applied      *time.Duration // the first intent
	verified     *time.Duration // the last step
	repaired     *time.Duration
	seq          uint64 // of the record that says repaired
	over         string // the run ended otherwise, and no further one can be expected
	closed       bool
}

// since is how long after the fault a reading is; both are of this machine.
func (c *course) since(r journal.Reading) time.Duration {
	if r.Boot != "" && r.Boot == c.at.Boot {
		return r.Since - c.at.Since
	}
	return r.Wall.Sub(c.at.Wall)
}

func (c *course) event(name string, at time.Duration, format string, args ...any) Event {
	return Event{Cycle: c.cycle, Name: name, At: at.Round(time.Millisecond).Seconds(), Text: fmt.Sprintf(format, args...), Member: c.fault.Member}
}

// begin is the fault itself.
func (c *course) begin() Event {
	did := "killed"
	if c.fault.Kind == Hang {
		did = "stopped with SIGSTOP"
	}
	e := c.event(eventFault, 0, "member %s %s (pid %d)", c.fault.Member, did, c.fault.PID)
	e.PID = c.fault.PID
	return e
}

// fired is Prometheus' alert, at the evaluation that made it active.
func (c *course) fired(activeAt time.Time) Event {
	return c.event(eventFired, activeAt.Sub(c.at.Wall), "alert %s fired (Prometheus)", memberDown)
}

// take takes the next record of the journal, and tells what it means here.
func (c *course) take(r journal.Record) ([]Event, error) {
	at := c.since(r.At)
	var events []Event
	var err error
	switch r.Type {
	case repair.TypeReceived:
		err = with(r, func(d repair.Received) { events = c.onReceived(r.Seq, at, d) })
	case repair.TypePlanned:
		err = with(r, func(d repair.Planned) { c.onPlanned(d) })
	case repair.TypeIntent:
		err = with(r, func(d repair.IntentData) { events = c.onIntent(at, d) })
	case repair.TypeStep:
		err = with(r, func(d repair.StepData) { events = c.onStep(at, d) })
	case repair.TypeRelapsed:
		err = with(r, func(d repair.RelapsedData) { events = c.onRelapsed(at, d) })
	case repair.TypeFinished:
		err = with(r, func(d repair.FinishedData) { events = c.onFinished(r.Seq, at, d) })
	case repair.TypeClosed:
		err = with(r, func(d repair.ClosedData) { events = c.onClosed(at, d) })
	}
	if err != nil {
		return nil, fmt.Errorf("journal seq %d, %s: %w", r.Seq, r.Type, err)
	}
	for i := range events {
		events[i].Seq = r.Seq
	}
	return events, nil
}

func with[T any](r journal.Record, do func(T)) error {
	var d T
	if err := json.Unmarshal(r.Data, &d); err != nil {
		return err
	}
	do(d)
	return nil
}

func (c *course) onReceived(seq uint64, at time.Duration, d repair.Received) []Event {
	if at < 0 || !d.Opened || d.Labels["alertname"] != memberDown || d.Labels["cluster"] != c.cluster || d.Labels["member"] != c.fault.Member {
		return nil
	}
	c.episode, c.received = d.Episode, &at
	return []Event{c.event(eventReceived, at, "received by fettle, journal seq %d", seq)}
}

func (c *course) onPlanned(d repair.Planned) {
	if c.mine(d.Episode) {
		c.run, c.playbook, c.steps = d.Run, d.Playbook, len(d.Steps)
	}
}

// mine tells whether something belongs to the fault's episode.
func (c *course) mine(episode string) bool { return c.episode != "" && episode == c.episode }

func (c *course) onIntent(at time.Duration, d repair.IntentData) []Event {
	if !c.mine(d.Episode) {
		return nil
	}
	e := c.event(eventApply, at, "run %s %s: step %s: observe → guards ok → intent → apply", short(d.Run), d.TargetName, d.Action)
	if c.applied == nil {
		c.applied = &at
		e.Text = fmt.Sprintf("run %s %s on %s: observe → guards ok → intent → apply", short(d.Run), c.playbook, d.TargetName)
	}
	e.Run, e.Step = d.Run, d.Action
	return []Event{e}
}

func (c *course) onStep(at time.Duration, d repair.StepData) []Event {
	if !c.mine(d.Episode) {
		return nil
	}
	e := c.event(eventStep, at, "step %s %s: %s", d.Name, d.Result, d.Says)
	if d.Result == repair.StepVerified && d.Step == c.steps-1 {
		c.verified = &at
		e = c.event(eventVerified, at, "verified: same member ID, caught up with the leader's commit, serving reads")
	}
	e.Run, e.Step, e.Reason = d.Run, d.Action, d.Reason
	return []Event{e}
}

func (c *course) onRelapsed(at time.Duration, d repair.RelapsedData) []Event {
	if !c.mine(d.Episode) {
		return nil
	}
	c.verified = nil
	e := c.event(eventRelapsed, at, "out of order again while it settled: %s", d.Says)
	e.Run = d.Run
	return []Event{e}
}

func (c *course) onFinished(seq uint64, at time.Duration, d repair.FinishedData) []Event {
	if !c.mine(d.Episode) {
		return nil
	}
	if d.Outcome == repair.Repaired {
		c.repaired, c.seq = &at, seq
		e := c.event(eventRepaired, at, "repaired")
		e.Run = d.Run
		return []Event{e}
	}
	text := fmt.Sprintf("run %s ended %s", short(d.Run), d.Outcome)
	for _, more := range []string{d.Guard, d.Reason} {
		if more != "" && !strings.HasSuffix(text, more) {
			text += ", " + more
		}
	}
	if d.Detail != "" {
		text += ": " + d.Detail
	}
	if d.Outcome != repair.Blocked || !d.Passing {
		c.over = text
	}
	e := c.event(eventEnded, at, "%s", text)
	e.Run, e.Reason = d.Run, d.Reason
	return []Event{e}
}

func (c *course) onClosed(at time.Duration, d repair.ClosedData) []Event {
	if !c.mine(d.Episode) {
		return nil
	}
	c.closed = true
	if c.repaired == nil {
		c.over = "the episode was closed: " + d.Reason
	}
	e := c.event(eventClosed, at, "episode closed: %s", strings.ReplaceAll(d.Reason, "_", " "))
	e.Reason = d.Reason
	return []Event{e}
}

// end is the last line, once all that was written was counted.
func (c *course) end(f Figure, settle time.Duration, lost int) Event {
	e := c.event(eventRepaired, *c.repaired, "repaired (settled %s; default 60 s). detect %.1f s, repair %.1f s, writes lost %d",
		seconds(settle), f.Detect, f.Repair, lost)
	e.Run, e.Seq, e.Figure = c.run, c.seq, &f
	return e
}

func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

// figures are the course's own, once it was repaired. firstRead is when the probe
// first read through the member.
func (c *course) figures(firstRead time.Duration) Figure {
	toApply := *c.applied - *c.received
	// fettle's own look may have been answered a moment before the probe's.
	toVerified := max(0, *c.verified-firstRead)
	in := func(d time.Duration) float64 { return d.Round(100 * time.Microsecond).Seconds() }
	return Figure{
		Detect: in(*c.received), Repair: in(*c.verified - *c.received), Verified: in(*c.verified),
		ToApply: in(toApply), ToVerified: in(toVerified), Own: in(toApply + toVerified),
	}
}

func short(id string) string {
	if len(id) > 8 {
		return id[:8] + "…"
	}
	return id
}
