package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/journal"
)

// fakeServer is the real API over a fake backend, on a unix socket and on TCP.
type fakeServer struct {
	mu     sync.Mutex
	told   []string
	pauses []api.Pause
	empty  bool
}

// servers are the fake servers of the running scripts.
var servers sync.Map // from a script's directory to *fakeServer

// fake starts one: fake [empty]. It sets SOCK and URL, and writes the token files
// viewer.token, operator.token and webhook.token.
func fake(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: fake [empty]")
	}
	b := &fakeServer{empty: len(args) > 0}
	servers.Store(ts.Getenv("WORK"), b)
	var grants []access.Grant
	for _, role := range []access.Role{access.Viewer, access.Operator, access.Webhook} {
		path := ts.MkAbs(string(role) + ".token")
		check(ts, os.WriteFile(path, []byte(string(role)+"-0123456789abcdef\n"), 0o600))
		grants = append(grants, access.Grant{Role: role, TokenFile: path})
	}
	policy, err := access.New(access.Options{Grants: grants, Table: access.Routes()})
	check(ts, err)
	log := slog.New(slog.DiscardHandler)
	router, err := api.NewEngine(log, policy.Check)
	check(ts, err)
	api.New(api.Options{Backend: b, Log: log, Metrics: http.NotFoundHandler()}).Register(router)

	dir, err := os.MkdirTemp("", "f") // a socket's path must be short
	check(ts, err)
	ts.Defer(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	unix, err := access.ListenUnix(socket)
	check(ts, err)
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	check(ts, err)
	for _, l := range []net.Listener{unix, tcp} {
		s := api.NewServer(router, log)
		go func() { _ = s.Serve(l) }()
		ts.Defer(func() { _ = s.Close() })
	}
	ts.Setenv("SOCK", "unix://"+socket)
	ts.Setenv("URL", "http://"+tcp.Addr().String())
}

