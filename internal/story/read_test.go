package story_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/fettle-io/fettle/internal/story"
	"github.com/fettle-io/fettle/journal"
)

// recorded is a journal with four episodes: two of demo/m2, of which the first is
// open, one of demo/m3, and an alert without.
func recorded(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "journal")
	key := filepath.Join(t.TempDir(), "key")
	ids := 0
	newID := func() string { ids++; return fmt.Sprintf("0199a000-0000-7000-8000-%012d", ids) }
	clock, err := journal.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Init(dir, key, journal.InitOptions{Host: "h", Now: clock(), NewID: newID, Rand: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(dir, key, journal.Options{Now: clock, NewID: newID})
	if err != nil {
		t.Fatal(err)
	}
	var drafts []journal.Draft
	add := func(kind, format string, args ...any) {
		drafts = append(drafts, journal.Draft{Type: kind, Data: fmt.Appendf(nil, format, args...)})
	}
	opens := `{"fingerprint":"%s","status":"firing","episode":"%s","opened":true,"labels":{"alertname":"%s"}}`
	planned := `{"run":"%s","episode":"%s","target":"%s"}`
	add("received", opens, "f1", "e1", "FettleRaftMemberDown")
	add("run.planned", planned, "r1", "e1", "demo/m2")
	add("run.finished", planned, "r1", "e1", "demo/m2")
	add("received", opens, "f2", "e2", "FettleServiceDown")
	add("run.planned", planned, "r2", "e2", "demo/m2")
	add("episode.closed", `{"episode":"e2","fingerprint":"f2","reason":"in_order"}`)
	add("received", opens, "f3", "e3", "FettleRaftMemberDown")
	add("run.planned", planned, "r3", "e3", "demo/m3")
	add("run.planned", planned, "r4", "e1", "demo/m2")
	add("received", `{"fingerprint":"f4","status":"firing","labels":{"alertname":"Other"}}`)
	add("pause.set", `{"id":"p1","actor":"a"}`)
	if _, err := j.Append(drafts); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRead(t *testing.T) {
	dir := recorded(t)
	for _, tc := range []struct {
		id   string
		want []uint64
	}{
		{"e1", []uint64{1, 2, 3, 9}},
		{"r1", []uint64{1, 2, 3}},
		{"r4", []uint64{1, 9}},
		{"f2", []uint64{4, 5, 6}},
		{"demo/m2", []uint64{1, 2, 3, 9}}, // e2 is newer, and closed
		{"FettleRaft", []uint64{7, 8}},    // e3 is the newest open one
		{"FettleServiceDown", []uint64{4, 5, 6}},
		{"Other", []uint64{10}},
		{"f4", []uint64{10}},
	} {
		got, err := story.Read(dir, tc.id)
		if err != nil {
			t.Errorf("%s: %v", tc.id, err)
			continue
		}
		var seqs []uint64
		for _, r := range got {
			seqs = append(seqs, r.Seq)
		}
		if fmt.Sprint(seqs) != fmt.Sprint(tc.want) {
			t.Errorf("%s: got records %v, want %v", tc.id, seqs, tc.want)
		}
	}
}

func TestReadOfWhatIsNotThere(t *testing.T) {
	dir := recorded(t)
	for _, id := range []string{"nothing", "p1", ""} {
		if got, err := story.Read(dir, id); !errors.Is(err, story.ErrNotFound) {
			t.Errorf("%q: got %d records and %v", id, len(got), err)
		}
	}
	if _, err := story.Read(filepath.Join(dir, "elsewhere"), "e1"); err == nil || errors.Is(err, story.ErrNotFound) {
		t.Errorf("no journal: got %v", err)
	}
}

// Every type that the engine writes has words of its own.
func TestLine(t *testing.T) {
	for _, tc := range []struct{ kind, data, want string }{
		{"message", `{"actor":"am","received":2,"repeats":1,"unmatched":1,"truncated":3}`, "message from am: 2 alerts received, 1 repeats, 1 unmatched, 3 left out by Alertmanager"},
		{"message", `{"actor":"am","tooLarge":true}`, "message from am refused: over the size limit"},
		{"pause.set", `{"id":"p","cluster":"demo","actor":"alice","reason":"disks"}`, "paused: cluster demo, by alice (disks)"},
		{"pause.cleared", `{"id":"p","actor":"alice"}`, "no longer paused: everything, by alice"},
		{"slots.freed", `{"episode":"e","target":"demo/m2"}`, "in order again: the slots of the run that ended unknown are given back"},
		{"config.loaded", `{"version":"1","playbooks":{"a":"x"}}`, "configuration loaded, 1 playbooks, fettle 1"},
		{"episode.closed", `{"reason":"unmatched"}`, "episode closed: its playbook is no longer in the configuration"},
		{"episode.closed", `{"reason":"alert_ended"}`, "episode closed: its alert has ended; its target could not be looked at"},
		{"genesis", `{"journal":"j","host":"h","verifier_key":"k"}`, "journal created on h, verifier key k"},
		{"invented", `{"a":1}`, `{"a":1}`},
	} {
		r := journal.Record{Draft: journal.Draft{Type: tc.kind, Data: []byte(tc.data)}}
		if got := story.Line(r); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.kind, got, tc.want)
		}
	}
}
