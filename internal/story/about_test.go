package story

import (
	"slices"
	"testing"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

func record(kind, data string) journal.Record {
	return journal.Record{Draft: journal.Draft{Type: kind, Data: []byte(data)}}
}

// About names the same records as Read takes: the index must not lose one of them.
func TestAbout(t *testing.T) {
	for _, tc := range []struct {
		r    journal.Record
		want []string
	}{
		{record(repair.TypeReceived, `{"fingerprint":"f","episode":"e1","opened":true}`), []string{"e1"}},
		{record(repair.TypeReceived, `{"fingerprint":"f"}`), nil},
		{record(repair.TypePlanned, `{"run":"r1","episode":"e1"}`), []string{"e1", "r1"}},
		{record(repair.TypeFinished, `{"run":"r1","episode":"e1"}`), []string{"e1"}},
		{record(repair.TypeHeld, `{"guard":"storm","episodes":["e1","e2"]}`), []string{"e1", "e2"}},
		{record(repair.TypeHeld, `{`), nil},
		{record(repair.TypeCarried, `{"episodes":[{"episode":"e1"}]}`), nil},
		{record(repair.TypeMessage, `{"message":"m"}`), nil},
		{record(repair.TypePaused, `{"id":"p"}`), nil},
	} {
		if got := About(tc.r); !slices.Equal(got, tc.want) {
			t.Errorf("%s %s: %q, want %q", tc.r.Type, tc.r.Data, got, tc.want)
		}
	}
}

func TestPick(t *testing.T) {
	records := []journal.Record{
		record(repair.TypeReceived, `{"fingerprint":"f","episode":"e1","opened":true}`),
		record(repair.TypePlanned, `{"run":"r1","episode":"e1"}`),
		record(repair.TypePlanned, `{"run":"r2","episode":"e1"}`),
		record(repair.TypeHeld, `{"guard":"storm","episodes":["e1","e2"]}`),
		record(repair.TypePlanned, `{"run":"u1","episode":"e1","undoes":"r1"}`),
		record(repair.TypeFinished, `{"run":"u1","episode":"e1"}`),
		record(repair.TypeFinished, `{"run":"r2","episode":"e1"}`),
		record(repair.TypePlanned, `{"run":"x","episode":"e2"}`), // another name with the same hash
	}
	if n := len(Pick(records, "e1", "")); n != 7 {
		t.Errorf("of the episode %d records, want 7", n)
	}
	if got := Pick(records, "e1", "r1"); len(got) != 5 {
		t.Errorf("of its first run %d records, want 5: received, planned, held, and the two that take it back", len(got))
	}
	if EpisodeOf(records, "r2") != "e1" || EpisodeOf(records, "r9") != "" {
		t.Error("the episode of a run")
	}
}
