//go:build servers

package consoletest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/console"
	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/promql"
)

// fakeBackend has everything that a page can show, and a payload in each text of it: more
// than any real system lets through. It notes what it is told to do.
type fakeBackend struct {
	mu   sync.Mutex
	told []string
}

func (b *fakeBackend) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, fmt.Sprintf(format, args...))
}

var all = strings.Join(payloads, " ") //nolint:gochecknoglobals // read only

func (b *fakeBackend) State(context.Context) (api.State, error) {
	return api.State{
		Version: all, NotReady: all, EpisodesOpen: 1, RunsLive: 1, RunsOwed: 1,
		Journal: api.JournalState{ID: all, Dir: all, Records: 12345},
		Config:  api.ConfigState{File: all, Error: all},
		Pauses:  []api.Pause{{ID: "p1", Cluster: "demo", By: all, Reason: all, Since: time.Now()}},
	}, nil
}

func aRun(id, outcome string) api.Run {
	r := api.Run{
		ID: id, Episode: "e1", Playbook: all, Target: "demo/" + payloads[1], Tier: all, Outcome: outcome, Mutated: true,
		Opened: time.Now().Add(-time.Minute), Steps: []api.Step{{Name: all, Action: all, State: all, Detail: all}},
	}
	if outcome != "" {
		r.Guard, r.Reason, r.Detail, r.Ended = payloads[0], payloads[2], all, time.Now()
	}
	return r
}

func (b *fakeBackend) Runs(_ context.Context, f api.Filter) (runs []api.Run, err error) {
	runs = []api.Run{aRun("live", "")}
	for _, outcome := range []string{"repaired", "noop", "observed", "blocked", "failed", "unknown", payloads[1]} {
		if !f.Open {
			runs = append(runs, aRun("r1", outcome))
		}
	}
	return runs, nil
}

func (b *fakeBackend) Run(context.Context, string) (api.Run, error) { return aRun("r1", "failed"), nil }

func (b *fakeBackend) anEpisode() api.Episode {
	labels := map[string]string{}
	for i, p := range payloads {
		labels[fmt.Sprintf("x%d", i)] = p
	}
	return api.Episode{
		ID: "e1", Alertname: payloads[3] + payloads[0], Labels: labels, Playbook: all, Target: "demo/" + payloads[1], Active: true, Opened: time.Now(), Runs: []string{"r1"},
		WaitsFor: all, LastAnswer: &api.Answer{Guard: "attempts", Reason: payloads[2], Detail: all, Since: time.Now(), Count: 3}, Escalated: []api.Escalated{{Reason: all}},
		Approval: &api.Approval{Premise: "sha256:abc", Words: payloads, Needed: 2, Given: []api.Given{{By: all}}, Also: []api.Answer{{Guard: all, Reason: all, Detail: all}}},
	}
}

func (b *fakeBackend) Episodes(context.Context, api.Filter) ([]api.Episode, error) {
	return []api.Episode{b.anEpisode()}, nil
}

func (b *fakeBackend) Episode(context.Context, string) (api.Episode, error) {
	return b.anEpisode(), nil
}

func (b *fakeBackend) Playbooks(context.Context) ([]api.Playbook, error) { return nil, nil }

func (b *fakeBackend) Recorded(context.Context, string) (console.Recorded, error) {
	text, err := json.Marshal(all)
	begun := time.Now().Add(-time.Minute)
	record := func(seq uint64, kind, data string) journal.Record {
		at := journal.Reading{Wall: begun.Add(time.Duration(seq) * time.Second), Boot: "b", Since: time.Duration(seq) * time.Second}
		return journal.Record{Seq: seq, Draft: journal.Draft{Type: kind, Data: []byte(strings.ReplaceAll(data, "ALL", string(text))), At: at}}
	}
	run := `"run":"r1","episode":"e1","playbook":ALL,"target":"demo/m2"`
	return console.Recorded{Unread: all, Behind: true, Left: 3, Records: []journal.Record{
		record(1, "received", `{"fingerprint":"f","status":"firing","episode":"e1","opened":true,"playbook":ALL,"labels":{"alertname":ALL},"annotations":{"summary":ALL,"runbook_url":"javascript:alert(1)"},"generatorURL":"javascript:alert(1)","message":"m","actor":ALL}`),
		record(2, "run.planned", `{`+run+`,"tier":"P0","autonomy":"auto","steps":[{"name":"start","action":"member-start"}],"digests":{}}`),
		record(3, "step.intent", `{`+run+`,"step":0,"name":ALL,"action":"member-start","attempt":1,"intent":"i"}`),
		record(4, "step.finished", `{`+run+`,"step":0,"name":ALL,"action":"member-start","attempt":1,"intent":"i","result":"failed","detail":ALL}`),
		record(5, "run.finished", `{`+run+`,"outcome":"failed","guard":ALL,"reason":ALL,"detail":ALL}`),
	}}, err
}

