package story

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// The names of stages.
const (
	stageDetect = "detect"
	stageDecide = "decide"
	stageAct    = "act"
	stageVerify = "verify"
	stageBoth   = "act and verify" // where the executor's answer is no record: it had no error
	stageSettle = "settle"
	stageClose  = "close"
)

// Stage is one part of the time from the alert's beginning to the episode's end.
// All but the first, detect, begin where the one before ended.
type Stage struct {
	// Name is detect, decide, act, verify, act and verify, settle or close.
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Says    string  `json:"says"`
}

// stager cuts the seconds since the alert was received into stages.
type stager struct {
	stages   []Stage
	mark     float64 // where the stage under way began
	intents  int
	answered bool // the executor's answer to the open intent is a record
	verified float64
}

func (s *stager) cut(at float64, name, says string) {
	s.stages = append(s.stages, Stage{Name: name, Seconds: max(0, at-s.mark), Says: says})
	s.mark = at
}

// take cuts at what one record says.
func (s *stager) take(at float64, kind string, data any) {
	switch d := data.(type) {
	case repair.IntentData:
		s.intents++
		s.answered = false
		s.cut(at, stageDecide, fmt.Sprintf("looks and guards, until %s on %s was written down, attempt %d", d.Action, d.TargetName, max(1, d.Attempt)))
	case repair.StepData:
		s.step(at, kind, d)
	case repair.RelapsedData:
		s.cut(at, stageSettle, "until it was out of order again")
	case repair.FinishedData:
		s.finished(at, d)
	case repair.ClosedData:
		name, says := stageClose, "until the episode was closed"
		if s.intents == 0 {
			name, says = stageDecide, "nothing was begun, until the episode was closed"
		}
		s.cut(at, name, says)
	}
}

func (s *stager) step(at float64, kind string, d repair.StepData) {
	switch {
	case kind == repair.TypeAnswered:
		s.answered = true
		s.cut(at, stageAct, fmt.Sprintf("until %s was answered", d.Action))
	case kind == repair.TypeStep:
		name := stageBoth
		if s.answered {
			name = stageVerify
		}
		s.answered = false
		s.cut(at, name, fmt.Sprintf("until %s was %s", d.Action, d.Result))
		if d.Result == repair.StepVerified {
			s.verified = at
		}
	}
}

func (s *stager) finished(at float64, d repair.FinishedData) {
	switch {
	case s.intents == 0: // it goes on deciding, in another run
	case d.Outcome == repair.Repaired:
		s.cut(at, stageSettle, "it had to stay in order")
	default:
		s.cut(at, stageDecide, "until the run ended "+outcome(d))
	}
}

// timed puts the stages into the story.
func (t *teller) timed() {
	s := &t.stager
	if n := len(t.Events); n > 0 && t.closed == nil && t.Episode != "" && s.intents == 0 {
		s.cut(t.Events[n-1].Seconds, stageDecide, "nothing was begun so far")
	}
	t.Verified = s.verified
	if began := t.Alert.StartsAt; !began.IsZero() && !t.Received.Before(began) && t.Episode != "" {
		t.Stages = append(t.Stages, Stage{
			Name: stageDetect, Seconds: t.Received.Sub(began).Seconds(),
			Says: "from the alert's beginning, as Alertmanager has it, until it was received, by the machines' clocks",
		})
	}
	t.Stages = append(t.Stages, s.stages...)
}

// Within notes the deadline that the tier sets from received to verified.
func (s *Story) Within(deadline time.Duration) { s.Deadline = deadline.Seconds() }

// budget says how the time to verified stands to the deadline; empty where there is
// nothing to compare.
func (s *Story) budget() string {
	switch {
	case s.Deadline == 0:
		return ""
	case s.Verified == 0:
		return fmt.Sprintf("Nothing was verified; the tier's deadline is %s after it was received.", number(s.Deadline))
	case s.Verified <= s.Deadline:
		return fmt.Sprintf("Verified %s after it was received, within the tier's deadline of %s.", number(s.Verified), number(s.Deadline))
	}
	return fmt.Sprintf("Verified %s after it was received, %s behind the tier's deadline of %s.", number(s.Verified), number(s.Verified-s.Deadline), number(s.Deadline))
}

// number is seconds for people.
func number(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond).String()
}
