package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/fettle-io/fettle/alert"
)

// FuzzMessage: whatever is sent, read does not panic and refuses with a
// refusal; what it takes, the standard decoder takes for the same message (so
// that no other reader of it can see another alert), a second reading gives
// the same, and each alert has the fingerprint of its labels and fits a record.
func FuzzMessage(f *testing.F) {
	paths, err := filepath.Glob("testdata/alertmanager-*.json")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{
		``, `{}`, `[]`, `null`, `{"version":"4","alerts":[]}`, `{"version":"3","alerts":[]}`, `{"version":"4","alerts":[{}]}`,
		`{"version":"4","Alerts":[],"alerts":[]}`, `{"alerts":[{"status":"firing","labels":{"a":"b"},"startsAt":"2026-11-21T02:31:07Z"}],"version":"4"}`,
		`{"alerts":[{"status":"firing","labels":{"a\u0000":"\ud83d\ude00"},"startsAt":"0001-01-01T00:00:00+01:00"}],"version":"4"}`,
		`{"alerts":[{"status":"firing","status":"resolved"}],"version":"4"}`, `{"version":"4","alerts":[]} {}`, `{"version":"4","truncatedAlerts":1e3,"alerts":[]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var first, second []alert.Alert
		p := newParser()
		m, err := p.read(bytes.NewReader(body), func(a alert.Alert) error {
			first = append(first, a)
			return nil
		})
		if err != nil {
			var r *refusal
			if !errors.As(err, &r) || r.Message == "" || r.status < 400 || r.status > 499 {
				t.Fatalf("not a refusal of the sender's fault: %v", err)
			}
			if _, err := json.Marshal(r); err != nil || !utf8.ValidString(r.Hint) {
				t.Fatalf("the refusal cannot be sent: %v", err)
			}
			if _, _, held := newParser().held(body); held == nil && r.status != http.StatusRequestEntityTooLarge {
				t.Fatalf("taken from memory, and from a file: %v", err)
			}
			return
		}
		var other struct {
			Version, Receiver, GroupKey string
			TruncatedAlerts             uint64
			Alerts                      []alert.Alert
		}
		if err := json.Unmarshal(body, &other); err != nil {
			t.Fatalf("taken, and the standard decoder says: %v", err)
		}
		if other.Version != "4" || other.Receiver != m.Receiver || other.GroupKey != m.GroupKey || other.TruncatedAlerts != m.Truncated || len(other.Alerts) != len(first) {
			t.Fatalf("taken as %+v with %d alerts, the standard decoder sees %+v", m, len(first), other)
		}
		again, held, err := p.held(body) // with what the parser remembers of the first
		if err != nil || again != m {
			t.Fatalf("taken as %+v, and when read again: %+v (%v)", m, again, err)
		}
		for a := range held {
			second = append(second, a)
		}
		if len(second) != len(first) {
			t.Fatalf("%d alerts, and %d when read again", len(first), len(second))
		}
		for i, a := range second {
			was, seen := first[i], other.Alerts[i]
			if !maps.Equal(was.Labels, seen.Labels) || was.Status != seen.Status || !was.StartsAt.Equal(seen.StartsAt) || !was.EndsAt.Equal(seen.EndsAt) {
				t.Fatalf("alert %d: taken as %+v, the standard decoder sees %+v", i, was, seen)
			}
			if a.Fingerprint != alert.FingerprintOf(was.Labels) {
				t.Fatalf("alert %d: fingerprint %s is not that of %q", i, a.Fingerprint, was.Labels)
			}
			if b, err := json.Marshal(a); err != nil || len(b) > alert.MaxSize {
				t.Fatalf("alert %d: %d bytes of JSON (%v)", i, len(b), err)
			}
		}
	})
}
