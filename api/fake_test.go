package api_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/webhook"
)

// fakeBackend knows one of each, and notes what it is told to do.
type fakeBackend struct {
	notReady, broken error

	mu     sync.Mutex
	told   []string
	filter api.Filter
}

func (b *fakeBackend) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, fmt.Sprintf(format, args...))
}

func (b *fakeBackend) noted() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.told...)
}

func at(second int) time.Time { return time.Date(2026, 11, 21, 2, 31, second, 500, time.UTC) }

func aRun() api.Run {
	return api.Run{
		ID: "r1", Episode: "e1", Playbook: "etcd-member-restart", Target: "demo/m2", Tier: "P0", Outcome: "blocked",
		Guard: "quorum", Reason: "no majority", Opened: at(1), Ended: at(2),
		Steps: []api.Step{{Name: "start", Action: "service", State: "planned"}},
	}
}

func anEpisode() api.Episode {
	return api.Episode{
		ID: "e1", Fingerprint: "16c5b08d79aa2e85", Alertname: "<script>alert(1)</script>", Labels: map[string]string{"a": "b\x1b"},
		Playbook: "etcd-member-restart", Target: "demo/m2", Active: true, Opened: at(1),
		LastAnswer: &api.Answer{Guard: "pause", Reason: "paused", Since: at(2), Count: 3},
		Runs:       []string{"r1"}, WaitsFor: "the pause's end",
	}
}

func records() []journal.Record {
	line := `{"specversion":"1.0","seq":12,"type":"io.fettle.run.planned.v1","subject":"run/r1","boot":"b","boottime":"42","time":"2026-11-21T02:31:01.0000005Z","id":"u","source":"//h/fettle/j","critical":true,"data":{"a":"\u003c é"},"crc":"9f1c02ab"}`
	return []journal.Record{{
		Seq: 12, Line: []byte(line), Draft: journal.Draft{
			Type: "run.planned", Subject: "run/r1", ID: "u", Critical: true, Data: []byte(`{"a":"\u003c é"}`),
			At: journal.Reading{Wall: at(1), Boot: "b", Since: 42},
		},
	}}
}

func (b *fakeBackend) Runs(_ context.Context, f api.Filter) ([]api.Run, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.filter = f
	return []api.Run{aRun()}, b.broken
}

func (b *fakeBackend) Run(_ context.Context, id string) (api.Run, error) {
	switch id {
	case "r1":
		return aRun(), nil
	case "panic":
		panic("on purpose, with a secret-token")
	}
	return api.Run{}, api.NotFound("run", id)
}

func (b *fakeBackend) Episodes(_ context.Context, f api.Filter) ([]api.Episode, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.filter = f
	return []api.Episode{anEpisode()}, b.broken
}

func (b *fakeBackend) Episode(_ context.Context, id string) (api.Episode, error) {
	if id != "e1" && id != "with/slash" {
		return api.Episode{}, api.NotFound("episode", id)
	}
	return anEpisode(), nil
}

func (b *fakeBackend) Playbooks(context.Context) ([]api.Playbook, error) {
	return []api.Playbook{{
		Name: "etcd-member-restart", On: []string{`alertname="FettleRaftMemberDown"`}, Kind: "etcd", Tier: "P0", Ceiling: "auto", Steps: []api.PlaybookStep{{Name: "start", Action: "member-start"}},
		Digest: "d", Source: "embedded/etcd-member-restart.yml", Clusters: []api.PlaybookCluster{{Cluster: "demo", Autonomy: "observe", DeadlineSeconds: 60}},
	}}, b.broken
}

func (b *fakeBackend) Guards(context.Context) ([]api.Guard, error) {
	return []api.Guard{{
		Name: "cooldown", Asks: "Refuses when …", Reasons: []api.GuardReason{{Reason: "cooldown", When: "too soon", Passing: true}},
		Settings: []api.GuardSetting{{Key: "cooldown", Value: "10m"}},
	}}, b.broken
}

