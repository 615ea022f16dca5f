package console_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/console"
	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/promql"
)

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>`

func at(second int) time.Time { return time.Date(2026, 11, 21, 2, 31, second, 0, time.UTC) }

// fakeBackend knows one of each, and notes what it is told to do.
type fakeBackend struct {
	mu     sync.Mutex
	told   []string
	broken error
	notAny bool // approvals to give
	runs   int  // how many it knows
	state  api.State
}

func (b *fakeBackend) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, fmt.Sprintf(format, args...))
}

func (b *fakeBackend) State(context.Context) (api.State, error) {
	s := b.state
	s.Version, s.UptimeSeconds, s.EpisodesOpen = "1.2.3", 61, 1
	s.Journal = api.JournalState{ID: "j", Dir: "/j", Writable: true, Records: 1234567, Checkpointed: 1234560, Bytes: 3 << 20}
	s.Pauses = []api.Pause{{ID: "p1", Cluster: "db", By: "alice", Reason: "upgrade " + hostile, Since: at(0)}}
	return s, b.broken
}

func aRun(i int) api.Run {
	return api.Run{
		ID: fmt.Sprintf("r%d", i), Episode: "e1", Playbook: "etcd-member-restart", Target: "demo/m2", Tier: "P0", Outcome: "blocked",
		Guard: "quorum", Reason: "quorum", Detail: "it would be lost " + hostile, Opened: at(1), Ended: at(2),
		Steps: []api.Step{{Name: "start", Action: "member-start", State: "planned"}},
	}
}

func (b *fakeBackend) Runs(_ context.Context, f api.Filter) ([]api.Run, error) {
	var all []api.Run
	for i := range b.runs {
		all = append(all, aRun(i))
	}
	if f.Open {
		live := aRun(99)
		live.Outcome, live.Reason, live.Ended = "", "", time.Time{}
		return []api.Run{live}, b.broken
	}
	return all, b.broken
}

func (b *fakeBackend) Run(_ context.Context, id string) (api.Run, error) {
	if id != "r1" {
		return api.Run{}, api.NotFound("run", id)
	}
	return aRun(1), nil
}

func (b *fakeBackend) anEpisode() api.Episode {
	e := api.Episode{
		ID: "e1", Alertname: hostile, Labels: map[string]string{"a": "b\u202e" + hostile}, Playbook: "etcd-member-restart",
		Target: "demo/m2", Active: true, Opened: at(1), Runs: []string{"r1"}, WaitsFor: "the quorum " + hostile,
		LastAnswer: &api.Answer{Guard: "attempts", Reason: "attempts", Detail: "too many", Since: at(2), Count: 3},
		Escalated:  []api.Escalated{{Reason: "attempts"}},
	}
	if !b.notAny {
		e.Approval = &api.Approval{Premise: "sha256:abc", Words: []string{"step start on demo/m2 " + hostile}, Needed: 2, Given: []api.Given{{By: "bob"}}}
	}
	return e
}

func (b *fakeBackend) Episodes(context.Context, api.Filter) ([]api.Episode, error) {
	return []api.Episode{b.anEpisode()}, b.broken
}

func (b *fakeBackend) Episode(_ context.Context, id string) (api.Episode, error) {
	if id != "e1" {
		return api.Episode{}, api.NotFound("episode", id)
	}
	return b.anEpisode(), nil
}

func (b *fakeBackend) Playbooks(context.Context) ([]api.Playbook, error) { return nil, nil }

func (b *fakeBackend) Recorded(_ context.Context, id string) (console.Recorded, error) {
	if id != "e1" && id != "r1" {
		return console.Recorded{}, nil
	}
	data := func(kind, text string, seq uint64) journal.Record {
		return journal.Record{Seq: seq, Draft: journal.Draft{Type: kind, Data: []byte(text), At: journal.Reading{Wall: at(int(seq)), Boot: "b", Since: time.Duration(seq) * time.Second}}}
	}
	return console.Recorded{Records: []journal.Record{
		data("received", `{"fingerprint":"f","status":"firing","episode":"e1","opened":true,"playbook":"etcd-member-restart","labels":{"alertname":"FettleRaftMemberDown"},"annotations":{"summary":"<b>bold</b>"},"message":"m","actor":"am"}`, 1),
		data("run.planned", `{"run":"r1","episode":"e1","playbook":"etcd-member-restart","target":"demo/m2","tier":"P0","autonomy":"auto","digests":{}}`, 2),
		data("run.finished", `{"run":"r1","episode":"e1","playbook":"etcd-member-restart","target":"demo/m2","outcome":"blocked","guard":"quorum","reason":"quorum","detail":"it would be lost","passing":true}`, 3),
	}, Left: 7, Behind: true}, nil
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

// site is a console over a backend, asked as somebody.
type site struct {
	t   *testing.T
	b   *fakeBackend
	who access.Identity
	ask func() (*promql.Client, time.Duration)
}

func newSite(t *testing.T, role access.Role) *site {
	t.Helper()
	return &site{
		t: t, b: &fakeBackend{runs: 3}, who: access.Identity{Name: "alice", Role: role},
		ask: func() (*promql.Client, time.Duration) { return nil, 0 },
	}
}

func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	s.t.Helper()
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.UseRawPath = true
	e.Use(func(c *gin.Context) { c.Set("fettle/access.identity", s.who) })
	k, err := console.New(console.Options{
		Backend: s.b, Prometheus: s.ask, Now: func() time.Time { return at(30) }, Log: slog.New(slog.DiscardHandler),
		Clusters: func() []cluster.Cluster {
			return []cluster.Cluster{{Name: "demo", Kind: "etcd", Members: []cluster.Member{{Name: "m1"}, {Name: "m2"}}}, {Name: "db", Kind: "postgres", Members: []cluster.Member{{Name: "a"}}}}
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	k.Register(e)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func (s *site) get(path string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.do(httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, path, nil))
}

func (s *site) post(path string, fields url.Values, set ...func(*http.Request)) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, f := range set {
		f(r)
	}
	return s.do(r)
}
