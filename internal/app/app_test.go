package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/repair"
)

// start serves a configuration until the test ends.
func start(t *testing.T, yaml string) *App {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "fettle.yml")
	yaml = strings.ReplaceAll(yaml, "DIR", dir)
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{ConfigFile: file, Listen: "127.0.0.1:0", Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	return a
}

const plain = `
journal: {dir: DIR/journal, key_file: DIR/journal.key}
web: {socket: DIR/s}
brake: DIR/pause
`

const firing = `{"version":"4","groupKey":"{}","status":"firing","receiver":"fettle","alerts":[{"status":"firing","labels":{"alertname":"FettleRaftMemberDown","cluster":"demo","member":"m2"},"annotations":{},"startsAt":"2026-11-21T02:24:51Z","endsAt":"0001-01-01T00:00:00Z"}]}`

func post(t *testing.T, a *App, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+a.Addr()+"/api/v1/alertmanager", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// Without an inventory nothing can be repaired: the run says so, and what to configure.
func TestUnknownTargetIsBlocked(t *testing.T) {
	a := start(t, plain)
	if code, body := post(t, a, firing); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	runs, err := backend{a}.Runs(t.Context(), api.Filter{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 1 || runs[0].Outcome != string(repair.Blocked) || runs[0].Reason != repair.ReasonTarget {
		t.Fatalf("runs %+v", runs)
	}
	if !strings.Contains(runs[0].Detail, "fettle.yml") {
		t.Errorf("the refusal does not say what to configure: %s", runs[0].Detail)
	}
	story, err := backend{a}.Story(t.Context(), runs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, r := range story {
		types = append(types, r.Type)
	}
	if got := strings.Join(types, " "); got != "received run.planned run.finished escalated" {
		t.Errorf("story: %s", got)
	}
}

func TestStateAndReload(t *testing.T) {
	a := start(t, plain)
	if err := os.WriteFile(a.o.ConfigFile, []byte("journl: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), `did you mean "journal"`) {
		t.Fatalf("reload of a misspelt configuration: %v", err)
	}
	s, err := backend{a}.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Config.Error == "" || !s.Journal.Writable || s.NotReady != "" {
		b, _ := json.Marshal(s)
		t.Errorf("state %s", b)
	}
}

func TestAboveObserveNeedsAJournal(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "fettle.yml")
	yaml := strings.ReplaceAll(plain+"autonomy: {default: auto}\n", "DIR", dir)
	yaml = strings.Replace(yaml, "web: {", "web: {roles: [{role: webhook, token_file: "+token+"}], ", 1)
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(t.Context(), Options{ConfigFile: file, Listen: "127.0.0.1:0", Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "fettle journal init") {
		t.Fatalf("got %v", err)
	}
}
