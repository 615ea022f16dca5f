package console_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
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
	open   int  // episodes, beside e1
	empty  bool // it knows nothing
	unread string
	long   string // what its episode has in every text
	state  api.State
}

func (b *fakeBackend) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, fmt.Sprintf(format, args...))
}

func (b *fakeBackend) State(context.Context) (api.State, error) {
	s := b.state
	s.Version, s.UptimeSeconds, s.EpisodesOpen, s.RunsOwed = "1.2.3", 61, 1+b.open, 1
	if b.empty {
		s.EpisodesOpen, s.RunsOwed = 0, 0
		return s, b.broken
	}
	s.Journal = api.JournalState{ID: "j", Dir: "/j", Writable: true, Records: 1234567, Checkpointed: 1234560, Bytes: 3 << 20}
	s.Pauses = append(s.Pauses, api.Pause{ID: "p1", Cluster: "db", By: "alice", Reason: "upgrade " + hostile, Since: at(0)})
	return s, b.broken
}

func aRun(i int) api.Run {
	return api.Run{
		ID: fmt.Sprintf("r%d", i), Episode: "e1", Playbook: "etcd-member-restart", Target: "demo/m2", Tier: "P0", Outcome: "blocked",
		Mutated: true, Guard: "quorum", Reason: "quorum", Detail: "it would be lost " + hostile, Opened: at(1), Ended: at(2),
		Steps: []api.Step{{Name: "start", Action: "member-start", State: "planned"}},
	}
}

func (b *fakeBackend) Runs(_ context.Context, f api.Filter) ([]api.Run, error) {
	if b.empty {
		return nil, b.broken
	}
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
	if b.long != "" {
		e.Labels["long"], e.Alertname, e.WaitsFor, e.LastAnswer.Detail = b.long, b.long, b.long, b.long
	}
	if !b.notAny {
		e.Approval = &api.Approval{Premise: "sha256:abc", Words: []string{"step start on demo/m2 " + hostile}, Needed: 2, Given: []api.Given{{By: "bob"}}}
	}
	return e
}

func (b *fakeBackend) Episodes(_ context.Context, f api.Filter) (all []api.Episode, err error) {
	if b.empty {
		return nil, b.broken
	}
	for i := f.Skip; i < 1+b.open && len(all) < f.Limit; i++ {
		all = append(all, b.anEpisode())
	}
	return all, b.broken
}

func (b *fakeBackend) anUndo() api.Undo {
	was := "on " + hostile
	return api.Undo{
		Run: "r1", Episode: "e1", Playbook: "etcd-member-restart", Target: "demo/m2", Since: at(3), Waits: "the quorum " + hostile,
		Steps: []api.UndoStep{{Name: "undo-isolate", Action: "exec", Does: "runs /usr/bin/pool in " + hostile, Was: &was}},
		Left:  []string{"step start (member-start) declares no undo"},
	}
}

func (b *fakeBackend) Undos(context.Context) ([]api.Undo, error) {
	if b.empty {
		return nil, b.broken
	}
	return []api.Undo{b.anUndo()}, b.broken
}

func (b *fakeBackend) Undo(_ context.Context, run string) (api.Undo, error) {
	if run != "r1" {
		return api.Undo{}, &api.Error{Status: http.StatusConflict, Message: "step start (member-start) declares no undo"}
	}
	return b.anUndo(), nil
}

func (b *fakeBackend) TakeBack(_ context.Context, run, by, comment string) (api.Undo, error) {
	b.note("undo %s by %s: %s", run, by, comment)
	u := b.anUndo()
	u.Opened = "r1"
	return u, nil
}

func (b *fakeBackend) LeaveUndo(_ context.Context, run, by string) error {
	b.note("leave %s by %s", run, by)
	return nil
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
	}, Left: 7, Behind: true, Unread: b.unread}, nil
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
	now time.Time
	e   *gin.Engine
}

func newSite(t *testing.T, role access.Role) *site {
	t.Helper()
	return &site{
		t: t, b: &fakeBackend{runs: 3}, who: access.Identity{Name: "alice", Role: role},
		ask: func() (*promql.Client, time.Duration) { return nil, 0 }, now: at(30),
	}
}

func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	s.t.Helper()
	if s.e == nil {
		s.serve()
	}
	w := httptest.NewRecorder()
	s.e.ServeHTTP(w, r)
	return w
}

func (s *site) serve() {
	s.t.Helper()
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.UseRawPath = true
	e.Use(func(c *gin.Context) { c.Set("fettle/access.identity", s.who) })
	k, err := console.New(console.Options{
		Backend: s.b, Prometheus: func() (*promql.Client, time.Duration) { return s.ask() }, Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
		Clusters: func() []cluster.Cluster {
			if s.b.empty {
				return nil
			}
			return []cluster.Cluster{{Name: "demo", Kind: "etcd", Members: []cluster.Member{{Name: "m1"}, {Name: "m2"}}}, {Name: "db", Kind: "postgres", Members: []cluster.Member{{Name: "a"}}}}
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	k.Register(e)
	s.e = e
}

func (s *site) get(path string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.do(httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, path, nil))
}

var proof = regexp.MustCompile(`name="proof" value="([^"]+)"`)

// form is fields with the proof of the form for id.
func (s *site) form(what, id string, fields url.Values) url.Values {
	s.t.Helper()
	found := proof.FindStringSubmatch(s.get("/confirm/" + what + "?id=" + id).Body.String())
	if found == nil {
		s.t.Fatalf("the form %s of %q has no proof", what, id)
	}
	fields = maps.Clone(fields)
	fields.Set("proof", found[1])
	return fields
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
