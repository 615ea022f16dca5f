package alert

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

func TestBound(t *testing.T) {
	many := map[string]string{}
	for i := range 5000 {
		many[fmt.Sprintf("annotation_with_a_name_%d", i)] = "x"
	}
	for _, tc := range []struct {
		name     string
		in       Alert
		oversize bool
		cuts     []string
	}{
		{"small", Alert{Labels: map[string]string{"alertname": "Down"}, Annotations: map[string]string{"summary": "s"}}, false, nil},
		{"at the label limit", Alert{Labels: map[string]string{"a": strings.Repeat("x", MaxLabels-len(`{"a":""}`))}}, false, nil},
		{"over the label limit", Alert{Labels: map[string]string{"a": strings.Repeat("x", MaxLabels-len(`{"a":""}`)+1)}}, true, nil},
		{"one long annotation", Alert{Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"a/b~c": strings.Repeat("é<", 1<<20), "summary": "s"}}, false, []string{"/annotations/a~1b~0c"}},
		{"a long generator URL", Alert{Labels: map[string]string{"a": "b"}, GeneratorURL: strings.Repeat("\x00", 1<<16)}, false, []string{"/generatorURL"}},
		{"too many annotations", Alert{Labels: map[string]string{"a": "b"}, Annotations: many}, false, []string{"/annotations"}},
		{"everything", Alert{Labels: map[string]string{"a": strings.Repeat("<", 5<<10)}, Annotations: maps.Clone(many), GeneratorURL: strings.Repeat("<", 1<<16)}, false, []string{"/annotations", "/generatorURL"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.in.StartsAt = time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
			got := Bound(tc.in)
			if got.Fingerprint != FingerprintOf(tc.in.Labels) {
				t.Errorf("fingerprint %s is not that of the labels", got.Fingerprint)
			}
			if got.Oversize != tc.oversize {
				t.Errorf("oversize: got %v, want %v", got.Oversize, tc.oversize)
			}
			if !got.Oversize && !maps.Equal(got.Labels, tc.in.Labels) {
				t.Error("labels were changed")
			}
			if got.Oversize && (len(got.Labels) != 0 || !strings.HasPrefix(got.LabelsDigest, "sha256:")) {
				t.Errorf("oversize labels: kept %d, digest %q", len(got.Labels), got.LabelsDigest)
			}
			if len(got.Cut) != len(tc.cuts) {
				t.Errorf("got cuts %v, want %v", got.Cut, tc.cuts)
			}
			for _, p := range tc.cuts {
				if got.Cut[p].Length == 0 || !strings.HasPrefix(got.Cut[p].Digest, "sha256:") {
					t.Errorf("cut %s: got %+v", p, got.Cut[p])
				}
			}
			b, err := json.Marshal(got)
			if err != nil || len(b) > MaxSize {
				t.Errorf("%d bytes of JSON (%v), at most %d", len(b), err, MaxSize)
			}
		})
	}
}
