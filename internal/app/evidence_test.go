package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/evidence"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// buffer is a log that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// canaries are the secrets of the canary test, a file each.
func canaries() map[string]string {
	return map[string]string{
		"webhook.token":  "canary-webhook-0123456789abcdef",
		"operator.token": "canary-operator-0123456789abcdef",
		"metrics.token":  "canary-metrics-0123456789abcdef",
		"anchor.token":   "canary-anchor-0123456789abcdef",
		"etcd.password":  `canary "am" päss/w+rd`,
	}
}

const canaryConfig = `
clusters:
  - name: web
    kind: service
    members:
      - name: w1
        host: elsewhere
        commands: {status: [DIR/status], start: [DIR/act], restart: [DIR/act]}
  - name: demo
    kind: etcd
    read: {username: fettle, password_file: DIR/etcd.password}
    members: [{name: m1, endpoint: "http://127.0.0.1:1", peer: "http://127.0.0.1:2"}]
autonomy: {default: auto}
overrides: {all: {eager_gap: 10ms, look: 50ms, sample: 10ms, settle: 50ms, deadline: 2s, step_attempts: 1}}
journal: {dir: DIR/journal, key_file: DIR/journal.key, anchors: [{url: "http://127.0.0.1:1/x", token_file: DIR/anchor.token}]}
web:
  socket: DIR/s
  roles:
    - {role: webhook, token_file: DIR/webhook.token}
    - {role: operator, token_file: DIR/operator.token}
    - {role: metrics, token_file: DIR/metrics.token}
brake: DIR/pause
`

// No secret of the configuration reaches a journal, a blob, a log, a metric or the
// API, whatever commands print and whatever fails.
func TestCanary(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, secret := range canaries() {
		write(name, secret+"\n", 0o600)
	}
	// What a command prints that was given all of it, and says so. For its status it
	// is dead at first, and then an error that quotes a secret.
	write("act", `#!/bin/sh
touch `+dir+`/acted
cat `+dir+`/*.token `+dir+`/etcd.password `+dir+`/journal.key
echo "begun" >&2
cat `+dir+`/operator.token >&2
echo "Authorization: Bearer $(cat `+dir+`/webhook.token)" >&2
printf 'fettle:%s' "$(cat `+dir+`/etcd.password)" | base64 >&2
echo "password=canary-of-another-program" >&2
exit 3
`, 0o700)
	write("status", `#!/bin/sh
if [ -e `+dir+`/acted ]; then printf '{"state":"%s"}' "$(cat `+dir+`/operator.token)"; else echo '{"state":"dead","data_dir_ok":true}'; fi
`, 0o700)
	write("fettle.yml", strings.ReplaceAll(canaryConfig, "DIR", dir), 0o600)
	if err := makeJournal(loadedFrom(t, dir).Journal, journal.Reading{Wall: time.Now()}); err != nil {
		t.Fatal(err)
	}
	log := &buffer{}
	a, err := New(t.Context(), Options{ConfigFile: filepath.Join(dir, "fettle.yml"), Listen: "127.0.0.1:0", Version: "test", Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			_ = a.Stop()
		}
	})
	ask := func(method, path, token, body string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, method, "http://"+a.Addr()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
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
		return resp.Status + "\n" + string(b)
	}
	alert := strings.NewReplacer("FettleRaftMemberDown", "FettleServiceDown", `"demo"`, `"web"`, `"m2"`, `"w1"`).Replace(firing)
	if got := ask(http.MethodPost, "/api/v1/alertmanager", canaries()["webhook.token"], alert); !strings.HasPrefix(got, "200") {
		t.Fatal(got)
	}
	ask(http.MethodPost, "/api/v1/alertmanager", "canary-nobody-knows-this-one", alert)

	kept := awaitOutput(t, a)
	if !strings.Contains(kept.Excerpt, "begun\n") || !strings.Contains(kept.Excerpt, "[redacted]") {
		t.Errorf("excerpt %q", kept.Excerpt)
	}
	text, err := evidence.NewStore(filepath.Join(dir, "journal-blobs"), nil).Get(kept.Digest)
	if err != nil || int64(len(text)) != kept.Bytes || !strings.HasPrefix(string(text), kept.Excerpt) {
		t.Errorf("blob of %d bytes, %v", len(text), err)
	}
	// The look after it quotes a secret: the run ends, and says why.
	await(t, "a run that ended", func() bool {
		return strings.Contains(ask(http.MethodGet, "/api/v1/runs", canaries()["operator.token"], ""), `"ended"`)
	})

	seen := map[string]string{"log": log.String()}
	for _, path := range []string{"/api/v1/runs", "/api/v1/episodes", "/api/v1/state", "/api/v1/journal", "/api/v1/plans", "/api/v1/pauses", "/api/v1/episodes/web%2Fw1"} {
		seen["GET "+path] = ask(http.MethodGet, path, canaries()["operator.token"], "")
	}
	seen["GET /metrics"] = ask(http.MethodGet, "/metrics", canaries()["metrics.token"], "")
	if !strings.Contains(seen["GET /metrics"], "fettle_journal_anchor_failures_total") {
		t.Errorf("%.200s", seen["GET /metrics"])
	}
	stopped = true
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	seen["log at the end"] = log.String()
	read(t, filepath.Join(dir, "journal"), seen)
	read(t, filepath.Join(dir, "journal-blobs"), seen)
	if len(seen) < 12 {
		t.Fatalf("only %d places looked at", len(seen))
	}
	key, err := os.ReadFile(filepath.Join(dir, "journal.key"))
	if err != nil {
		t.Fatal(err)
	}
	needles := map[string]string{
		"any canary": "canary", "the journal's key": strings.TrimSpace(string(key))[20:],
		"a password, quoted": `\"am\" p`, "a password": `päss/w+rd`,
		"a login": base64.StdEncoding.EncodeToString([]byte("fettle:" + canaries()["etcd.password"]))[:24],
	}
	for where, text := range seen {
		for what, needle := range needles {
			if i := strings.Index(text, needle); i >= 0 {
				t.Errorf("%s in %s: …%.120q", what, where, text[max(0, i-60):])
			}
		}
	}
}

func loadedFrom(t *testing.T, dir string) loaded {
	t.Helper()
	l, err := load(filepath.Join(dir, "fettle.yml"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// awaitOutput waits for the record of an answer that has evidence.
func awaitOutput(t *testing.T, a *App) repair.Evidence {
	t.Helper()
	var kept *repair.Evidence
	await(t, "the output of the failed command", func() bool {
		err := journal.Read(a.journalDir(), 0, func(r journal.Record) error {
			var d repair.StepData
			if r.Type == repair.TypeAnswered && json.Unmarshal(r.Data, &d) == nil && d.Output != nil {
				kept = d.Output
			}
			return nil
		})
		return err == nil && kept != nil
	})
	return *kept
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// read adds the content of all files below dir.
func read(t *testing.T, dir string, into map[string]string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		into[path] = string(b)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}
