package looptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// story is what a journal tells, in order.
type story []journal.Record

// story reads the journal's files.
func (s *server) story() story {
	s.t.Helper()
	var all story
	err := journal.Read(s.journal(), 0, func(r journal.Record) error {
		r.Data = bytes.Clone(r.Data)
		r.Line = nil
		all = append(all, r)
		return nil
	})
	must(s.t, err)
	return all
}

// await waits until the journal tells what ok wants.
func (s *server) await(what string, ok func(story) bool) story {
	s.t.Helper()
	var now story
	until(s.t, what, func() error {
		if s.gone() {
			s.t.Fatalf("fettle ended (%s) while %s was awaited:\n%s", s.proc.State(), what, s.said())
		}
		if now = s.story(); ok(now) {
			return nil
		}
		return errors.New("not in the journal")
	})
	return now
}

// of decodes the records of one type.
func of[T any](t testing.TB, st story, typ string) []T {
	t.Helper()
	var out []T
	for _, r := range st {
		if r.Type == typ {
			var v T
			must(t, json.Unmarshal(r.Data, &v))
			out = append(out, v)
		}
	}
	return out
}

func (s *server) finished(st story) []repair.FinishedData {
	s.t.Helper()
	return of[repair.FinishedData](s.t, st, repair.TypeFinished)
}

// outcome waits for the n-th run (from 1) that ended, and returns how.
func (s *server) outcome(n int) repair.FinishedData {
	s.t.Helper()
	st := s.await(fmt.Sprintf("run %d has ended", n), func(st story) bool { return len(s.finished(st)) >= n })
	return s.finished(st)[n-1]
}

// ended waits for a run on the member that ended so, after the first skip runs.
func (s *server) ended(member string, want repair.Outcome) repair.FinishedData {
	s.t.Helper()
	var f repair.FinishedData
	s.await(member+" "+string(want), func(st story) bool {
		for _, f = range s.finished(st) {
			if f.Target == "demo/"+member && f.Outcome == want {
				return true
			}
		}
		return false
	})
	return f
}

// repaired waits until a run on each member has ended repaired.
func (s *server) repaired(members ...string) {
	s.t.Helper()
	for _, m := range members {
		s.ended(m, repair.Repaired)
	}
}

// refused waits until a run ended blocked by that guard for that reason, and finds
// the same in the API, in `fettle explain`, and in the metric.
func (s *server) refused(member, guard, reason string) api.Run {
	s.t.Helper()
	var run string
	s.await(fmt.Sprintf("%s is refused: %s(%s)", member, guard, reason), func(st story) bool {
		for _, f := range s.finished(st) {
			if f.Target == "demo/"+member && f.Outcome == repair.Blocked && f.Guard == guard && f.Reason == reason {
				run = f.Run
			}
		}
		return run != ""
	})
	r, err := s.api.Run(s.t.Context(), run)
	must(s.t, err)
	if r.Outcome != "blocked" || r.Guard != guard || r.Reason != reason || r.Detail == "" && reason != "auto-restart" {
		s.t.Errorf("the API's run: %+v, want blocked by %s for %s", r, guard, reason)
	}
	if text := s.explain(run); !strings.Contains(text, "blocked") || !strings.Contains(text, reason) {
		s.t.Errorf("explain does not say blocked and %s:\n%s", reason, text)
	}
	if series := fmt.Sprintf("fettle_guard_refusals_total{guard=%q,reason=%q}", guard, reason); s.metric(series) < 1 {
		s.t.Errorf("%s is not counted", series)
	}
	return r
}

// inOrder checks that records of these types stand in this order, each once or more.
func (st story) inOrder(t testing.TB, types ...string) {
	t.Helper()
	i := 0
	for _, r := range st {
		if i < len(types) && r.Type == types[i] {
			i++
		}
	}
	if i < len(types) {
		t.Errorf("the journal has no %s after %s", types[i], strings.Join(types[:i], ", "))
	}
}

func (st story) count(typ string) int {
	n := 0
	for _, r := range st {
		if r.Type == typ {
			n++
		}
	}
	return n
}

// String tells it in short.
func (st story) String() string {
	var b strings.Builder
	for _, r := range st {
		var d struct {
			Target, Outcome, Guard, Reason, Detail, Result, Says, Status, Error, Opened any
		}
		_ = json.Unmarshal(r.Data, &d)
		fmt.Fprintf(&b, "%4d %s %-15s", r.Seq, r.At.Wall.Format("15:04:05.000"), r.Type)
		for _, v := range []any{d.Target, d.Status, d.Result, d.Outcome, d.Guard, d.Reason, d.Detail, d.Error, d.Says} {
			if text, ok := v.(string); ok && text != "" {
				b.WriteString(" | " + text)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// ward is one cluster and one fettle.
type ward struct {
	*testing.T
	*supervisor
	*server
}

// newWard starts a cluster of the members named.
func newWard(t *testing.T, members ...string) *ward {
	t.Helper()
	return &ward{T: t, supervisor: supervise(t, members...)}
}

// sub is the ward for a subtest: the cluster healthy, and a fettle of its own,
// configured and not started.
func (w *ward) sub(t *testing.T, o options) *ward {
	t.Helper()
	w.supervisor.t = t
	w.healthy()
	if o.clusters == nil {
		o.clusters = []cluster.Cluster{w.inventory("demo")}
	}
	v := &ward{T: t, supervisor: w.supervisor, server: configure(t, o)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the journal:\n%s\nthe supervisor:\n%s\nfettle:\n%s", v.story(), v.told(), last(v.said(), 6000))
		}
	})
	return v
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// quiet wants that nothing was started or killed by a command, now and for a while.
func (w *ward) quiet(d time.Duration) {
	w.Helper()
	for deadline := time.Now().Add(d); ; time.Sleep(50 * time.Millisecond) {
		if n := w.mutations(); n != 0 {
			w.Fatalf("%d mutations, want none", n)
		}
		if time.Now().After(deadline) {
			return
		}
	}
}

// startedOnce wants each of the members started exactly once.
func (w *ward) startedOnce(members ...string) {
	w.Helper()
	for _, m := range members {
		if n := w.starts(m); n != 1 {
			w.Errorf("%s was started %d times, want once", m, n)
		}
	}
	for _, m := range w.names(nil) {
		if n := w.starts(m); n != 0 && !slices.Contains(members, m) {
			w.Errorf("%s was started %d times, want never", m, n)
		}
	}
}
