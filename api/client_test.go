package api_test

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
)

func newClient(t *testing.T, address, token string) *api.Client {
	t.Helper()
	c, err := api.NewClient(api.ClientOptions{Address: address, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What the backend returns is what the client returns, through the real server.
func TestClientReads(t *testing.T) {
	b := &fakeBackend{}
	c := newClient(t, newServer(t, b).URL, tokens()[access.Viewer])
	ctx := t.Context()
	f := api.Filter{Limit: 7, Open: true, Episode: "e1", Playbook: "p", Target: "demo/m2", Cluster: "demo", Outcome: "blocked", Since: at(1)}

	equal := func(what string, got, want any, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v (%v), want %+v", what, got, err, want)
		}
	}
	runs, err := c.Runs(ctx, f)
	equal("runs", runs, []api.Run{aRun()}, err)
	equal("filter", b.filter, f, nil)
	run, err := c.Run(ctx, "r1")
	equal("run", run, aRun(), err)
	r := aRun()
	plans, err := c.Plans(ctx, api.Filter{})
	equal("plans", plans, []api.Plan{{
		Run: r.ID, Episode: r.Episode, Playbook: r.Playbook, Target: r.Target, Tier: r.Tier, Outcome: r.Outcome, Opened: r.Opened, Steps: r.Steps,
	}}, err)
	equal("default limit", b.filter, api.Filter{Limit: api.DefaultLimit}, nil)
	episodes, err := c.Episodes(ctx, api.Filter{Open: true})
	equal("episodes", episodes, []api.Episode{anEpisode()}, err)
	for _, id := range []string{"e1", "with/slash"} {
		episode, err := c.Episode(ctx, id)
		equal("episode "+id, episode, anEpisode(), err)
	}
	books, err := c.Playbooks(ctx)
	want1, _ := b.Playbooks(ctx)
	equal("playbooks", books, want1, err)
	if d, ok := books[0].Deadline("demo"); !ok || d != time.Minute {
		t.Errorf("the deadline is %s, %t", d, ok)
	}
	if _, ok := books[0].Deadline("nowhere"); ok {
		t.Error("a deadline nowhere")
	}
	guards, err := c.Guards(ctx)
	want2, _ := b.Guards(ctx)
	equal("guards", guards, want2, err)
	story, err := c.Story(ctx, "e1")
	equal("story", story, records(), err)
	all, err := c.Journal(ctx, 5, 10)
	equal("journal", all, records(), err)
	pauses, err := c.Pauses(ctx)
	equal("pauses", pauses, []api.Pause{{ID: "p1", By: "alice", Reason: "upgrade", Since: at(3)}}, err)
	state, err := c.State(ctx)
	want, _ := b.State(ctx)
	equal("state", state, want, err)
	if err := c.Ready(ctx); err != nil {
		t.Errorf("ready: %v", err)
	}
	if told, want := b.noted(), []string{"story e1", "journal 5 10"}; !slices.Equal(told, want) {
		t.Errorf("the backend heard %q, want %q", told, want)
	}
	if _, err := c.Run(ctx, "r2"); !api.IsNotFound(err) || !strings.Contains(err.Error(), `no run "r2"`) {
		t.Errorf("an unknown run: %v", err)
	}
	for _, id := range []string{"", ".", "..", "a\nb"} {
		if _, err := c.Run(ctx, id); err == nil || api.IsNotFound(err) {
			t.Errorf("id %q: %v", id, err)
		}
	}
}

// The actor is who the server finds the caller to be, whatever is claimed.
func TestClientWrites(t *testing.T) {
	for _, way := range []string{"http", "unix"} {
		t.Run(way, func(t *testing.T) {
			b := &fakeBackend{}
			var address, token, actor string
			if way == "http" {
				address, token, actor = newServer(t, b).URL, tokens()[access.Operator], "operator"
			} else {
				path := filepath.Join(t.TempDir(), "s")
				l, err := access.ListenUnix(path)
				if err != nil {
					t.Fatal(err)
				}
				serve(t, l, b)
				address, actor = "unix:"+path, "unix:"
			}
			c := newClient(t, address, token)
			ctx := t.Context()
			p, err := c.Pause(ctx, api.Pause{Cluster: "demo", Reason: "upgrade", By: "somebody else"})
			if err != nil || p.ID != "p1" || !strings.HasPrefix(p.By, actor) {
				t.Errorf("pause: got %+v (%v)", p, err)
			}
			err = errors.Join(
				c.Unpause(ctx, "p1", "somebody else"), c.Release(ctx, "e1", "somebody else"),
				c.Close(ctx, "e1", "somebody else", "known"), c.Reload(ctx),
			)
			if u, undoErr := c.TakeBack(ctx, "r1", "somebody else", "it was right"); undoErr != nil || u.Opened != "r2" || len(u.Steps) != 1 || *u.Steps[0].Was != "in" {
				t.Errorf("undo: got %+v (%v)", u, undoErr)
			}
			if err != nil {
				t.Error(err)
			}
			if err := c.LeaveUndo(ctx, "r1", "somebody else"); err != nil {
				t.Error(err)
			}
			by := p.By
			want := []string{
				`pause "demo" by ` + by + `: upgrade`, "unpause p1 by " + by, "release e1 by " + by, "close e1 by " + by + ": known", "reload",
				"undo r1 by " + by + ": it was right", "leave r1 by " + by,
			}
			if told := b.noted(); !slices.Equal(told, want) {
				t.Errorf("the backend heard %q, want %q", told, want)
			}
		})
	}
}

func serve(t *testing.T, l net.Listener, b api.Backend) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := api.NewServer(newEngine(t, b, log), log)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

func TestClientErrors(t *testing.T) {
	ctx := t.Context()
	for _, address := range []string{"", "localhost:9774", "ftp://localhost", "http://"} {
		if _, err := api.NewClient(api.ClientOptions{Address: address}); err == nil {
			t.Errorf("address %q was taken", address)
		}
	}
	s := newServer(t, &fakeBackend{notReady: errBroken, broken: errBroken})
	c := newClient(t, s.URL, tokens()[access.Operator])
	var e *api.Error
	if err := c.Ready(ctx); !errors.As(err, &e) || e.Status != 503 || strings.Contains(err.Error(), "secret") {
		t.Errorf("not ready: %v", err)
	}
	if err := c.Reload(ctx); !errors.As(err, &e) || e.Status != 500 || !strings.Contains(e.Message, "broken on purpose") {
		t.Errorf("reload: %v", err)
	}
	if _, err := c.Runs(ctx, api.Filter{}); !errors.As(err, &e) || e.Status != 500 || strings.Contains(err.Error(), "secret") {
		t.Errorf("an error that is not for the caller: %v", err)
	}
	if _, err := newClient(t, s.URL, "").State(ctx); !errors.As(err, &e) || e.Status != 401 {
		t.Errorf("without token: %v", err)
	}
	if err := newClient(t, s.URL, tokens()[access.Viewer]).Reload(ctx); !errors.As(err, &e) || e.Status != 403 {
		t.Errorf("as viewer: %v", err)
	}
	s.Close()
	if err := c.Ready(ctx); err == nil || errors.As(err, &e) && e.Status == 0 {
		t.Errorf("nobody listens: %v", err)
	}
}