func (b *fakeBackend) Story(_ context.Context, id string) ([]journal.Record, error) {
	b.note("story %s", id)
	return records(), nil
}

func (b *fakeBackend) Pause(_ context.Context, p api.Pause) (api.Pause, error) {
	b.note("pause %q by %s: %s", p.Cluster, p.By, p.Reason)
	p.ID, p.Since = "p1", at(3)
	return p, nil
}

func (b *fakeBackend) Unpause(_ context.Context, id, by string) error {
	b.note("unpause %s by %s", id, by)
	return nil
}

func (b *fakeBackend) Foresee(_ context.Context, in api.PlanRequest) (api.Foresight, error) {
	if in.ID == "none" {
		return api.Foresight{}, api.NotFound("episode", in.ID)
	}
	return api.Foresight{Labels: in.Labels, Says: "it would " + in.ID, Playbook: "p"}, nil
}

func (b *fakeBackend) Pauses(context.Context) ([]api.Pause, error) {
	return []api.Pause{{ID: "p1", By: "alice", Reason: "upgrade", Since: at(3)}}, nil
}

func (b *fakeBackend) Release(_ context.Context, episode, by string) error {
	b.note("release %s by %s", episode, by)
	return nil
}

func (b *fakeBackend) Close(_ context.Context, episode, by, reason string) error {
	b.note("close %s by %s: %s", episode, by, reason)
	return nil
}

func (b *fakeBackend) Journal(_ context.Context, from uint64, limit int) ([]journal.Record, error) {
	b.note("journal %d %d", from, limit)
	return records(), nil
}

func (b *fakeBackend) Ready(context.Context) error { return b.notReady }

func (b *fakeBackend) Reload(context.Context) error {
	b.note("reload")
	return b.broken
}

func (b *fakeBackend) State(context.Context) (api.State, error) {
	return api.State{
		Version: "1.2.3", Started: at(0), UptimeSeconds: 61, EpisodesOpen: 1, RunsLive: 2,
		Journal: api.JournalState{ID: "j", Dir: "/var/lib/fettle/journal", Writable: true, Records: 13, Checkpointed: 12, Bytes: 4096},
		Config:  api.ConfigState{File: "/etc/fettle/fettle.yml", Digest: "sha256:0", Loaded: at(0)},
		Pauses:  []api.Pause{{ID: "p1", By: "alice", Reason: "<b>upgrade</b>", Since: at(3)}},
	}, nil
}

// tokens has one for every role.
func tokens() map[access.Role]string {
	return map[access.Role]string{
		access.Webhook: "webhook-0123456789abcdef", access.Metrics: "metrics-0123456789abcdef",
		access.Viewer: "viewer-0123456789abcdef", access.Operator: "operator-0123456789abcdef",
	}
}

// newEngine wires the API and the webhook as the program does.
func newEngine(t *testing.T, b api.Backend, log *slog.Logger) *gin.Engine {
	t.Helper()
	dir := t.TempDir()
	var grants []access.Grant
	for role, token := range tokens() {
		path := filepath.Join(dir, string(role)+".token")
		if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		grants = append(grants, access.Grant{Role: role, TokenFile: path})
	}
	policy, err := access.New(access.Options{Grants: grants, Table: access.Routes()})
	if err != nil {
		t.Fatal(err)
	}
	hook := webhook.New(webhook.Options{
		Metrics: webhook.NewMetrics(prometheus.NewRegistry()), Log: log,
		NewID: func() string { return "id" },
	})
	engine, err := api.NewEngine(log, hook.Count, policy.Check)
	if err != nil {
		t.Fatal(err)
	}
	hook.Register(engine)
	api.New(api.Options{
		Backend: b, Log: log,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("fettle_build_info 1\n")) }),
	}).Register(engine)
	return engine
}

func newServer(t *testing.T, b api.Backend) *httptest.Server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := httptest.NewUnstartedServer(nil)
	s.Config = api.NewServer(newEngine(t, b, log), log)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

var errBroken = errors.New("broken on purpose: /secret/path")