// told prints into a file what the fake server was told to do: told FILE.
func told(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 1, "told FILE")
	got, ok := servers.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("no fake server was started")
	}
	b := got.(*fakeServer)
	b.mu.Lock()
	defer b.mu.Unlock()
	text := strings.Join(b.told, "\n") + "\n"
	check(ts, os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func (b *fakeServer) note(by, format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	how, _, _ := strings.Cut(by, ":")
	b.told = append(b.told, fmt.Sprintf(format, args...)+" by "+how)
}

func at(second int) time.Time { return time.Date(2026, 11, 21, 2, 34, second, 0, time.UTC) }

const evil = "Evil\x1b[2J\u202e\nEPISODE"

func (b *fakeServer) Runs(_ context.Context, f api.Filter) ([]api.Run, error) {
	if b.empty {
		return nil, nil
	}
	all := []api.Run{
		{ID: "r2", Episode: "e1", Playbook: "etcd-member-restart", Target: "demo/m2", Tier: "P0", Opened: at(9), Steps: []api.Step{}},
		{
			ID: "r1", Episode: "e1", Playbook: "etcd-member-restart", Target: "demo/m2", Tier: "P0", Outcome: "blocked",
			Guard: "pause", Reason: "paused", Opened: at(1), Ended: at(2), Steps: []api.Step{},
		},
	}
	var out []api.Run
	for _, r := range all {
		if (f.Outcome == "" || r.Outcome == f.Outcome) && (!f.Open || r.Outcome == "") && !r.Opened.Before(f.Since) {
			out = append(out, r)
		}
	}
	return out, nil
}

func (b *fakeServer) Run(_ context.Context, id string) (api.Run, error) {
	if r, ok := undoRun(id); ok {
		return r, nil
	}
	return api.Run{}, api.NotFound("run", id)
}

func (b *fakeServer) episodes() []api.Episode {
	return []api.Episode{
		{
			ID: "e1", Fingerprint: "16c5b08d79aa2e85", Alertname: "FettleRaftMemberDown", Target: "demo/m2", Active: true, Opened: at(1),
			LastAnswer: &api.Answer{Guard: "pause", Reason: "paused", Since: at(2), Count: 12}, WaitsFor: "the refusal to pass", Runs: []string{"r1"},
		},
		{ID: "e0", Fingerprint: "00c5b08d79aa2e85", Alertname: evil, Labels: map[string]string{"evil": evil}, Opened: at(0), Closed: at(1), Runs: []string{}},
	}
}

func (b *fakeServer) Episodes(_ context.Context, f api.Filter) ([]api.Episode, error) {
	if b.empty || f.Since.After(at(60)) {
		return nil, nil
	}
	return b.episodes(), nil
}

func (b *fakeServer) Episode(_ context.Context, id string) (api.Episode, error) {
	for _, e := range append(b.episodes(), waitingEpisode()) {
		if id == e.ID || id == e.Target || id == e.Fingerprint {
			return e, nil
		}
	}
	return api.Episode{}, api.NotFound("episode", id)
}

func (b *fakeServer) Playbooks(context.Context) ([]api.Playbook, error) {
	if b.empty {
		return nil, nil
	}
	return []api.Playbook{{
		Name: "etcd-member-restart", On: []string{`alertname="FettleRaftMemberDown"`}, Kind: "etcd", Tier: "P0", Ceiling: "auto",
		Steps:  []api.PlaybookStep{{Name: "end-hung", Action: "member-end-hung"}, {Name: "start", Action: "member-start"}},
		Digest: "0123456789abcdef", Source: "embedded/etcd-member-restart.yml:4",
		Clusters: []api.PlaybookCluster{{Cluster: "demo", Autonomy: "auto", DeadlineSeconds: 60}, {Cluster: "main", Autonomy: "observe", DeadlineSeconds: 60}},
	}}, nil
}

func (b *fakeServer) Guards(context.Context) ([]api.Guard, error) {
	return []api.Guard{{
		Name: "cooldown", Asks: "Refuses when it was repaired a short time ago.",
		Reasons:  []api.GuardReason{{Reason: "cooldown", When: "too soon", Passing: true}},
		Settings: []api.GuardSetting{{Key: "cooldown", Value: "10m"}, {Key: "cooldown", Value: "1h", Where: "cluster demo"}},
	}}, nil
}

func (b *fakeServer) Story(_ context.Context, id string) ([]journal.Record, error) {
	if id != "e1" && id != "r1" {
		return nil, api.NotFound("run or episode", id)
	}
	line := func(seq int, kind, data string) journal.Record {
		return journal.Record{Line: fmt.Appendf(nil, `{"specversion":"1.0","seq":%d,"type":"io.fettle.%s.v1","subject":"s","boot":"b","boottime":"%d","time":"2026-11-21T02:34:%02dZ","id":"u","source":"//h/fettle/j","data":%s,"crc":"9f1c02ab"}`,
			seq, kind, seq*1e9, seq, data)}
	}
	return []journal.Record{
		line(1, "received", `{"fingerprint":"16c5b08d79aa2e85","status":"firing","episode":"e1","opened":true,"playbook":"etcd-member-restart","labels":{"alertname":"FettleRaftMemberDown","evil":"\u001b[2J"},"message":"m","actor":"alertmanager"}`),
		line(2, "run.planned", `{"run":"r1","episode":"e1","playbook":"etcd-member-restart","target":"demo/m2","tier":"P0","autonomy":"auto","steps":[{"name":"start","action":"member-start"}],"digests":{}}`),
		line(3, "run.finished", `{"run":"r1","episode":"e1","playbook":"etcd-member-restart","target":"demo/m2","outcome":"blocked","guard":"pause","reason":"paused","detail":"paused by alice","passing":true}`),
	}, nil
}

func (b *fakeServer) Foresee(_ context.Context, in api.PlanRequest) (api.Foresight, error) {
	if in.ID != "" && in.ID != "e1" {
		return api.Foresight{}, api.NotFound("episode", in.ID)
	}
	return api.Foresight{
		Alertname: "FettleRaftMemberDown", Labels: in.Labels, Playbook: "etcd-member-restart", Target: "demo/m2", Tier: "P0", Autonomy: "auto",
		Says: "it would do start (member-start) on demo/m2", Resources: []string{"cluster/demo"},
		Steps: []api.ForeseenStep{
			{Name: "end-hung", Action: "member-end-hung", State: "in order", Saw: "dead"},
			{Name: "start", Action: "member-start", State: "to do", Saw: "dead " + evil},
		},
		Verdicts: []api.Verdict{{Guard: "pause", Answer: "go"}, {Guard: "cooldown", Answer: "not told", Detail: "it asks the journal"}},
		Then:     []string{"the intent would be in the journal first"},
	}, nil
}

func (b *fakeServer) Pause(_ context.Context, p api.Pause) (api.Pause, error) {
	if p.Cluster == "nowhere" {
		return api.Pause{}, &api.Error{Status: http.StatusNotFound, Message: `no cluster "nowhere" in the inventory`, Hint: "demo is"}
	}
	b.note(p.By, "pause %q (%s)", p.Cluster, p.Reason)
	b.mu.Lock()
	defer b.mu.Unlock()
	p.ID, p.Since, p.By = "p-"+p.Cluster, at(3), "alice"
	b.pauses = append(b.pauses, p)
	return p, nil
}

func (b *fakeServer) Unpause(_ context.Context, id, by string) error {
	b.note(by, "unpause %s", id)
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, p := range b.pauses {
		if p.ID == id {
			b.pauses = append(b.pauses[:i:i], b.pauses[i+1:]...)
			return nil
		}
	}
	return api.NotFound("pause", id)
}

func (b *fakeServer) Pauses(context.Context) ([]api.Pause, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.pauses), nil
}

func (b *fakeServer) Release(_ context.Context, episode, by string) error {
	if episode != "e1" {
		return api.NotFound("open episode", episode)
	}
	b.note(by, "release %s", episode)
	return nil
}

func (b *fakeServer) Close(_ context.Context, episode, by, reason string) error {
	if episode != "e1" {
		return api.NotFound("open episode", episode)
	}
	b.note(by, "close %s (%s)", episode, reason)
	return nil
}

func (b *fakeServer) Journal(context.Context, uint64, int) ([]journal.Record, error) { return nil, nil }
func (b *fakeServer) Ready(context.Context) error                                    { return nil }
func (b *fakeServer) Reload(context.Context) error                                   { return nil }

func (b *fakeServer) State(ctx context.Context) (api.State, error) {
	pauses, err := b.Pauses(ctx)
	s := api.State{
		Version: "1.2.3", Started: at(0), UptimeSeconds: 61, EpisodesOpen: 1, RunsLive: 2, RunsOwed: 1, Pauses: pauses,
		Journal: api.JournalState{ID: "j", Dir: "/var/lib/fettle/journal", Writable: !b.empty, Records: 13, Checkpointed: 12, Bytes: 4096},
	}
	if b.empty {
		s.NotReady = "the journal failed"
	}
	return s, err
}
