package cve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"golang.org/x/net/html"

	fettlealert "github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/internal/story"
	"github.com/fettle-io/fettle/promql"
)

// textClasses are those by which an alert's text became something else where it was
// shown, logged or asked for.
func textClasses() []class {
	return []class{
		{"stored XSS on a page", "Alertmanager CVE-2023-40577, Grafana CVE-2022-31097", func(t *testing.T, s *site) {
			for i, v := range hostile() {
				if !utf8.ValidString(v) || strings.ContainsRune(v, 0) || len(v) > 1000 {
					continue
				}
				a := down(fmt.Sprintf("x%d%s", i, v)).with("cluster", v)
				a.annotations, a.generator = map[string]string{"summary": v, "runbook_url": v}, v
				s.post(t, a)
			}
			status, header, page := s.do(t, request{path: "/", as: "viewer"})
			if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
				t.Fatalf("%d %s", status, header.Get("Content-Type"))
			}
			harmless(t, page)
			policy := header.Get("Content-Security-Policy")
			if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe") {
				t.Errorf("policy %q", policy)
			}
		}},
		{"stored XSS through an API that is opened in a browser", "Grafana CVE-2022-31097", func(t *testing.T, s *site) {
			for _, path := range []string{"/api/v1/episodes", "/api/v1/runs", "/api/v1/plans", "/api/v1/journal", "/api/v1/state", "/api/v1/pauses", "/api/v1/runs/%3Cscript%3E", "/%3Cscript%3E", "/api/v1/runs?%3Cscript%3E=1"} {
				_, header, body := s.do(t, request{path: path, as: "viewer"})
				if header.Get("Content-Type") != "application/json; charset=utf-8" || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Content-Security-Policy") == "" {
					t.Errorf("%s: headers %v", path, header)
				}
				if !json.Valid([]byte(body)) {
					t.Errorf("%s: not JSON: %.200s", path, body)
				}
			}
		}},
		{"clickjacking, referrers, sniffing", "missing headers", func(t *testing.T, s *site) {
			for _, r := range []request{{path: "/", as: "viewer"}, {path: "/"}, {path: "/-/ready"}, {path: "/none"}, {path: "/metrics", as: "metrics"}, {method: http.MethodPost, path: "/api/v1/alertmanager"}} {
				_, header, _ := s.do(t, r)
				if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
					t.Errorf("%s %s: headers %v", r.method, r.path, header)
				}
			}
		}},
		{"a header made by a label or an id", "response splitting", func(t *testing.T, s *site) {
			for _, path := range []string{"/api/v1/runs/a%0d%0aX-Evil:%201", "/a%0d%0aX-Evil:%201", "/api/v1/runs?a%0d%0aX-Evil:%201=1"} {
				status, header, _ := s.do(t, request{path: path, as: "viewer"})
				if header.Get("X-Evil") != "" || status < 400 {
					t.Errorf("%s: %d, headers %v", path, status, header)
				}
			}
		}},
		{"a forged line in the log", "OliveTin GHSA-xx6g", func(t *testing.T, s *site) {
			const forged = "time=2026-11-21T00:00:00Z level=ERROR msg=forged"
			for _, v := range []string{"\n" + forged, "\r" + forged, "\x1b[1A" + forged, "\u2028" + forged} {
				if status, _ := s.send(t, `{"version":`+quoted(t, v)+`,"alerts":[]}`); status != http.StatusBadRequest {
					t.Errorf("%d", status)
				}
				s.do(t, request{method: http.MethodPost, path: "/api/v1/alertmanager", as: "webhook", body: "{}", header: http.Header{"Content-Type": {"a/b; x=" + strings.NewReplacer("\n", "", "\r", "", "\x1b", "").Replace(v)}}})
				s.post(t, down("w1"+v))
			}
			for line := range strings.Lines(s.log.String()) {
				if !strings.HasPrefix(line, "time=") || strings.HasPrefix(line, forged) || !plain(strings.TrimSuffix(line, "\n")) {
					t.Errorf("in the log: %q", line)
				}
			}
		}},
		{"escape sequences on a terminal", "CVE-2003-0063 and its kind", func(t *testing.T, _ *site) {
			for _, v := range hostile() {
				if c := story.Clean(v); !plain(c) {
					t.Errorf("%q is shown as %q", v, c)
				}
			}
		}},
		{"a forged record in the journal", "log injection into an audit log", func(t *testing.T, s *site) {
			before := len(s.records(t))
			a := down("w1").with("alertname", "Forged")
			for i, v := range []string{"\n", "\n\n", "\",\"seq\":1,\"crc\":\"00000000\"}\n{\"seq\":1}", "\x00"} {
				a = a.with(fmt.Sprintf("l%d", i), v)
			}
			s.post(t, a)
			got := slices.DeleteFunc(s.records(t)[before:], func(r record) bool { // what an earlier class began may end now
				return strings.HasPrefix(r.Type, "io.fettle.step.") || strings.HasPrefix(r.Type, "io.fettle.run.")
			})
			if len(got) != 2 || got[0].Type != "io.fettle.received.v1" || got[1].Type != "io.fettle.message.v1" {
				t.Errorf("records: %v", got)
			}
		}},
		{"a template in a label", "Ansible CVE-2024-11079, n8n expressions", func(t *testing.T, s *site) {
			want := map[string]string{"alertname": "FettleServiceDown", "cluster": "web", "member": "{{ .Secrets }}", "a": "${{ env }}", "{{ . }}": "{identity}"}
			s.post(t, alert{labels: want})
			_, _, body := s.do(t, request{path: "/api/v1/episodes/" + string(fettlealert.FingerprintOf(want)), as: "viewer"})
			var got struct{ Labels map[string]string }
			if err := json.Unmarshal([]byte(body), &got); err != nil || fmt.Sprint(got.Labels) != fmt.Sprint(want) {
				t.Errorf("got %q (%v)", got.Labels, err)
			}
		}},
		{"a query made longer by a label", "PromQL injection", func(t *testing.T, _ *site) {
			const text = `min(up{job="api", instance="$member"}) == 1 and on () rate(errors{instance="$member"}[5m]) < 1`
			x, err := promql.ParseExpression(text)
			if err != nil {
				t.Fatal(err)
			}
			plainShape, err := shape(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range hostile() {
				filled, err := x.Fill(map[string]string{"member": v})
				if err != nil {
					t.Errorf("%q: %v", v, err)
					continue
				}
				got, err := shape(filled)
				if err != nil || got != plainShape {
					t.Errorf("%q: %s (%v)", v, got, err)
				}
				if utf8.ValidString(v) && strings.Count(strings.Join(values(t, filled), "\x00"), v) < 2 {
					t.Errorf("%q is not what is asked for: %q", v, values(t, filled))
				}
			}
		}},
		{"a matcher made wider by a label", "matcher injection", func(t *testing.T, _ *site) {
			for _, text := range []string{`alertname="Down"`, `alertname=~"Down|Up"`} {
				m, err := fettlealert.ParseMatcher(text)
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range append(hostile(), "Down\n", "xDown", "Downx", "down", "Down|Up", ".*") {
					if m.Matches(map[string]string{"alertname": v}) {
						t.Errorf("%s matches %q", text, v)
					}
				}
			}
		}},
		{"labels that become metrics", "unbounded cardinality", func(t *testing.T, s *site) {
			series := func() (n int) {
				_, header, body := s.do(t, request{path: "/metrics", as: "metrics", header: http.Header{"Accept": {"text/plain"}}})
				p := expfmt.NewTextParser(model.UTF8Validation)
				families, err := p.TextToMetricFamilies(strings.NewReader(body))
				if err != nil {
					t.Fatalf("%s: %v", header.Get("Content-Type"), err)
				}
				for _, f := range families {
					n += len(f.GetMetric())
				}
				return n
			}
			before := series()
			for i := range 200 {
				s.post(t, down(fmt.Sprintf("many%d", i)).with("cluster", fmt.Sprint(i)))
			}
			s.settled(t)
			if after := series(); after > before+20 {
				t.Errorf("%d series, and %d before 200 alerts", after, before)
			}
		}},
		{"an address in a message that is asked", "Grafana CVE-2025-4123, SSRF", func(t *testing.T, s *site) {
			var asked atomic.Int64
			other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
			defer other.Close()
			a := down("nobody")
			a.generator = other.URL
			a.annotations = map[string]string{"runbook_url": other.URL, "summary": other.URL, "url": other.URL}
			a.more = fmt.Sprintf(`"externalURL":%q,"receiver":%q,"truncatedAlerts":5,`, other.URL, other.URL)
			s.post(t, a)
			s.settled(t)
			if n := asked.Load(); n > 0 {
				t.Errorf("asked %d times", n)
			}
		}},
		{"a secret in what can be read", "Rundeck CVE-2021-41111, Ansible no_log", func(t *testing.T, s *site) {
			var all strings.Builder
			for _, path := range []string{"/", "/metrics", "/api/v1/state", "/api/v1/episodes?limit=1000", "/api/v1/runs?limit=1000", "/api/v1/plans?limit=1000", "/api/v1/journal?limit=1000", "/api/v1/pauses", "/-/ready", "/-/healthy"} {
				_, _, body := s.do(t, request{path: path, as: "operator"})
				all.WriteString(body)
			}
			all.WriteString(s.log.String())
			for _, role := range roles() {
				if strings.Contains(all.String(), s.tokens[role]) {
					t.Errorf("the token of %s can be read", role)
				}
			}
		}},
	}
}

