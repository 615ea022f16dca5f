package webhook_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// one is a message with one alert; parts of it are replaced by the tests.
const one = `{"receiver":"fettle","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"Down"},"annotations":{},` +
	`"startsAt":"2026-11-21T02:31:07.421Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/","fingerprint":"16c5b08d79aa2e85"}],` +
	`"groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am/","version":"4","groupKey":"{}:{}","truncatedAlerts":0}`

func with(old, replacement string) string {
	if !strings.Contains(one, old) {
		panic("not in the message: " + old)
	}
	return strings.Replace(one, old, replacement, 1)
}

func TestRefused(t *testing.T) {
	const limit = 64 << 10
	header := func(name, value string) http.Header { return http.Header{name: {value}} }
	for _, tc := range []struct {
		name, body string
		header     http.Header
		status     int
		text       string // in error, or where
		reason     string
		overflow   bool
	}{
		{name: "no token", body: one, header: http.Header{"Authorization": nil}, status: 401, text: "no credentials", reason: "unauthenticated"},
		{name: "wrong token", body: one, header: header("Authorization", "Bearer webhook-0123456789abcdeX"), status: 401, text: "this token has no role", reason: "unauthenticated"},
		{name: "a token's beginning", body: one, header: header("Authorization", "Bearer webhook-0123456789abcde"), status: 401, text: "this token has no role", reason: "unauthenticated"},
		{name: "another scheme", body: one, header: header("Authorization", "Negotiate abc"), status: 401, text: "not understood", reason: "unauthenticated"},
		{name: "basic, which nobody checked", body: one, header: header("Authorization", "Basic d2ViaG9vazp4"), status: 401, text: "names and passwords are not checked here", reason: "unauthenticated"},
		{name: "two tokens", body: one, header: http.Header{"Authorization": {"Bearer " + webhookToken, "Bearer " + webhookToken}}, status: 401, text: "not understood", reason: "unauthenticated"},
		{name: "another role", body: one, header: header("Authorization", "Bearer "+metricsToken), status: 403, text: "role metrics may not POST", reason: "forbidden"},
		{name: "from a page elsewhere", body: one, header: header("Sec-Fetch-Site", "cross-site"), status: 403, text: "another origin", reason: "forbidden"},
		{name: "from a page without origin", body: one, header: header("Origin", "null"), status: 403, text: "another origin", reason: "forbidden"},

		{name: "no content type", body: one, header: http.Header{"Content-Type": nil}, status: 415, text: `Content-Type "" is not application/json`, reason: "content_type"},
		{name: "a form", body: one, header: header("Content-Type", "application/x-www-form-urlencoded"), status: 415, text: "is not application/json", reason: "content_type"},
		{name: "text", body: one, header: header("Content-Type", "text/plain; application/json"), status: 415, text: "is not application/json", reason: "content_type"},
		{name: "another charset", body: one, header: header("Content-Type", "application/json; charset=utf-16"), status: 415, text: "is not application/json", reason: "content_type"},
		{name: "two content types", body: one, header: http.Header{"Content-Type": {"application/json", "text/plain"}}, status: 415, text: "is not application/json", reason: "content_type"},
		{name: "compressed", body: one, header: header("Content-Encoding", "gzip"), status: 415, text: `Content-Encoding "gzip" is not taken`, reason: "content_type"},

		{name: "over the cap", body: with(`"annotations":{}`, `"annotations":{"a":"`+strings.Repeat("x", limit)+`"}`), status: 413, text: "longer than 65536 bytes", reason: "too_large", overflow: true},

		{name: "empty", body: "", status: 400, text: "the body is empty", reason: "malformed"},
		{name: "not JSON", body: "alertname=Down", status: 400, text: "not JSON: invalid character 'a'", reason: "malformed"},
		{name: "null", body: "null", status: 400, text: "null instead of an object", reason: "malformed"},
		{name: "a bare array", body: "[" + one + "]", status: 400, text: "an array instead of an object", reason: "malformed"},
		{name: "cut in the middle", body: one[:200], status: 400, text: "ends in the middle", reason: "malformed"},
		{name: "trailing data", body: one + one, status: 400, text: "something follows after the message", reason: "malformed"},
		{name: "trailing rubbish", body: one + " x", status: 400, text: "something follows after the message", reason: "malformed"},
		{name: "a byte order mark", body: "\ufeff" + one, status: 400, text: "not JSON", reason: "malformed"},
		{name: "too deep", body: with(`"groupLabels":{}`, `"x":`+strings.Repeat("[", 32)+strings.Repeat("]", 32)), status: 400, text: "nested deeper than 32 levels", reason: "malformed"},
		{name: "invalid UTF-8", body: with("Down", "D\xffwn"), status: 400, text: "invalid UTF-8", reason: "malformed"},
		{name: "half a surrogate", body: with("Down", `\ud800`), status: 400, text: "surrogate", reason: "malformed"},
		{name: "a raw NUL", body: with("Down", "D\x00wn"), status: 400, text: "not JSON", reason: "malformed"},

		{name: "version 3", body: with(`"version":"4"`, `"version":"3"`), status: 400, text: `version is "3", "4" is wanted`, reason: "version"},
		{name: "version as number", body: with(`"version":"4"`, `"version":4`), status: 400, text: "/version (byte", reason: "malformed"},
		{name: "no version", body: with(`"version":"4",`, ``), status: 400, text: `"version" is missing`, reason: "version"},
		{name: "a custom payload", body: `{"text":"Down is firing"}`, status: 400, text: `"version" is missing`, reason: "version"},

		{name: "alerts twice", body: with(`"version"`, `"alerts":[],"version"`), status: 400, text: `duplicate name "alerts"`, reason: "malformed"},
		{name: "version twice", body: with(`"version"`, `"version":"3","version"`), status: 400, text: `duplicate name "version"`, reason: "malformed"},
		{name: "an escaped duplicate", body: with(`"version"`, `"\u0076ersion":"3","version"`), status: 400, text: `duplicate name "version"`, reason: "malformed"},
		{name: "Alerts beside alerts", body: with(`"version"`, `"Alerts":[],"version"`), status: 400, text: `the field "Alerts" is written "alerts"`, reason: "malformed"},
		{name: "Version alone", body: with(`"version"`, `"Version"`), status: 400, text: `the field "Version" is written "version"`, reason: "malformed"},
		{name: "a name that folds", body: with(`"groupKey"`, `"group\u212aey"`), status: 400, text: `is written "groupKey"`, reason: "malformed"},
		{name: "two statuses of an alert", body: with(`{"status":"firing","labels"`, `{"status":"firing","status":"resolved","labels"`), status: 400, text: `duplicate name "status"`, reason: "malformed"},
		{name: "Status beside status", body: with(`{"status":"firing","labels"`, `{"status":"firing","STATUS":"resolved","labels"`), status: 400, text: `the field "STATUS" is written "status"`, reason: "malformed"},
		{name: "a label twice", body: with(`"alertname":"Down"`, `"alertname":"Down","alertname":"Up"`), status: 400, text: `/alerts/0/labels/alertname (byte`, reason: "malformed"},
		{name: "an annotation twice", body: with(`"annotations":{}`, `"annotations":{"a":"1","a":"2"}`), status: 400, text: `duplicate name "a"`, reason: "malformed"},
		{name: "a duplicate in an unknown field", body: with(`"groupLabels":{}`, `"new":{"a":1,"a":2}`), status: 400, text: `duplicate name "a"`, reason: "malformed"},

		{name: "no alerts", body: `{"version":"4"}`, status: 400, text: `"alerts" is missing`, reason: "malformed"},
		{name: "alerts null", body: `{"version":"4","alerts":null}`, status: 400, text: "null instead of an array at /alerts", reason: "malformed"},
		{name: "alerts an object", body: `{"version":"4","alerts":{}}`, status: 400, text: "an object instead of an array", reason: "malformed"},
		{name: "an alert null", body: `{"version":"4","alerts":[null]}`, status: 400, text: "null instead of an object at /alerts/0", reason: "malformed"},
		{name: "status pending", body: with(`{"status":"firing","labels"`, `{"status":"pending","labels"`), status: 400, text: `status is "pending"`, reason: "malformed"},
		{name: "no status", body: with(`{"status":"firing","labels"`, `{"labels"`), status: 400, text: `an alert without "status"`, reason: "malformed"},
		{name: "labels null", body: with(`"labels":{"alertname":"Down"}`, `"labels":null`), status: 400, text: "null instead of an object at /alerts/0/labels", reason: "malformed"},
		{name: "no labels", body: with(`"labels":{"alertname":"Down"}`, `"labels":{}`), status: 400, text: "an alert without labels", reason: "malformed"},
		{name: "a label that is a number", body: with(`"Down"`, `1`), status: 400, text: "a number instead of a string at /alerts/0/labels/alertname", reason: "malformed"},
		{name: "a label without a name", body: with(`"alertname"`, `""`), status: 400, text: "an empty name", reason: "malformed"},
		{name: "startsAt missing", body: with(`"startsAt":"2026-11-21T02:31:07.421Z",`, ``), status: 400, text: `an alert without "startsAt"`, reason: "malformed"},
		{name: "startsAt in words", body: with(`2026-11-21T02:31:07.421Z`, `yesterday`), status: 400, text: `"yesterday" is no RFC 3339 time`, reason: "malformed"},
		{name: "startsAt before year 1", body: with(`2026-11-21T02:31:07.421Z`, `0001-01-01T00:00:00+01:00`), status: 400, text: "outside of the years 1 to 9999", reason: "malformed"},
		{name: "endsAt a number", body: with(`"0001-01-01T00:00:00Z"`, `0`), status: 400, text: "a number instead of a string", reason: "malformed"},
		{name: "truncatedAlerts negative", body: with(`"truncatedAlerts":0`, `"truncatedAlerts":-1`), status: 400, text: "instead of a count at /truncatedAlerts", reason: "malformed"},
		{name: "the second alert is bad", body: with(`}],"groupLabels"`, `},{"status":"firing"}],"groupLabels"`), status: 400, text: "without labels at /alerts/1", reason: "malformed"},
		{name: "too many fields", body: with(`"groupLabels":{}`, manyFields(300)), status: 400, text: "more than 256 fields", reason: "malformed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sink := &fakeSink{}
			s := newServer(t, sink, limit)
			got := s.post(t, tc.body, tc.header)
			if got.status != tc.status || !strings.Contains(got.Error+" at "+got.Where, tc.text) {
				t.Errorf("got %d %q at %q, want %d %q", got.status, got.Error, got.Where, tc.status, tc.text)
			}
			if got.Hint == "" {
				t.Error("no hint says what to do")
			}
			if got.header.Get("Retry-After") != "" {
				t.Error("Retry-After on an answer that is final")
			}
			if sink.touched() {
				t.Error("something of a refused message reached the sink")
			}
			if overflow := len(sink.overflows) > 0; overflow != tc.overflow {
				t.Errorf("overflow noted: %v, want %v", overflow, tc.overflow)
			}
			want := fmt.Sprintf("# HELP fettle_webhook_messages_total Messages answered, by HTTP status code.\n"+
				"# TYPE fettle_webhook_messages_total counter\n"+
				"fettle_webhook_messages_total{code=\"200\"} 0\nfettle_webhook_messages_total{code=\"%d\"} 1\n", tc.status)
			if err := testutil.GatherAndCompare(s.metrics, strings.NewReader(want), "fettle_webhook_messages_total"); err != nil {
				t.Error(err)
			}
			if n := counter(t, s.metrics, "fettle_webhook_rejected_total", "reason", tc.reason); n != 1 {
				t.Errorf("rejected_total{reason=%q} is %v, want 1", tc.reason, n)
			}
		})
	}
}

