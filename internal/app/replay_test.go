package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/scorecard"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// fakeMember is a target that exists in this process only: down until it is
// restarted, which takes no time.
type fakeMember struct {
	Runs     bool `json:"runs"`
	Restarts int  `json:"restarts"`
	faults   int
	needless int // restarts of what ran
}

// fakeMembers are a repair.Action on them, and the look at all of them.
type fakeMembers struct {
	clock func() journal.Reading

	mu      sync.Mutex
	members map[string]*fakeMember
}

const fakeSchema = "fakemember/1"

func (f *fakeMembers) Observe(_ context.Context, t cluster.Target) (repair.Sighting, error) {
	asked := f.clock()
	f.mu.Lock()
	m := *f.members[t.Member.Name]
	f.mu.Unlock()
	state := cluster.ServiceDead
	if m.Runs {
		state = cluster.ServiceRunning
	}
	o, err := repair.Observed(fakeSchema, string(state), m)
	return repair.Sighting{Asked: asked, Observation: o, Facts: repair.Facts{Sights: []cluster.Sight{{
		Member: t.Member.Name, Service: cluster.Service{State: state, Identity: fmt.Sprint(m.Restarts)}, Proof: cluster.Proof{Answer: cluster.Unknown},
		GoneByProbe: cluster.Unknown, GoneByPrometheus: cluster.Unknown, GoneByPeer: cluster.Unknown, Alive: m.Runs,
	}}}}, err
}

func (f *fakeMembers) Done(before *repair.Observation, now repair.Observation) bool {
	n, ok := repair.Unpack[fakeMember](now, fakeSchema)
	if !ok || before == nil {
		return ok && n.Runs
	}
	b, ok := repair.Unpack[fakeMember](*before, fakeSchema)
	return ok && n.Runs && n.Restarts > b.Restarts
}

func (f *fakeMembers) Apply(_ context.Context, in repair.Intent) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[in.Target.Member.Name]
	if m.Runs {
		m.needless++
	}
	m.Runs = true
	m.Restarts++
	return nil
}

func (f *fakeMembers) survey(context.Context) repair.Fleet {
	return repair.Fleet{Asked: f.clock(), Running: len(f.members)}
}

// fail lets a member fail if it runs.
func (f *fakeMembers) fail(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.members[name]; m.Runs {
		m.Runs = false
		m.faults++
	}
}

