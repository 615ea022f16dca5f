package sim

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// story is the timeline of one seed, for people. A nil story tells nothing.
type story struct{ lines []string }

func (s *story) say(now time.Duration, who, format string, args ...any) {
	if s == nil {
		return
	}
	s.lines = append(s.lines, fmt.Sprintf("%12s  %-14s %s", clock(now), who, fmt.Sprintf(format, args...)))
}

// clock is days, hours, minutes, seconds and milliseconds since the seed began.
func clock(d time.Duration) string {
	days, ms := d/(24*time.Hour), d%(24*time.Hour)/time.Millisecond
	s := fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
	if days > 0 {
		s = fmt.Sprintf("%dd %s", days, s)
	}
	return s
}

// record tells a record that the engine made.
func (s *story) record(now time.Duration, d journal.Draft) {
	if s == nil {
		return
	}
	text := d.Subject
	switch d.Type {
	case repair.TypeReceived:
		v := read[repair.Received](d)
		text = fmt.Sprintf("%s %s, episode %s opened %v", targetName(v.Labels), v.Status, tail(v.Episode), v.Opened)
	case repair.TypePlanned:
		v := read[repair.Planned](d)
		text = fmt.Sprintf("run %s of %s on %s", tail(v.Run), v.Playbook, v.Target)
	case repair.TypeIntent:
		v := read[repair.IntentData](d)
		text = fmt.Sprintf("%s %s, run %s attempt %d: %s", v.Action, v.TargetName, tail(v.Run), v.Attempt, v.Says)
	case repair.TypeNoop, repair.TypeAnswered, repair.TypeStep:
		v := read[repair.StepData](d)
		text = fmt.Sprintf("%s %s, run %s: %s %s %s %s", v.Action, v.Target, tail(v.Run), v.Result, v.Reason, v.Error, v.Says)
	case repair.TypeFinished:
		v := read[repair.FinishedData](d)
		text = fmt.Sprintf("run %s on %s: %s %s(%s) %s %s", tail(v.Run), v.Target, v.Outcome, v.Guard, v.Reason, v.Detail, v.Says)
	case repair.TypeApproved:
		v := read[repair.ApprovedData](d)
		text = fmt.Sprintf("%s by %s: %v", v.Target, v.Actor, v.Premise.Words)
	case repair.TypeVoid:
		v := read[repair.VoidData](d)
		text = fmt.Sprintf("%s by %v: %s %s", v.Target, v.Actors, v.Reason, v.Detail)
	case repair.TypeClosed:
		v := read[repair.ClosedData](d)
		text = fmt.Sprintf("%s %s", tail(v.Episode), v.Reason)
	case repair.TypeEscalate:
		v := read[repair.EscalatedData](d)
		text = fmt.Sprintf("%s %s: %s", v.Target, v.Reason, v.Detail)
	}
	s.say(now, "wrote", "%s: %s", d.Type, text)
}

// tail is the part of an ID that differs.
func tail(id string) string { return id[max(0, len(id)-5):] }
