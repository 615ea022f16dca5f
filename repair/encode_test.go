package repair

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
)

// What is written by hand reads as what json.Marshal writes.
func TestReceivedIsEncodedAsJSON(t *testing.T) {
	for name, v := range map[string]Received{
		"empty": {},
		"whole": {
			Fingerprint: "0123456789abcdef", Status: alert.Firing, Episode: "e", Opened: true, Playbook: "p",
			Labels:      map[string]string{"a": "1", "B": "<&>\u2028\"\\\n\x00", "ü": "\U0001F600"},
			Annotations: map[string]string{"summary": "s"},
			StartsAt:    time.Date(2026, 11, 21, 3, 4, 5, 678, time.UTC), EndsAt: time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC),
			Generator: "http://p/", Message: "m", Actor: "a",
		},
		"oversize": {Fingerprint: "f", Status: alert.Resolved, Oversize: true, LabelsDigest: "sha256:0", Message: "m", Actor: "a"},
		"cut":      {Fingerprint: "f", Status: alert.Firing, Cut: map[string]alert.Cut{"/annotations/a": {Length: 9, Digest: "d"}}},
	} {
		got, err := encode(v)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var g, w map[string]any
		if err := json.Unmarshal(got, &g); err != nil {
			t.Fatalf("%s: %v: %s", name, err, got)
		}
		if err := json.Unmarshal(want, &w); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(g, w) {
			t.Errorf("%s:\n%s\n%s", name, got, want)
		}
	}
	if _, err := encode(Received{Actor: "\xff"}); err == nil {
		t.Error("what is not UTF-8 was written")
	}
}

// What the fold reads by hand is what it reads otherwise.
func TestReceivedIsReadFromItsFirstFields(t *testing.T) {
	for _, tc := range []struct {
		v     Received
		quick bool
	}{
		{Received{Fingerprint: "0123456789abcdef", Status: alert.Firing, Labels: map[string]string{"opened": ",\"opened\":true"}}, true},
		{Received{Fingerprint: "0123456789abcdef", Status: alert.Resolved, Episode: "e", Playbook: "p"}, true},
		{Received{Fingerprint: "0123456789abcdef", Status: alert.Firing, Episode: "e", Opened: true, Playbook: "p", Labels: map[string]string{"a": "b"}}, false},
		{Received{Fingerprint: "a\"b", Status: alert.Firing}, false},
		{Received{Fingerprint: "f", Status: "other"}, false},
	} {
		for _, encoded := range []func(any) ([]byte, error){encode, json.Marshal} {
			data, err := encoded(tc.v)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := firstFields(data)
			if ok != tc.quick || ok && (got.Fingerprint != tc.v.Fingerprint || got.Status != tc.v.Status || got.Opened) {
				t.Errorf("%s: %v, %+v", data, ok, got)
			}
			read, err := decodeReceived(data)
			r, is := read.(Received)
			if err != nil || !is || r.Fingerprint != tc.v.Fingerprint || r.Status != tc.v.Status || r.Opened != tc.v.Opened {
				t.Errorf("%s: %+v, %v", data, read, err)
			}
		}
	}
	if _, err := decodeReceived([]byte(`{"fingerprint":"`)); err == nil {
		t.Error("half a record was read")
	}
}

// A carried episode reads back as it was.
func TestCarriedEpisodeReadsBack(t *testing.T) {
	s := NewState()
	wall := time.Date(2026, 11, 21, 3, 4, 5, 678, time.UTC)
	ep := &Episode{
		ID: "e", Fingerprint: "f", Playbook: "p", labels: packLabels(map[string]string{"a": "1", "b": "\"<"}), Opened: 5, OpenedWall: wall,
		Active: true, Mutated: true, Run: "r", Runs: []string{"q", "r"}, Last: &Refusal{"g", "why", "because", true}, LastWall: wall,
		LastOutcome: Blocked, LastEnded: 9, asked: []askedAt{{"g/why", 7}}, escalated: map[string]bool{"deadline": true, "a": true},
		quiet: unknownQuiet(),
	}
	s.episodes["e"], s.openOf["f"], s.fingerprints[fingerprintOf("f")] = ep, ep, known{firing: true, at: 3}
	b, err := s.appendCarried(nil, ep)
	if err != nil {
		t.Fatal(err)
	}
	v, err := as[Carried]([]byte(`{"episodes":[` + string(b) + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	c, ok := v.(Carried)
	if !ok {
		t.Fatal("no Carried")
	}
	again := NewState()
	again.foldCarried(c, stampAt(0).Now)
	twice, err := again.appendCarried(nil, again.episodes["e"])
	if err != nil || string(twice) != string(b) {
		t.Errorf("carried as %s\nand then as %s, %v", b, twice, err)
	}
	for _, field := range []string{"mutated", "runs", "last", "lastWall", "lastOutcome", "lastEnded", "asked", "escalated", "labels", "at"} {
		if !strings.Contains(string(b), `"`+field+`":`) {
			t.Errorf("%s is not carried: %s", field, b)
		}
	}
}

func stampAt(d time.Duration) Stamp {
	var s Stamp
	s.Now.Boot, s.Now.Since = "boot", d
	return s
}
