//go:build servers

package amtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// ward is services, one fettle, the gate before it, and the pair that sends to it.
type ward struct {
	*testing.T
	*fakeServices
	*server
	*gate
	pair
	polls *polls
}

// newWard starts all of it; services is how many there are. overrides are further
// settings of fettle's.
func newWard(t *testing.T, services int, r routing, overrides string) *ward {
	t.Helper()
	w := &ward{T: t, fakeServices: newServices(t, services), gate: newGate(t)}
	w.pair = newPair(t, w.gate, r)
	w.polls = newPolls(t, w.pair)
	w.server = configure(t, w.inventory(), w.polls.urls, overrides)
	w.serve()
	w.polls.first(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the journal:\n%s\nthe supervisor:\n%s\nfettle:\n%s\nAlertmanager a:\n%s\nAlertmanager b:\n%s",
				w.story(), strings.Join(w.told, "\n"), last(w.server.said(), 4000), w.a.said(), w.b.said())
		}
	})
	return w
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// serve starts fettle, and has the gate send there.
func (w *ward) serve() {
	w.Helper()
	w.server.start()
	w.gate.set(func(g *gate) { g.to = w.server.url + "/api/v1/alertmanager" })
}

// story is what a journal tells, in order.
type story []journal.Record

func (w *ward) story() story {
	w.Helper()
	var all story
	must(w, journal.Read(w.journal(), 0, func(r journal.Record) error {
		r.Data = bytes.Clone(r.Data)
		r.Line = nil
		all = append(all, r)
		return nil
	}))
	return all
}

// await waits until the journal tells what ok wants; nil is content.
func (w *ward) await(what string, ok func(story) error) story {
	w.Helper()
	var now story
	until(w, what, func() error {
		if !w.proc.Running() {
			w.Fatalf("fettle ended (%s) while %s was awaited:\n%s", w.proc.State(), what, w.server.said())
		}
		now = w.story()
		return ok(now)
	})
	return now
}

// of decodes the records of one type.
func of[D any](t testing.TB, st story, typ string) []D {
	t.Helper()
	var out []D
	for _, r := range st {
		if r.Type == typ {
			var v D
			must(t, json.Unmarshal(r.Data, &v))
			out = append(out, v)
		}
	}
	return out
}

// received are the records of one alert's firing.
func (w *ward) received(st story, f fault) []repair.Received {
	w.Helper()
	var out []repair.Received
	for _, r := range of[repair.Received](w, st, repair.TypeReceived) {
		if r.Fingerprint == alert.FingerprintOf(f.labels) && r.Status == alert.Firing {
			out = append(out, r)
		}
	}
	return out
}

// arrived waits until each alert has a record of its firing.
func (w *ward) arrived(faults ...fault) {
	w.Helper()
	w.await("all alerts are received", func(st story) error {
		var missing []string
		for _, f := range faults {
			if len(w.received(st, f)) == 0 {
				missing = append(missing, f.labels["cluster"])
			}
		}
		return fewer("not received", missing)
	})
}

// settled waits until each service named has a run that ended so, in the alert's own
// episode.
func (w *ward) settled(want repair.Outcome, faults ...fault) story {
	w.Helper()
	return w.await("all runs end "+string(want), func(st story) error {
		var missing []string
		outcomes := w.outcomes(st)
		for _, f := range faults {
			if !outcomes[f.labels["cluster"]][want] {
				missing = append(missing, f.labels["cluster"])
			}
		}
		return fewer("not "+string(want), missing)
	})
}

// outcomes are those of each service's runs.
func (w *ward) outcomes(st story) map[string]map[repair.Outcome]bool {
	w.Helper()
	out := map[string]map[repair.Outcome]bool{}
	for _, f := range of[repair.FinishedData](w, st, repair.TypeFinished) {
		name, _, _ := strings.Cut(f.Target, "/")
		if out[name] == nil {
			out[name] = map[repair.Outcome]bool{}
		}
		out[name][f.Outcome] = true
	}
	return out
}

// closed waits until n episodes are closed, and returns how.
func (w *ward) closed(n int) []repair.ClosedData {
	w.Helper()
	st := w.await(fmt.Sprintf("%d episodes are closed", n), func(st story) error {
		if got := len(of[repair.ClosedData](w, st, repair.TypeClosed)); got < n {
			return fmt.Errorf("%d are", got)
		}
		return nil
	})
	return of[repair.ClosedData](w, st, repair.TypeClosed)
}

// refused waits until a run on the service was refused so.
func (w *ward) refused(service, guard, reason string) {
	w.Helper()
	w.await(fmt.Sprintf("%s is refused: %s(%s)", service, guard, reason), func(st story) error {
		for _, f := range of[repair.FinishedData](w, st, repair.TypeFinished) {
			if f.Target == service+"/"+member && f.Outcome == repair.Blocked && f.Guard == guard && f.Reason == reason {
				return nil
			}
		}
		return errNotYet
	})
}

// mutatingRuns is how many runs changed something.
func (w *ward) mutatingRuns(st story) int {
	w.Helper()
	n := 0
	for _, f := range of[repair.FinishedData](w, st, repair.TypeFinished) {
		if f.Mutated {
			n++
		}
	}
	return n
}

// verified wants `fettle journal verify` to be content.
func (w *ward) verified() {
	w.Helper()
	if said := w.cli("journal", "verify", w.journal()); !strings.Contains(said, "verified") {
		w.Errorf("verify: %s", said)
	}
}

func fewer(what string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d %s: %.200s", errNotYet, len(names), what, strings.Join(names, " "))
}

// String tells it in short.
func (st story) String() string {
	var b strings.Builder
	for _, r := range st {
		var d struct{ Target, Outcome, Guard, Reason, Detail, Status, Error, Actor any }
		_ = json.Unmarshal(r.Data, &d)
		fmt.Fprintf(&b, "%4d %s %-15s", r.Seq, r.At.Wall.Format("15:04:05.000"), r.Type)
		for _, v := range []any{d.Target, d.Actor, d.Status, d.Outcome, d.Guard, d.Reason, d.Detail, d.Error} {
			if text, ok := v.(string); ok && text != "" {
				b.WriteString(" | " + text)
			}
		}
		b.WriteByte('\n')
	}
	return last(b.String(), 12000)
}

// once wants one record of the alert's firing, one run that changed something, and
// one restart.
func (w *ward) once(faults ...fault) {
	w.Helper()
	st := w.story()
	var names []string
	for _, f := range faults {
		names = append(names, f.labels["cluster"])
		if n := len(w.received(st, f)); n != 1 {
			w.Errorf("%d records of %s firing, want one", n, f.labels["cluster"])
		}
	}
	w.restartedOnce(w, names...)
	if n := w.mutatingRuns(st); n != len(faults) {
		w.Errorf("%d runs changed something, want %d", n, len(faults))
	}
	w.verified()
}

// open wants no episode closed, now and for a while.
func (w *ward) open(d time.Duration) {
	w.Helper()
	stays(w, d, func() error {
		if n := len(of[repair.ClosedData](w, w.story(), repair.TypeClosed)); n > 0 {
			return fmt.Errorf("%d episodes are closed", n)
		}
		return nil
	})
}
