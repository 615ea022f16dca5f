package webhook_test

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/webhook"
)

const (
	webhookToken = "webhook-0123456789abcdef"
	metricsToken = "metrics-0123456789abcdef"
)

// fakeSink keeps what it is given in memory.
type fakeSink struct {
	fail error

	mu        sync.Mutex
	messages  []webhook.Message
	alerts    []alert.Alert
	overflows []int64
}

func (s *fakeSink) Take(_ context.Context, m webhook.Message, alerts iter.Seq2[alert.Alert, error]) (webhook.Taken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return webhook.Taken{}, s.fail
	}
	n := 0
	for a, err := range alerts {
		if err != nil {
			return webhook.Taken{}, err
		}
		s.alerts = append(s.alerts, a)
		n++
	}
	s.messages = append(s.messages, m)
	return webhook.Taken{Seq: 7, Received: n}, nil
}

func (s *fakeSink) Overflow(_ context.Context, _ string, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overflows = append(s.overflows, size)
	return s.fail
}

func (s *fakeSink) touched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.messages)+len(s.alerts) > 0
}

type server struct {
	*httptest.Server
	metrics *prometheus.Registry
}

// newServer puts the handler behind the real engine, authentication included.
func newServer(t *testing.T, sink webhook.Sink, maxBody int64) *server {
	t.Helper()
	dir := t.TempDir()
	grants := []access.Grant{}
	for role, token := range map[access.Role]string{access.Webhook: webhookToken, access.Metrics: metricsToken} {
		path := filepath.Join(dir, string(role)+".token")
		if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		grants = append(grants, access.Grant{Role: role, TokenFile: path})
	}
	policy, err := access.New(access.Options{Grants: grants, Table: access.Routes()})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	registry := prometheus.NewRegistry()
	h := webhook.New(webhook.Options{
		Sink: sink, Metrics: webhook.NewMetrics(registry), Log: log, MaxBody: maxBody, SpoolDir: dir,
		NewID: func() string { return "0199a000-0000-7000-8000-000000000001" },
	})
	engine, err := api.NewEngine(log, h.Count, policy.Check)
	if err != nil {
		t.Fatal(err)
	}
	h.Register(engine)
	s := httptest.NewUnstartedServer(nil)
	s.Config = api.NewServer(engine, log)
	s.Start()
	t.Cleanup(s.Close)
	return &server{s, registry}
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   string
	// Error, Where and Hint are of a refusal's body.
	Error, Where, Hint string
}

// post sends a message as Alertmanager does; header may change that.
func (s *server) post(t *testing.T, body string, header http.Header) answer {
	t.Helper()
	return s.send(t, strings.NewReader(body), header)
}

func (s *server) send(t *testing.T, body io.Reader, header http.Header) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+webhook.Path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+webhookToken)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Alertmanager/0.34.2")
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(b)}
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatalf("%d %s: %v", resp.StatusCode, b, err)
	}
	return a
}
