package repair_test

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

// fakeUnit is a fake unit that the sequencer's real goroutines look at and restart.
type fakeUnit struct {
	mu      sync.Mutex
	up      bool
	looks   int
	applies int
	observe func() error                               // before each look
	apply   func(context.Context, repair.Intent) error // before each effect
}

func (u *fakeUnit) Observe(_ context.Context, t cluster.Target) (repair.Sighting, error) {
	u.mu.Lock()
	u.looks++
	up, hook := u.up, u.observe
	u.mu.Unlock()
	if hook != nil {
		if err := hook(); err != nil {
			return repair.Sighting{}, err
		}
	}
	state := cluster.ServiceDead
	if up {
		state = cluster.ServiceRunning
	}
	now, err := systemNow()
	if err != nil {
		return repair.Sighting{}, err
	}
	o, err := repair.Observed("unit/1", string(state), up)
	return repair.Sighting{Asked: now, Observation: o, Facts: repair.Facts{
		Sights: []cluster.Sight{{Member: t.Member.Name, Service: cluster.Service{State: state}}},
	}}, err
}

func (u *fakeUnit) Done(_ *repair.Observation, now repair.Observation) bool {
	up, _ := repair.Unpack[bool](now, "unit/1")
	return up
}

func (u *fakeUnit) Apply(ctx context.Context, in repair.Intent) error {
	u.mu.Lock()
	u.applies++
	hook := u.apply
	u.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, in); err != nil {
			return err
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.up = true
	return nil
}

// counts are the looks and the mutations so far.
func (u *fakeUnit) counts() (looks, applies int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.looks, u.applies
}

func systemNow() (journal.Reading, error) {
	clock, err := journal.SystemClock()
	if err != nil {
		return journal.Reading{}, err
	}
	return clock(), nil
}

const unitPlaybook = `
name: unit-restart
version: 1
description: A dead unit is started.
on: ['alertname="UnitDown"']
labels:
  unit: {pattern: '[a-z0-9-]+'}
target: {kind: service, cluster: web, member: $unit}
tier: P0
autonomy: auto
steps:
  - {name: start, action: unit-start}
`

func (u *fakeUnit) config(t *testing.T) repair.Config {
	t.Helper()
	set := defaults()
	set.Look, set.Sample, set.Settle, set.EagerGap = time.Second, time.Millisecond, 10*time.Millisecond, time.Millisecond
	cfg := repair.Config{
		Inventory: cluster.Inventory{Clusters: []cluster.Cluster{{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "u1", Host: "h"}, {Name: "u2", Host: "h"}}}}},
		Actions: map[string]repair.ActionSpec{
			"unit-start": {Name: "unit-start", Sees: "unit/1", Kind: cluster.KindService, Disturbs: cluster.DisturbsUnit, Does: repair.Starts, Action: u},
		},
		Guards:   guard.Table(guard.Options{}),
		Autonomy: func(string, string, repair.Tier) repair.Autonomy { return repair.Auto },
		Settings: func(repair.Tier, string, string) repair.Settings { return set },
		Version:  "test",
	}
	p, err := repair.LoadPlaybook("unit-restart", []byte(unitPlaybook), cfg.Actions, parse)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Playbooks = []*repair.Playbook{p}
	return cfg
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// place is where a real journal of a test lies.
type place struct{ dir, key string }

func newPlace(t *testing.T) place {
	t.Helper()
	p := place{filepath.Join(t.TempDir(), "journal"), filepath.Join(t.TempDir(), "journal.key")}
	now, err := systemNow()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Init(p.dir, p.key, journal.InitOptions{Host: "h", Now: now, NewID: newID, Rand: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p place) open(t *testing.T, wrap func(journal.File) journal.File) *journal.Journal {
	t.Helper()
	return p.openWith(t, journal.Options{WrapFile: wrap})
}

// openWith opens it with small segments, say.
func (p place) openWith(t *testing.T, o journal.Options) *journal.Journal {
	t.Helper()
	clock, err := journal.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	o.Now, o.NewID, o.KnownTypes = clock, newID, repair.KnownType
	j, err := journal.Open(p.dir, p.key, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// replayed is the state that a journal folds to.
func replayed(t *testing.T, j *journal.Journal) *repair.State {
	t.Helper()
	st, err := repair.Replay(j.Replay)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// sequence makes a sequencer, not yet started.
func sequence(t *testing.T, cfg repair.Config, st *repair.State, j repair.Journal) (*repair.Sequencer, *prometheus.Registry) {
	t.Helper()
	clock, err := journal.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	return repair.NewSequencer(repair.NewEngine(cfg, st, newID), repair.Edges{
		Journal: j, Clock: clock, Brake: func() bool { return false },
		Poll:    func(context.Context, bool) []repair.PollSource { return nil },
		Metrics: repair.NewMetrics(reg), Logger: promslog.NewNopLogger(),
	}), reg
}

// metric is the value of a gauge or counter without labels.
func metric(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// timesTaken is how many times a histogram took with this label.
func timesTaken(t *testing.T, reg *prometheus.Registry, name, label, value string) (n uint64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetName() == label && l.GetValue() == value {
					n += m.GetHistogram().GetSampleCount()
				}
			}
		}
	}
	return n
}

// unitDown is a message with one alert; more labels make it another one.
func unitDown(unit string, more ...string) repair.Alerts {
	l := map[string]string{"alertname": "UnitDown", "unit": unit}
	for _, m := range more {
		l["more"] = m
	}
	return repair.Alerts{Message: newID(), Actor: "test", End: &repair.MessageEnd{}, Alerts: []alert.Alert{{Fingerprint: alert.FingerprintOf(l), Status: alert.Firing, Labels: l}}}
}

// await waits until what is true between two Steps.
func await(t *testing.T, s *repair.Sequencer, what string, is func(*repair.State) bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		ok := false
		if err := s.Read(t.Context(), func(e *repair.Engine) { ok = is(e.State()) }); err != nil {
			t.Fatalf("waiting for %s: %v", what, err)
		}
		if ok {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("%s did not come about", what)
		case <-tick.C:
		}
	}
}

// ended tells that a run ended with an outcome.
func ended(o repair.Outcome) func(*repair.State) bool {
	return func(s *repair.State) bool {
		for _, r := range s.Runs() {
			if r.Finished != nil && r.Finished.Outcome == o {
				return true
			}
		}
		return false
	}
}

var errDisk = errors.New("no space left on device") //nolint:gochecknoglobals // an error value
