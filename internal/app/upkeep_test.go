package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fettle-io/fettle/journal"
)

// segmented is a fettle whose journal has older segments.
func segmented(t *testing.T, more string) (a *App, segments []string) {
	t.Helper()
	a = start(t, strings.Replace(plain, "key_file: DIR/journal.key", "key_file: DIR/journal.key, segment_size: 16KiB, reserve: 64KiB"+more, 1))
	for i := range 60 {
		var alerts []string
		for k := range 20 {
			alerts = append(alerts, fmt.Sprintf(`{"status":"firing","labels":{"alertname":"Nobodys","n":"%d-%d"},"annotations":{},"startsAt":"2026-11-21T02:24:51Z"}`, i, k))
		}
		if code, said := post(t, a, `{"version":"4","alerts":[`+strings.Join(alerts, ",")+`]}`); code != 200 {
			t.Fatalf("%d %s", code, said)
		}
	}
	segments, err := filepath.Glob(filepath.Join(a.journalDir(), "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(segments)
	segments = slices.DeleteFunc(segments, func(s string) bool { return !strings.HasPrefix(filepath.Base(s), "0") })
	if len(segments) < 4 {
		t.Fatalf("only the segments %v", segments)
	}
	return a, segments
}

// The scrub finds a bit that flipped in a segment which no start reads, says so, and
// has nothing new begun.
func TestScrubFindsDamage(t *testing.T) {
	a, segments := segmented(t, "")
	a.scrub(t.Context())
	if says := a.damaged(); says != "" {
		t.Fatalf("a sound journal: %s", says)
	}
	if testutil.ToFloat64(a.meters.sound) != 1 || testutil.ToFloat64(a.meters.scrubAt) == 0 {
		t.Error("the metrics do not say that it is sound, and since when")
	}
	lines, err := os.ReadFile(segments[1])
	if err != nil {
		t.Fatal(err)
	}
	lines[len(lines)/2] ^= 4
	if err := os.WriteFile(segments[1], lines, 0o600); err != nil {
		t.Fatal(err)
	}
	a.scrub(t.Context())
	if says := a.damaged(); !strings.Contains(says, filepath.Base(segments[1])) {
		t.Errorf("the scrub says %q, want the segment's name", says)
	}
	if testutil.ToFloat64(a.meters.sound) != 0 {
		t.Error("fettle_journal_sound is not 0")
	}
	if code, said := post(t, a, firing); code != 200 {
		t.Errorf("what comes is still written: %d %s", code, said)
	}
}

// Old segments go to the archive and their hashes stay; the journal verifies.
func TestOldSegmentsAreArchived(t *testing.T) {
	a, segments := segmented(t, ", archive: {dir: DIR/archive, keep: 2}")
	until(t, "the archive has the first segment", func() bool {
		a.archive(t.Context())
		_, err := os.Stat(filepath.Join(a.cfg.Journal.Archive.Dir, filepath.Base(segments[0])))
		return err == nil
	})
	if _, err := os.Stat(segments[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the first segment is still in the journal: %v", err)
	}
	for _, archive := range []string{"", a.cfg.Journal.Archive.Dir} {
		report, err := journal.Verify(a.journalDir(), a.journal.VerifierKey(), journal.VerifyOptions{Archive: archive})
		if err != nil || (report.Archived > 0) != (archive == "") {
			t.Errorf("with archive %q: %+v, %v", archive, report, err)
		}
	}
	a.scrub(t.Context())
	if says := a.damaged(); says != "" {
		t.Errorf("after archiving: %s", says)
	}
}
