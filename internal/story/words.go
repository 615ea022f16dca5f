package story

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// words are what one record says.
type words struct {
	data    any // as its type has it; nil for a type without a form here
	run     string
	says    string
	details []string
}

// Line says what one record says, in one line, not cleaned.
func Line(r journal.Record) string {
	w, err := decode(r)
	switch {
	case err != nil:
		return "data that cannot be read: " + err.Error()
	case w.says == "":
		return string(r.Data)
	}
	return w.says
}

func decode(r journal.Record) (words, error) {
	switch r.Type {
	case repair.TypeReceived:
		return in(r, receivedWords)
	case repair.TypeMessage:
		return in(r, messageWords)
	case repair.TypePlanned:
		return in(r, plannedWords)
	case repair.TypeNoop:
		return in(r, noopWords)
	case repair.TypeIntent:
		return in(r, intentWords)
	case repair.TypeAnswered:
		return in(r, answeredWords)
	case repair.TypeStep:
		return in(r, stepWords)
	case repair.TypeRelapsed:
		return in(r, relapsedWords)
	case repair.TypeFinished:
		return in(r, finishedWords)
	case repair.TypeHeld:
		return in(r, heldWords)
	case repair.TypeCarried:
		return words{says: "the open state, carried into a new segment"}, nil
	case repair.TypeClosed:
		return in(r, closedWords)
	case repair.TypeEscalate:
		return in(r, escalatedWords)
	case repair.TypeApproved:
		return in(r, approvedWords)
	case repair.TypeLeft:
		return in(r, leftWords)
	case repair.TypeVoid:
		return in(r, voidWords)
	case repair.TypeAcked:
		return in(r, ackedWords)
	case repair.TypeToldOver:
		return in(r, toldOverWords)
	case repair.TypePaused, repair.TypeUnpaused:
		return in(r, func(d repair.PauseData) words { return pauseWords(r.Type, d) })
	case repair.TypeReleased, repair.TypeFreed:
		return in(r, releasedWords)
	case repair.TypeConfig:
		return in(r, configWords)
	case "genesis":
		return in(r, genesisWords)
	case "journal.segment":
		return words{says: "a new segment of the journal begins"}, nil
	case "journal.key":
		return words{says: "the journal's signing key changed, signed by the one before it"}, nil
	}
	return words{}, nil
}

// in decodes a record's data and puts it into words.
func in[T any](r journal.Record, say func(T) words) (words, error) {
	var d T
	if err := json.Unmarshal(r.Data, &d); err != nil {
		return words{}, err
	}
	w := say(d)
	w.data = d
	return w, nil
}

func receivedWords(d repair.Received) words {
	w := words{says: fmt.Sprintf("received: %s", d.Status)}
	if d.Labels["alertname"] != "" {
		w.says = fmt.Sprintf("received: %s %s", d.Labels["alertname"], d.Status)
	}
	switch {
	case d.Oversize:
		w.says += ", with labels too large to be read: never matched"
	case d.Opened:
		w.says += fmt.Sprintf(", opens an episode for playbook %s", d.Playbook)
	case d.Episode == "" && d.Playbook == "":
		w.says += ", no playbook matches"
	}
	w.details = append(w.details, "from "+d.Actor)
	if summary := d.Annotations["summary"]; summary != "" && d.Opened {
		w.details = append(w.details, summary)
	}
	if len(d.Cut) > 0 {
		w.details = append(w.details, "cut, with length and digest: "+strings.Join(slices.Sorted(maps.Keys(d.Cut)), ", "))
	}
	return w
}

func messageWords(d repair.MessageEnd) words {
	if d.TooLarge {
		return words{says: fmt.Sprintf("message from %s refused: over the size limit", d.Actor)}
	}
	w := words{says: fmt.Sprintf("message from %s: %d alerts received, %d repeats, %d unmatched", d.Actor, d.Received, d.Repeats, d.Unmatched)}
	if d.Truncated > 0 {
		w.says += fmt.Sprintf(", %d left out by Alertmanager", d.Truncated)
	}
	return w
}

func plannedWords(d repair.Planned) words {
	w := words{run: d.Run, says: "run opened: "}
	if d.Target == "" {
		w.says += d.Playbook
		return w
	}
	names := make([]string, len(d.Steps))
	for i, s := range d.Steps {
		names[i] = s.Name
		if len(s.Declared) > 0 {
			w.details = append(w.details, fmt.Sprintf("step %s %s", s.Name, s.Does()))
		}
		if len(s.With) > 0 {
			var with []string
			for _, k := range slices.Sorted(maps.Keys(s.With)) {
				with = append(with, k+"="+s.With[k])
			}
			w.details = append(w.details, fmt.Sprintf("step %s with %s", s.Name, strings.Join(with, ", ")))
		}
	}
	if d.Undoes != "" {
		w.says = fmt.Sprintf("run opened: it takes back run %s on %s, %s, steps %s", d.Undoes, d.Target, askedBy(d), strings.Join(names, ", "))
		return w
	}
	w.says += fmt.Sprintf("%s on %s (%s, autonomy %s), steps %s", d.Playbook, d.Target, d.Tier, d.Autonomy, strings.Join(names, ", "))
	return w
}

// askedBy says who wants a run taken back.
func askedBy(d repair.Planned) string {
	switch {
	case d.Actor == "":
		return "which it owes"
	case d.Comment == "":
		return "by " + d.Actor
	}
	return fmt.Sprintf("by %s (%s)", d.Actor, d.Comment)
}

