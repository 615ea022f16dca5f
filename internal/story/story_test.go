package story_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fettle-io/fettle/internal/story"
	"github.com/fettle-io/fettle/journal"
)

var update = flag.Bool("update", false, "write the texts in testdata")

// A file in testdata has the records of an episode, one a line (seconds since
// boot, boot, type, subject, data), what was asked for, and the text.
func TestTell(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			told := story.Tell(about(a), records(t, a))
			var got bytes.Buffer
			if err := story.Write(&got, told); err != nil {
				t.Fatal(err)
			}
			if *update {
				section(a, "text").Data = got.Bytes()
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(section(a, "text").Data); got.String() != want {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want)
			}
			onlyPlain(t, got.String())
		})
	}
}

// onlyPlain wants text that a terminal shows as it is.
func onlyPlain(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%U reaches the terminal", r)
		}
	}
}

func section(a *txtar.Archive, name string) *txtar.File {
	for i := range a.Files {
		if a.Files[i].Name == name {
			return &a.Files[i]
		}
	}
	return &txtar.File{}
}

func about(a *txtar.Archive) string { return strings.TrimSpace(string(section(a, "about").Data)) }

func records(t *testing.T, a *txtar.Archive) (all []journal.Record) {
	t.Helper()
	first := time.Date(2026, 11, 21, 2, 34, 0, 0, time.UTC)
	for line := range strings.Lines(string(section(a, "records").Data)) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 5)
		since, err := strconv.ParseFloat(f[0], 64)
		if err != nil || len(f) != 5 {
			t.Fatalf("%q is no record", line)
		}
		at := time.Duration(since * float64(time.Second)).Round(time.Millisecond)
		all = append(all, journal.Record{Seq: uint64(len(all)) + 12, Draft: journal.Draft{
			Type: f[2], Subject: f[3], Data: []byte(f[4]),
			At: journal.Reading{Wall: first.Add(at), Boot: f[1], Since: at},
		}})
	}
	return all
}

func open(t *testing.T, name string) *txtar.Archive {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What programs read: a part of it, as JSON names it.
func TestJSON(t *testing.T) {
	a := open(t, "paused")
	told := story.Tell(about(a), records(t, a))
	told.Repeated("pause", "paused", 740)
	told.Repeated("pause", "brake", 3)
	b, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		State, Target, Tier string
		Events              []struct {
			Seq     uint64
			Type    string
			Seconds float64
		}
		Refusals []struct {
			Guard, Reason string
			Passing       bool
			Runs, Asked   int
		}
		Next []struct{ Says, Command string }
	}
	if err := json.Unmarshal(b, &got, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	if got.State != "open" || got.Target != "demo/m2" || got.Tier != "P0" {
		t.Errorf("got %+v", got)
	}
	if len(got.Refusals) != 1 || got.Refusals[0].Runs != 2 || got.Refusals[0].Asked != 740 || !got.Refusals[0].Passing {
		t.Errorf("got refusals %+v", got.Refusals)
	}
	if last := got.Events[len(got.Events)-1]; last.Seq != 17 || last.Type != "run.finished" || last.Seconds != 3693.1 {
		t.Errorf("got last event %+v", last)
	}
	var text bytes.Buffer
	if err := story.Write(&text, told); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "2 runs, asked 740 times") {
		t.Errorf("the counted repeats are not in\n%s", text.String())
	}
}

func TestJSONListsAreNeverNull(t *testing.T) {
	b, err := json.Marshal(story.Tell("x", nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"events":[]`, `"refusals":[]`, `"state":"unmatched"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s has no %s", b, want)
		}
	}
}