// A body without an announced length is cut off at the cap as well, and so is
// one alert that is too long to be held.
func TestTooLarge(t *testing.T) {
	long := with(`"annotations":{}`, `"annotations":{"a":"`+strings.Repeat("x", 5<<20)+`"}`)
	for _, tc := range []struct {
		name  string
		limit int64
		body  string
		text  string
	}{
		{"chunked, in memory", 1000, long, "the body is longer than 1000 bytes"},
		{"chunked, in a file", 2 << 20, long, "the body is longer than 2097152 bytes"},
		{"one alert", 0, long, "one alert, or one other field, is longer than 4194304 bytes"},
		{"one number", 0, with(`"truncatedAlerts":0`, `"truncatedAlerts":`+strings.Repeat("1", 5<<20)), "one alert, or one other field"},
		{"one name", 0, with(`"groupLabels"`, `"`+strings.Repeat("x", 5<<20)+`"`), "one alert, or one other field"},
		{"blanks", 0, with(`"groupLabels"`, strings.Repeat(" ", 5<<20)+`"x"`), "one alert, or one other field"},
		{"many names", 0, with(`"groupLabels":{}`, `"x":{`+manyFields(500_000)+`}`), "one alert, or one other field"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sink := &fakeSink{}
			s := newServer(t, sink, tc.limit)
			got := s.send(t, struct{ io.Reader }{strings.NewReader(tc.body)}, nil) // of no known length
			if got.status != http.StatusRequestEntityTooLarge || !strings.Contains(got.Error, tc.text) {
				t.Errorf("got %d %q, want 413 %q", got.status, got.Error, tc.text)
			}
			if sink.touched() || len(sink.overflows) != 1 {
				t.Errorf("sink touched: %v, overflows %v, want one", sink.touched(), sink.overflows)
			}
		})
	}
}