func noopWords(d repair.StepData) words {
	return words{run: d.Run, says: fmt.Sprintf("step %s: in order already", d.Name), details: seen(d.Says)}
}

func intentWords(d repair.IntentData) words {
	w := words{
		run:     d.Run,
		says:    fmt.Sprintf("step %d: guards ok, intent written, %s on %s begins (attempt %d)", d.Step+1, d.Action, d.TargetName, max(1, d.Attempt)),
		details: seen(d.Says),
	}
	if d.Before.Was != nil {
		w.details = append(w.details, fmt.Sprintf("the value that it overwrites: %q", *d.Before.Was))
	}
	if d.Approval != nil {
		w.details = append(w.details, "approved by "+strings.Join(d.Approval.By, " and "))
	}
	return w
}

func answeredWords(d repair.StepData) words {
	w := words{run: d.Run, says: fmt.Sprintf("step %s: the executor answered: %s", d.Name, d.Error)}
	if d.Output != nil {
		w.details = printed(*d.Output)
	}
	return w
}

func stepWords(d repair.StepData) words {
	w := words{run: d.Run, details: seen(d.Says)}
	if d.Output != nil {
		w.details = append(w.details, printed(*d.Output)...)
	}
	switch d.Result {
	case repair.StepVerified:
		w.says = fmt.Sprintf("step %s: verified", d.Name)
	case repair.StepStarted:
		w.says = fmt.Sprintf("step %s: started; without a quorum nothing more can be told yet", d.Name)
	case repair.StepFailed:
		w.says = fmt.Sprintf("step %s: attempt %d failed (%s), nothing is in flight", d.Name, max(1, d.Attempt), d.Reason)
	case repair.StepUnknown:
		w.says = fmt.Sprintf("step %s: unknown, it cannot be told whether it still takes effect", d.Name)
	default:
		w.says = fmt.Sprintf("step %s: %s", d.Name, d.Result)
	}
	return w
}

func relapsedWords(d repair.RelapsedData) words {
	return words{run: d.Run, says: "relapsed: out of order again while it settled", details: seen(d.Says)}
}

func finishedWords(d repair.FinishedData) words {
	w := words{run: d.Run, says: "run ended: " + outcome(d)}
	if d.Detail != "" {
		w.says += ": " + d.Detail
	}
	w.details = append(seen(d.Says), verdicts(d.Verdicts)...)
	if len(d.Would) > 0 {
		w.details = append(w.details, "would be done next: "+strings.Join(d.Would, ", then "))
	}
	w.details = append(w.details, premiseOf(d.Premise)...)
	return w
}

func heldWords(d repair.HeldData) words {
	of := ""
	if d.Varies {
		of = "one of them: "
	}
	w := words{says: fmt.Sprintf("held by guard %s (%s), with %d other episodes: %s%s", d.Guard, d.Reason, len(d.Episodes)-1, of, d.Detail)}
	if len(d.Episodes) == 1 {
		w.says = fmt.Sprintf("held by guard %s (%s): %s", d.Guard, d.Reason, d.Detail)
	}
	return w
}

// outcome is how a run ended, with the reason.
func outcome(d repair.FinishedData) string {
	switch {
	case d.Guard != "" && d.Guard != d.Reason:
		return fmt.Sprintf("%s(%s: %s)", d.Outcome, d.Guard, d.Reason)
	case d.Reason != "" && d.Reason != string(d.Outcome):
		return fmt.Sprintf("%s(%s)", d.Outcome, d.Reason)
	}
	return string(d.Outcome)
}

func closedWords(d repair.ClosedData) words {
	w := words{says: "episode closed: " + closing(d)}
	if d.Comment != "" {
		w.details = []string{"because: " + d.Comment}
	}
	return w
}

// closing is why an episode was closed.
func closing(d repair.ClosedData) string {
	switch d.Reason {
	case "in_order":
		return "its alert has ended and its target stayed in order"
	case "recovered_by_itself":
		return "recovered by itself, nothing was changed"
	case "alert_ended":
		return "its alert has ended; its target could not be looked at"
	case "person":
		return "by hand (" + d.Actor + ")"
	case "unmatched":
		return "its playbook is no longer in the configuration"
	}
	return d.Reason
}

func escalatedWords(d repair.EscalatedData) words {
	w := words{says: "escalated to people: " + d.Reason}
	if d.Detail != "" {
		w.says += ": " + d.Detail
	}
	return w
}

func pauseWords(kind string, d repair.PauseData) words {
	what, verb := "everything", "paused"
	if d.Cluster != "" {
		what = "cluster " + d.Cluster
	}
	if kind == repair.TypeUnpaused {
		verb = "no longer paused"
	}
	w := words{says: fmt.Sprintf("%s: %s, by %s", verb, what, d.Actor)}
	if d.Reason != "" {
		w.says += " (" + d.Reason + ")"
	}
	return w
}

func releasedWords(d repair.ReleasedData) words {
	if d.Actor == "" {
		return words{says: "in order again: the slots of the run that ended unknown are given back"}
	}
	return words{says: "released by " + d.Actor + ": slots are free, attempts are forgotten"}
}

func configWords(d repair.ConfigData) words {
	return words{says: fmt.Sprintf("configuration loaded, %d playbooks, fettle %s", len(d.Playbooks), d.Version)}
}

func genesisWords(d journal.Identity) words {
	return words{says: fmt.Sprintf("journal created on %s, verifier key %s", d.Host, d.VerifierKey)}
}

func seen(says string) []string {
	if says == "" {
		return nil
	}
	return []string{"seen: " + says}
}

// clock is a time of day for people.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000Z") }
