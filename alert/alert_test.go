package alert

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/prometheus/common/model"
	"pgregory.net/rapid"
)

// The payload was sent by a real Alertmanager: the fingerprint it sent is the one
// that we compute.
func TestFingerprintIsAlertmanagers(t *testing.T) {
	b, err := os.ReadFile("testdata/alertmanager-0.34.2.json")
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Alerts []Alert }
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Alerts) == 0 {
		t.Fatal("no alerts in the captured payload")
	}
	for _, a := range m.Alerts {
		if got := FingerprintOf(a.Labels); got != a.Fingerprint {
			t.Errorf("FingerprintOf(%v) = %s, Alertmanager says %s", a.Labels, got, a.Fingerprint)
		}
	}
}

// The same, for whatever labels there are, by the package that Alertmanager uses.
func TestFingerprintIsPrometheus(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z]{0,3}`), rapid.Just("\xff"), rapid.Just("\x00"))
	rapid.Check(t, func(t *rapid.T) {
		labels := rapid.MapOfN(text, text, 0, 40).Draw(t, "labels")
		set := model.LabelSet{}
		for name, value := range labels {
			set[model.LabelName(name)] = model.LabelValue(value)
		}
		if got, want := string(FingerprintOf(labels)), set.Fingerprint().String(); got != want {
			t.Errorf("%q: %s, Prometheus says %s", labels, got, want)
		}
	})
}

func TestMatchers(t *testing.T) {
	labels := map[string]string{"alertname": "Down", "tier": "P0"}
	for _, tc := range []struct {
		in   []string
		want bool
	}{
		{[]string{`alertname="Down"`}, true},
		{[]string{`alertname="Down"`, `tier=~"P[01]"`}, true},
		{[]string{`alertname=~"Dow"`}, false}, // anchored
		{[]string{`alertname!="Down"`}, false},
		{[]string{`origin!="fettle"`, `alertname="Down"`}, true}, // absent is empty
		{nil, false},
	} {
		var ms Matchers
		for _, s := range tc.in {
			m, err := ParseMatcher(s)
			if err != nil {
				t.Fatal(err)
			}
			ms = append(ms, m)
		}
		if got := ms.Matches(labels); got != tc.want {
			t.Errorf("%s matches %v: got %v, want %v", ms, labels, got, tc.want)
		}
	}
	if _, err := ParseMatcher(`alertname=`); err == nil {
		t.Error("a matcher without a value was taken")
	}
}