// When it cannot be persisted the answer is 503, which Alertmanager tries
// again, and it does not tell the sender why.
func TestNotPersisted(t *testing.T) {
	s := newServer(t, &fakeSink{fail: errors.New("fsync /secret/path: input/output error")}, 0)
	got := s.post(t, one, nil)
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("got %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	if strings.Contains(got.body, "secret") {
		t.Errorf("the answer tells too much: %s", got.body)
	}
	if n := counter(t, s.metrics, "fettle_webhook_rejected_total", "reason", "not_persisted"); n != 1 {
		t.Errorf("rejected_total{reason=not_persisted} is %v, want 1", n)
	}
	if n := counter(t, s.metrics, "fettle_webhook_alerts_total", "result", "received"); n != 0 {
		t.Errorf("alerts_total{result=received} is %v, want 0", n)
	}
}

// What is too long is final only once it is on disk that its alerts have to be fetched:
// Alertmanager sends nothing again that was answered 413.
func TestTooLargeAndNotPersisted(t *testing.T) {
	long := with(`"annotations":{}`, `"annotations":{"a":"`+strings.Repeat("x", 5<<20)+`"}`)
	for _, tc := range []struct {
		name  string
		limit int64
		body  io.Reader
	}{
		{"announced", 1000, strings.NewReader(long)},
		{"chunked", 1000, struct{ io.Reader }{strings.NewReader(long)}},
		{"one alert", 0, strings.NewReader(long)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newServer(t, &fakeSink{fail: errors.New("no space left on device")}, tc.limit)
			got := s.send(t, tc.body, nil)
			if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
				t.Errorf("got %d, Retry-After %q, want 503", got.status, got.header.Get("Retry-After"))
			}
			if n := counter(t, s.metrics, "fettle_webhook_rejected_total", "reason", "not_persisted"); n != 1 {
				t.Errorf("rejected_total{reason=not_persisted} is %v, want 1", n)
			}
		})
	}
}

// A sender that hangs up in the middle is not taken for one that sent nonsense.
func TestSenderHangsUp(t *testing.T) {
	sink := &fakeSink{}
	s := newServer(t, sink, 0)
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // half closed already
	_, err = fmt.Fprintf(c, "POST /api/v1/alertmanager HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		webhookToken, len(one), one[:len(one)/2])
	if err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	if resp.StatusCode != http.StatusBadRequest || sink.touched() || len(sink.overflows) > 0 {
		t.Errorf("got %d, sink touched: %v", resp.StatusCode, sink.touched())
	}
	if n := counter(t, s.metrics, "fettle_webhook_rejected_total", "reason", "aborted"); n != 1 {
		t.Errorf("rejected_total{reason=aborted} is %v, want 1", n)
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"f%d":0`, i)
	}
	return b.String()
}
