package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/story"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
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

// damage changes a byte of every run's plan.
func damage(t *testing.T, dir string) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range segments {
		lines, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(lines, []byte(`"autonomy":`)); at >= 0 {
			_, err = f.WriteAt([]byte("X"), int64(at+1))
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// The journal is damaged while fettle runs: each story is still a page, with what the
// engine knows, and says that records are missing. The log says it once.
func TestStoriesOfADamagedJournal(t *testing.T) {
	a := start(t, plain)
	if code, body := post(t, a, firing); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	b := backend{a}
	runs, err := b.Runs(t.Context(), api.Filter{Limit: 10})
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs %+v, %v", runs, err)
	}
	until(t, "the index has the run", func() bool {
		recorded, err := b.Recorded(t.Context(), runs[0].ID)
		return err == nil && !recorded.Behind && len(recorded.Records) > 2
	})
	if code, body := post(t, a, strings.ReplaceAll(firing, "m2", "m3")); code != http.StatusOK { // what stands behind the damage
		t.Fatalf("%d %s", code, body)
	}
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(a.journalDir())); err != nil {
		t.Fatal(err)
	}
	damage(t, a.journalDir())
	damage(t, copied)
	for _, path := range []string{"/runs/" + runs[0].ID, "/episodes/" + runs[0].Episode} {
		resp, err := http.Get("http://" + a.Addr() + path) //nolint:noctx // the test's own server
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close() //nolint:errcheck // only read from
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(page), "Not all of its records can be read") || !strings.Contains(string(page), "Why nothing was done") {
			t.Errorf("%s: %d %v\n%s", path, resp.StatusCode, err, page)
		}
	}
	if _, err := b.Undo(t.Context(), runs[0].ID); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("an undo from a damaged journal: %v", err)
	}
	// One that begins with it finds it at once, and goes on trying.
	var log bytes.Buffer
	other := &App{o: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, index: journal.NewIndex(copied, story.About)}
	for range 3 {
		other.catchUp(t.Context())
	}
	if n := strings.Count(log.String(), "stories lack records"); n != 1 {
		t.Errorf("the log says it %d times: %s", n, &log)
	}
}

// Damage in the last lines looks like lines that are being written. A story says even so
// that they are missing.
func TestStoriesOfADamagedEnd(t *testing.T) {
	a := start(t, plain)
	if code, body := post(t, a, firing); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	b := backend{a}
	runs, err := b.Runs(t.Context(), api.Filter{Limit: 10})
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs %+v, %v", runs, err)
	}
	until(t, "all is written", func() bool {
		recorded, err := b.Recorded(t.Context(), runs[0].ID)
		return err == nil && !recorded.Behind && len(recorded.Records) > 2 && recorded.Unread == ""
	})
	damage(t, a.journalDir())
	fresh := backend{&App{journal: a.journal, index: journal.NewIndex(a.journalDir(), story.About)}}
	recorded, err := fresh.Recorded(t.Context(), runs[0].ID)
	if err != nil || !recorded.Behind || !strings.Contains(recorded.Unread, "as they were written") {
		t.Errorf("%+v, %v", recorded, err)
	}
}

// What an operator says while the journal takes nothing is answered so, and not with an
// error of the program's.
func TestNothingIsDoneWithoutAJournal(t *testing.T) {
	for _, closed := range []error{repair.ErrJournal, repair.ErrFull, repair.ErrStopped} {
		var e *api.Error
		if err := told(fmt.Errorf("%w: write /secret: input/output error", closed)); !errors.As(err, &e) || e.Status != http.StatusServiceUnavailable || !strings.Contains(e.Message, closed.Error()) || strings.Contains(e.Error(), "/secret") {
			t.Errorf("%v: %v", closed, err)
		}
	}
}