func (b *fakeBackend) anUndo() api.Undo {
	return api.Undo{Run: "r1", Episode: "e1", Playbook: all, Target: all, Steps: []api.UndoStep{{Name: all, Action: all, Does: all, Was: &all}}, Left: payloads, Since: time.Now(), Waits: all}
}

func (b *fakeBackend) Undos(context.Context) ([]api.Undo, error) {
	return []api.Undo{b.anUndo()}, nil
}

func (b *fakeBackend) Undo(context.Context, string) (api.Undo, error) { return b.anUndo(), nil }

func (b *fakeBackend) TakeBack(_ context.Context, run, by, comment string) (api.Undo, error) {
	b.note("undo %s by %s: %s", run, by, comment)
	return api.Undo{Opened: "r9"}, nil
}

func (b *fakeBackend) LeaveUndo(_ context.Context, run, by string) error {
	b.note("leave %s by %s", run, by)
	return nil
}

func (b *fakeBackend) Pause(_ context.Context, p api.Pause) (api.Pause, error) {
	b.note("pause %q by %s: %s", p.Cluster, p.By, p.Reason)
	return p, nil
}

func (b *fakeBackend) Unpause(_ context.Context, id, by string) error {
	b.note("unpause %s by %s", id, by)
	return nil
}

func (b *fakeBackend) Release(_ context.Context, episode, by string) error {
	b.note("release %s by %s", episode, by)
	return nil
}

func (b *fakeBackend) Close(_ context.Context, episode, by, reason string) error {
	b.note("close %s by %s: %s", episode, by, reason)
	return nil
}

func (b *fakeBackend) Approve(_ context.Context, w api.Word) (api.Approved, error) {
	b.note("approve %s %s by %s: %s", w.Episode, w.Premise, w.By, w.Comment)
	return api.Approved{}, nil
}

func (b *fakeBackend) Acknowledge(_ context.Context, w api.Word) error {
	b.note("acknowledge %s by %s: %s", w.Episode, w.By, w.Comment)
	return nil
}

// fakePrometheus has a payload in every label, whatever it is asked.
func fakePrometheus(t *testing.T) *promql.Client {
	t.Helper()
	series := make([]string, len(payloads))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, values := "vector", `"value":[%d,"0.5"]`
		if strings.HasSuffix(r.URL.Path, "query_range") {
			kind, values = "matrix", `"values":[[%d,"2"]]`
		}
		out := make([]string, len(series))
		for i, p := range payloads {
			p, _ := json.Marshal(p) //nolint:errchkjson // a string
			out[i] = fmt.Sprintf(`{"metric":{"alertname":%[1]s,"severity":%[1]s,"tier":%[1]s,"instance":%[1]s,"guard":%[1]s,"reason":%[1]s,"outcome":%[1]s,"cluster":"demo","member":"m2"},`+values+`}`, p, time.Now().Unix()-60)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":%q,"result":[%s]}}`, kind, strings.Join(out, ","))
	}))
	t.Cleanup(srv.Close)
	client, err := promql.New(promql.Options{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// serveFake serves the console over b, behind the real doors.
func serveFake(t *testing.T, b *fakeBackend) (url string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "operator.token")
	if err := os.WriteFile(file, []byte(token("operator")), 0o600); err != nil {
		t.Fatal(err)
	}
	policy, err := access.New(access.Options{Grants: []access.Grant{{Role: access.Operator, TokenFile: file}}, Table: access.Pages()})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	e, err := api.NewEngine(log, policy.Check)
	if err != nil {
		t.Fatal(err)
	}
	prometheus := fakePrometheus(t)
	k, err := console.New(console.Options{
		Backend: b, Log: log, Now: time.Now,
		Clusters: func() []cluster.Cluster {
			return []cluster.Cluster{{Name: "demo", Kind: "etcd", Members: []cluster.Member{{Name: "m2"}, {Name: payloads[1]}}}, {Name: all, Kind: "postgres"}}
		},
		Prometheus: func() (*promql.Client, time.Duration) { return prometheus, 5 * time.Second },
	})
	if err != nil {
		t.Fatal(err)
	}
	k.Register(e)
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	return srv.URL
}
