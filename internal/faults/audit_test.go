package faults

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// receipts is what was acknowledged, kept by the senders.
type receipts struct {
	mu  sync.Mutex
	all map[alert.Fingerprint]int
	n   int
}

// keep notes that the alerts of a message were answered 200.
func (r *receipts) keep(alerts ...notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[alert.Fingerprint]int{}
	}
	for _, a := range alerts {
		r.all[alert.Fingerprint(a.Fingerprint)]++
		r.n++
	}
}

// audit is what a journal tells.
type audit struct {
	received map[alert.Fingerprint]int
	intents  map[string][]time.Time // by cluster/member, when
	open     map[string]string      // intents without a result, by ID: their target
	finished []repair.FinishedData
	closed   []repair.ClosedData
	opened   map[string]bool // episodes that were not closed
	live     map[string]bool // runs that have not ended
	answered []repair.StepData
	records  int
}

// read reads the journal's files.
func (s *server) read() audit {
	s.t.Helper()
	a := audit{received: map[alert.Fingerprint]int{}, intents: map[string][]time.Time{}, open: map[string]string{}, opened: map[string]bool{}, live: map[string]bool{}}
	must(s.t, journal.Read(s.journal, 0, a.add))
	return a
}

func (a *audit) add(r journal.Record) error {
	a.records++
	switch r.Type {
	case repair.TypeReceived:
		var d repair.Received
		if err := json.Unmarshal(r.Data, &d); err != nil {
			return err
		}
		a.received[d.Fingerprint]++
		if d.Opened {
			a.opened[d.Episode] = true
		}
	case repair.TypePlanned:
		var d repair.Planned
		if err := json.Unmarshal(r.Data, &d); err != nil {
			return err
		}
		a.live[d.Run] = true
	case repair.TypeIntent:
		var d struct{ ID, Target string }
		if err := json.Unmarshal(r.Data, &d); err != nil {
			return err
		}
		if d.ID == "" || d.Target == "" {
			return fmt.Errorf("an intent without a name: %s", r.Data)
		}
		a.intents[d.Target] = append(a.intents[d.Target], r.At.Wall)
		a.open[d.ID] = d.Target
	case repair.TypeStep, repair.TypeAnswered:
		var d repair.StepData
		if err := json.Unmarshal(r.Data, &d); err != nil {
			return err
		}
		if r.Type == repair.TypeStep {
			delete(a.open, d.Intent)
		} else {
			a.answered = append(a.answered, d)
		}
	case repair.TypeFinished:
		var d repair.FinishedData
		if err := json.Unmarshal(r.Data, &d); err != nil {
			return err
		}
		a.finished = append(a.finished, d)
		delete(a.live, d.Run)
	case repair.TypeClosed:
		var d repair.ClosedData
		if err := json.Unmarshal(r.Data, &d); err != nil {
			return err
		}
		a.closed = append(a.closed, d)
		delete(a.opened, d.Episode)
	}
	return nil
}

// outcomes counts how runs ended.
func (a audit) outcomes() map[repair.Outcome]int {
	n := map[repair.Outcome]int{}
	for _, f := range a.finished {
		n[f.Outcome]++
	}
	return n
}

// intended is how many intents there are.
func (a audit) intended() int {
	n := 0
	for _, times := range a.intents {
		n += len(times)
	}
	return n
}

// holds wants that everything acknowledged is in the journal.
func (a audit) holds(t testing.TB, r *receipts) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	lost := 0
	for f := range r.all {
		if a.received[f] == 0 {
			lost++
			if lost <= 5 {
				t.Errorf("%s was acknowledged, and is not in the journal", f)
			}
		}
	}
	if lost > 5 {
		t.Errorf("%d acknowledged alerts are not in the journal", lost)
	}
}

// excuses wants an intent for every restart, written before it, and each for one
// restart at most: the n-th restart of a service comes after its n-th intent.
func (a audit) excuses(t testing.TB, f *fleet) {
	t.Helper()
	for name, restarts := range f.restarts() {
		intents := a.intents["fleet/"+name]
		for i, at := range restarts {
			// The clock is the same; a record's time has microseconds.
			if i >= len(intents) || intents[i].After(at.Add(time.Millisecond)) {
				t.Errorf("%s was restarted for the %d. time at %s, and has %d intents: %v", name, i+1, at, len(intents), intents)
				break
			}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.needless > 0 {
		t.Errorf("%d services were restarted while they ran", f.needless)
	}
}

// verify wants `fettle journal verify` to be content.
func (s *server) verify() {
	s.t.Helper()
	if said := s.cli("journal", "verify", s.journal); !strings.HasPrefix(said, "verified") {
		s.t.Errorf("verify: %s", said)
	}
}

// tail is the journal's last records, for failures.
func (s *server) tail(n int) string {
	var lines []string
	err := journal.Read(s.journal, 0, func(r journal.Record) error {
		data := string(r.Data)
		lines = append(lines, fmt.Sprintf("%d %s %s %s", r.Seq, r.At.Wall.Format("15:04:05.000"), r.Type, data[:min(len(data), 600)]))
		return nil
	})
	if err != nil {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// spread is the median and the greatest of durations, for people.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	all = slices.Sorted(slices.Values(all))
	return fmt.Sprintf("median %d ms, max %d ms", all[len(all)/2].Milliseconds(), all[len(all)-1].Milliseconds())
}
