package promql

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/promql/parser"
)

// fakePrometheus answers each query with one body, and keeps the last request.
type fakePrometheus struct {
	*httptest.Server
	body         string
	query, token string
	hasTime      bool
}

func start(t *testing.T, body string) *fakePrometheus {
	f := &fakePrometheus{body: body}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		f.query, f.token, f.hasTime = r.Form.Get("query"), r.Header.Get("Authorization"), r.Form.Has("time")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, f.body)
	}))
	t.Cleanup(f.Close)
	return f
}

func matrix(values ...string) string {
	series := ""
	for i, v := range values {
		if i > 0 {
			series += ","
		}
		series += fmt.Sprintf(`{"metric":{"instance":"e%d"},"values":%s}`, i, v)
	}
	return `{"status":"success","data":{"resultType":"matrix","result":[` + series + `]}}`
}

func TestMemberReachable(t *testing.T) {
	for _, c := range []struct {
		name, body       string
		reachable, known bool
	}{
		{"reached", matrix(`[[1,"0"],[2,"1"]]`), true, true},
		{"not reached", matrix(`[[1,"1"],[2,"0"]]`), false, true},
		{"one of two exporters reached it", matrix(`[[2,"0"]]`, `[[2,"1"]]`), true, true},
		{"not scraped lately", matrix(), false, false},
		{"refused", `{"status":"error","errorType":"execution","error":"x"}`, false, false},
		{"not Prometheus", `hello`, false, false},
		{"another type", `{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`, false, false},
	} {
		f := start(t, c.body)
		p, err := New(Options{URL: f.URL})
		if err != nil {
			t.Fatal(err)
		}
		reachable, known := p.MemberReachable(t.Context(), "demo", "m1")
		if reachable != c.reachable || known != c.known {
			t.Errorf("%s: got %v, %v", c.name, reachable, known)
		}
	}
}

func TestQueryIsQuoted(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := start(t, matrix())
	rt := config.NewAuthorizationCredentialsRoundTripper("Bearer", config.NewFileSecret(token), http.DefaultTransport)
	p, err := New(Options{URL: f.URL, Transport: rt, ScrapeInterval: 1500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	p.MemberReachable(t.Context(), `a"} or vector(1) #`, "b\n\\")
	if f.token != "Bearer secret" || f.hasTime {
		t.Errorf("token %q, time given %v", f.token, f.hasTime)
	}
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(f.query)
	if err != nil {
		t.Fatalf("%s: %v", f.query, err)
	}
	m, ok := expr.(*parser.MatrixSelector)
	if !ok || m.Range != 3*time.Second {
		t.Fatalf("got %s", expr)
	}
	got := map[string]string{}
	for _, l := range m.VectorSelector.(*parser.VectorSelector).LabelMatchers {
		got[l.Name] = l.Value
	}
	if got["cluster"] != `a"} or vector(1) #` || got["member"] != "b\n\\" {
		t.Errorf("labels arrive as %q", got)
	}
}

func TestNotThere(t *testing.T) {
	p, err := New(Options{URL: "http://127.0.0.1:1", Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, known := p.MemberReachable(t.Context(), "c", "m"); known {
		t.Error("known without a Prometheus")
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no URL, no error")
	}
}

// Credentials are for the server that the configuration names.
func TestNoRedirect(t *testing.T) {
	other := start(t, matrix(`[[1,"1"]]`))
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer here.Close()
	auth := &config.Authorization{Type: "Bearer", Credentials: "t0ken"}
	rt, err := config.NewRoundTripperFromConfig(config.HTTPClientConfig{Authorization: auth}, "test")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{URL: here.URL, Transport: rt})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Has(t.Context(), "up"); err == nil || other.token != "" {
		t.Errorf("%v; the other one got %q", err, other.token)
	}
}

// endless is an answer that does not end.
type endless struct{}

func (endless) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{Body: io.NopCloser(zeros{})}, nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestAnswersEnd(t *testing.T) {
	resp, err := bounded{endless{}}.RoundTrip(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var over *http.MaxBytesError
	if n, err := io.Copy(io.Discard, resp.Body); n != maxAnswer || !errors.As(err, &over) {
		t.Errorf("%d bytes, %v", n, err)
	}
}
