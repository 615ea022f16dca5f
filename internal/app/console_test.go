package app

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/api"
)

// A story through the index has the records that a reading of the whole journal finds.
func TestRecordedIsTheStory(t *testing.T) {
	a := start(t, plain)
	if code, body := post(t, a, firing); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	b := backend{a}
	runs, err := b.Runs(t.Context(), api.Filter{Limit: 10})
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs %+v, %v", runs, err)
	}
	for _, id := range []string{runs[0].ID, runs[0].Episode} {
		whole, err := b.Story(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []uint64
		for _, r := range whole {
			want = append(want, r.Seq)
		}
		until(t, "the index is up to date", func() bool {
			recorded, err := b.Recorded(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			got = nil
			for _, r := range recorded.Records {
				got = append(got, r.Seq)
			}
			return !recorded.Behind && len(got) >= len(want)
		})
		if !slices.Equal(got[:len(want)], want) {
			t.Errorf("%s: records %v, want %v", id, got, want)
		}
	}
	if none, err := b.Recorded(t.Context(), "nothing"); err != nil || len(none.Records) > 0 {
		t.Errorf("of nothing: %+v, %v", none, err)
	}
	resp, err := http.Get("http://" + a.Addr() + "/runs/" + runs[0].ID) //nolint:noctx // the test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(page), "Why nothing was done") || !strings.Contains(string(page), "fettle.yml") {
		t.Errorf("%d %v\n%s", resp.StatusCode, err, page)
	}
}