func quoted(t *testing.T, v string) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// shape is an expression with every value of a matcher left out.
func shape(text string) (string, error) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return "", err
	}
	each(expr, func(m *labels.Matcher) { m.Value = "" })
	return expr.String(), nil
}

func values(t *testing.T, text string) (all []string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		t.Fatal(err)
	}
	each(expr, func(m *labels.Matcher) { all = append(all, m.Value) })
	return slices.Clip(all)
}

func each(expr parser.Expr, fn func(*labels.Matcher)) {
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			for _, m := range s.LabelMatchers {
				fn(m)
			}
		}
		return nil
	})
}

// harmless wants the elements and attributes of our own pages alone, and no address that
// leads anywhere but to this server.
func harmless(t *testing.T, page string) {
	t.Helper()
	elements := strings.Fields("html head meta title link body header nav main footer section figure figcaption h1 h2 h3 p ul ol li dl dt dd div span a strong small code pre time br table caption thead tbody tr th td details summary form label input select option button svg g line rect text")
	attributes := strings.Fields("lang charset name content rel href class id role scope title tabindex for type value method action autocomplete maxlength datetime aria-current aria-hidden aria-label aria-labelledby width height x y x1 x2 y1 y2 dx dy rx viewbox")
	for tokens := html.NewTokenizer(strings.NewReader(page)); ; {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return
		}
		if kind == html.CommentToken {
			t.Errorf("on the page: a comment, %q", tokens.Raw())
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		raw, tag := string(tokens.Raw()), tokens.Token()
		if !slices.Contains(elements, tag.Data) {
			t.Errorf("on the page: %q", raw)
		}
		for _, a := range tag.Attr {
			if !slices.Contains(attributes, a.Key) {
				t.Errorf("on the page: the attribute %s of %q", a.Key, raw)
			}
			if (a.Key == "href" || a.Key == "action") && !regexp.MustCompile(`^(/[^/\\]|/$|#|\?|data:,$)`).MatchString(a.Val) {
				t.Errorf("on the page: %q leads to %q", raw, a.Val)
			}
		}
	}
}