// What three Alertmanagers send again, in any order, late, and with either status
// starts nothing twice: a fault has at most one mutating run. No cooldown and no
// count of attempts stands in the way, so that nothing but the episodes prevents it.
func TestReplay(t *testing.T) {
	clock, err := journal.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	fleet := &fakeMembers{clock: clock, members: map[string]*fakeMember{}}
	name := func(i int) string { return fmt.Sprintf("m%03d", i) }
	dir := t.TempDir()
	var inventory, roles strings.Builder
	for i := range replayAlerts {
		fleet.members[name(i)] = &fakeMember{faults: 1}
		fmt.Fprintf(&inventory, "      - {name: %s, host: h%d, unit: x.service}\n", name(i), i)
	}
	tokens := make([]string, 3)
	for i := range tokens {
		tokens[i] = rand.Text()
		file := filepath.Join(dir, fmt.Sprintf("am%d.token", i))
		if err := os.WriteFile(file, []byte(tokens[i]), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&roles, "    - {role: webhook, token_file: %s}\n", file)
	}
	books := filepath.Join(dir, "playbooks")
	config := fmt.Sprintf("clusters:\n  - name: web\n    kind: service\n    members:\n%sautonomy: {default: auto}\n"+
		"overrides: {all: {cooldown: 0, attempts: 0, live_runs: 1000, settle: 10ms, sample: 10ms, eager_gap: 10ms, look: 100ms}}\n"+
		"playbooks: {dir: %s, only: [fake]}\njournal: {dir: %s/journal, key_file: %s/journal.key}\nbrake: %s/pause\n"+
		"web:\n  socket: %s/s\n  roles:\n%s", inventory.String(), books, dir, dir, dir, dir, roles.String())
	file := filepath.Join(dir, "fettle.yml")
	if err := os.Mkdir(books, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		file: config,
		filepath.Join(books, "fake.yml"): "name: fake\nversion: 1\ndescription: Restarts a fake member.\non: ['alertname=\"Down\"']\n" +
			"labels: {member: {pattern: 'm[0-9]{3}'}}\ntarget: {kind: service, cluster: web, member: $member}\ntier: P0\nautonomy: auto\nsteps: [{name: restart, action: fake-restart}]\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := journal.Init(filepath.Join(dir, "journal"), filepath.Join(dir, "journal.key"), journal.InitOptions{Host: host(), Now: clock(), NewID: newID, Rand: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{
		ConfigFile: file, Listen: "127.0.0.1:0", Version: "test", Log: slog.New(slog.DiscardHandler), Survey: fleet.survey,
		Actions: func(table map[string]repair.ActionSpec) map[string]repair.ActionSpec {
			table = maps.Clone(table)
			table["fake-restart"] = repair.ActionSpec{Name: "fake-restart", Sees: fakeSchema, Kind: cluster.KindService, Does: repair.Takes, Disturbs: cluster.DisturbsUnit, Action: fleet}
			return table
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	var (
		sent    atomic.Int64
		senders sync.WaitGroup
	)
	const conns = 4 // for each of the three
	for s := range len(tokens) * conns {
		r := mathrand.New(mathrand.NewPCG(12, uint64(s)))
		senders.Go(func() {
			for sent.Add(1) <= replayPosts && t.Context().Err() == nil {
				if r.IntN(50) == 0 {
					fleet.fail(name(r.IntN(replayAlerts)))
				}
				if err := replay(t.Context(), a.Addr(), tokens[s%len(tokens)], messageOf(r, name)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	senders.Wait()
	// Each alert fires once more, and whatever is down now is repaired as well.
	for i := range replayAlerts {
		if err := replay(t.Context(), a.Addr(), tokens[0], `{"version":"4","alerts":[`+alertOf("firing", name(i), time.Now())+`]}`); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(time.Minute)
	for {
		fleet.mu.Lock()
		down := 0
		for _, m := range fleet.members {
			if !m.Runs {
				down++
			}
		}
		fleet.mu.Unlock()
		if down == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d members are still down", down)
		}
		<-time.After(20 * time.Millisecond)
	}
	fleet.mu.Lock()
	defer fleet.mu.Unlock()
	faults, restarts := 0, 0
	for n, m := range fleet.members {
		faults += m.faults
		restarts += m.Restarts
		if m.needless > 0 || m.Restarts > m.faults {
			t.Errorf("%s failed %d times and was restarted %d times, %d times while it ran", n, m.faults, m.Restarts, m.needless)
		}
	}
	figure := fmt.Sprintf("%d posts of %d alerts from %d senders, %d faults: %d mutating runs, none of what ran", replayPosts, replayAlerts, len(tokens), faults, restarts)
	t.Log(figure)
	if restarts < replayAlerts {
		t.Errorf("%d members, and only %d restarts", replayAlerts, restarts)
	}
	scorecard.Row(t, 8, figure)
}

// messageOf has up to five alerts, each firing or resolved, begun at some time.
func messageOf(r *mathrand.Rand, name func(int) string) string {
	var alerts []string
	for range 1 + r.IntN(5) {
		status := "firing"
		if r.IntN(3) == 0 {
			status = "resolved"
		}
		alerts = append(alerts, alertOf(status, name(r.IntN(replayAlerts)), time.Now().Add(-time.Duration(r.IntN(3600))*time.Second)))
	}
	return fmt.Sprintf(`{"receiver":"fettle","status":"firing","alerts":[%s],"version":"4","groupKey":"{}:{%d}","truncatedAlerts":0}`, strings.Join(alerts, ","), r.IntN(10))
}

func alertOf(status, member string, starts time.Time) string {
	b, err := json.Marshal(map[string]any{
		"status": status, "labels": map[string]string{"alertname": "Down", "member": member}, "startsAt": starts.UTC(),
	})
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// replay posts one message; the answer has to be 200.
func replay(ctx context.Context, addr, token, body string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/api/v1/alertmanager", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%d %s", resp.StatusCode, b)
	}
	return nil
}
