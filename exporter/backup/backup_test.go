//go:build unix

package backup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/exporter/value"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// put writes a file that was last changed so many hours ago.
func put(t *testing.T, path, text string, hours int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	at := now.Add(-time.Duration(hours) * time.Hour)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// ago is a time as hours before now; "-" for none.
func ago(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return fmt.Sprint(now.Sub(t).Hours())
}

func shown(s State) string {
	n := func(p *int64) string {
		if p == nil {
			return "-"
		}
		return fmt.Sprint(*p)
	}
	return fmt.Sprintf("newest %s oldest %s verified %s size %s previous %s copies %d empty %d",
		ago(s.Newest), ago(s.Oldest), ago(s.Verified), n(s.Size), n(s.Previous), s.Copies, s.Empty)
}

func TestCopies(t *testing.T) {
	for name, tc := range map[string]struct {
		files  map[string]int // hours ago, by name; the content is the name's end after =
		source Source
		want   string
	}{
		"none":             {nil, Source{}, "newest - oldest - verified - size - previous - copies 0 empty 0"},
		"one":              {map[string]int{"a.gz=xx": 3}, Source{}, "newest 3 oldest 3 verified - size 2 previous - copies 1 empty 0"},
		"several":          {map[string]int{"a.gz=xx": 48, "b.gz=xxx": 24, "c.gz=x": 1}, Source{}, "newest 1 oldest 48 verified - size 1 previous 3 copies 3 empty 0"},
		"the newest empty": {map[string]int{"a.gz=xx": 24, "b.gz=": 1}, Source{}, "newest 24 oldest 24 verified - size 2 previous - copies 1 empty 1"},
		"too small":        {map[string]int{"a.gz=xx": 24, "b.gz=x": 1}, Source{MinSize: 2}, "newest 24 oldest 24 verified - size 2 previous - copies 1 empty 1"},
		"still written":    {map[string]int{"a.gz=xx": 24, "b.gz=x": 1}, Source{Settle: 2 * time.Hour}, "newest 24 oldest 24 verified - size 2 previous - copies 1 empty 0"},
		"of the future":    {map[string]int{"a.gz=xx": 24, "b.gz=x": -1}, Source{}, "newest 24 oldest 24 verified - size 2 previous - copies 1 empty 0"},
		"others beside":    {map[string]int{"a.gz=xx": 24, "b.log=x": 1}, Source{}, "newest 24 oldest 24 verified - size 2 previous - copies 1 empty 0"},
		"directories":      {map[string]int{"a.gz/x=xx": 24, "a.gz/y/z=xxx": 23, "b.gz/x=xx": 48}, Source{}, "newest 23 oldest 48 verified - size 5 previous 2 copies 2 empty 0"},
		"verified":         {map[string]int{"a.gz=xx": 24, "ok=": 5}, Source{Verified: "ok"}, "newest 24 oldest 24 verified 5 size 2 previous - copies 1 empty 0"},
		"never verified":   {map[string]int{"a.gz=xx": 24}, Source{Verified: "ok"}, "newest 24 oldest 24 verified - size 2 previous - copies 1 empty 0"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.source.Dir, tc.source.Files = t.TempDir(), "*.gz"
			if tc.source.Verified != "" {
				tc.source.Verified = filepath.Join(tc.source.Dir, tc.source.Verified)
			}
			for file, hours := range tc.files {
				path, text, _ := strings.Cut(file, "=")
				put(t, filepath.Join(tc.source.Dir, path), text, hours)
			}
			got, err := tc.source.Read(now)
			if err != nil || shown(got) != tc.want {
				t.Errorf("got  %s, %v\nwant %s", shown(got), err, tc.want)
			}
		})
	}
}

func TestCopiesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "real.gz"), "x", 1)
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link.gz")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.gz"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := (Source{Dir: dir, Files: "*.gz"}).Read(now); err != nil || got.Copies != 1 || got.Empty != 0 {
		t.Errorf("%s, %v", shown(got), err)
	}
	if _, err := (Source{Dir: filepath.Join(dir, "none"), Files: "*"}).Read(now); value.ReasonOf(err) != value.Absent {
		t.Errorf("no directory: %v", err)
	}
	put(t, filepath.Join(dir, strings.Repeat("d.gz/", maxDepth+2), "x"), "x", 1)
	if _, err := (Source{Dir: dir, Files: "*.gz"}).Read(now); value.ReasonOf(err) != value.TooLarge {
		t.Errorf("too deep: %v", err)
	}
}

func TestTooManyEntries(t *testing.T) {
	dir := t.TempDir()
	for i := range 6 {
		put(t, filepath.Join(dir, fmt.Sprint(i)), "x", 1)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	left := 5
	if _, err := namesOf(root, ".", &left); value.ReasonOf(err) != value.TooLarge {
		t.Errorf("%v", err)
	}
}

func TestReport(t *testing.T) {
	for name, tc := range map[string]struct {
		text   string
		want   string
		reason value.Reason
	}{
		"finished":      {"finished 1795251600\nsize_bytes 10\nverified 2026-11-20T12:00:00Z\n", "newest 3 oldest - verified 24 size 10 previous - copies 0 empty 0", ""},
		"as a time":     {"finished: 2026-11-21T11:00:00+02:00\n", "newest 3 oldest - verified - size - previous - copies 0 empty 0", ""},
		"never":         {"", "newest - oldest - verified - size - previous - copies 0 empty 0", ""},
		"nothing in it": {"finished 1795251600\nsize_bytes 0\n", "newest - oldest - verified - size 0 previous - copies 0 empty 0", ""},
		"the future":    {"finished 1899999999\n", "", value.NoNumber},
		"no time":       {"finished yesterday\n", "", value.NoNumber},
		"milliseconds":  {"finished 1795251600000\n", "", value.NoNumber},
		"not a number":  {"finished NaN\n", "", value.NoNumber},
		"no size":       {"size_bytes ten\n", "", value.NoNumber},
		"below zero":    {"size_bytes -1\n", "", value.NoNumber},
		"two answers":   {"finished 1795251600\nfinished 1795251601\n", "", value.Ambiguous},
		"too large":     {strings.Repeat("x\n", maxReport), "", value.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "report")
			put(t, path, tc.text, 0)
			got, err := (Source{Report: path}).Read(now)
			if tc.reason == "" && (err != nil || shown(got) != tc.want) || tc.reason != "" && (err == nil || value.ReasonOf(err) != tc.reason) {
				t.Errorf("got  %s, %v\nwant %s %s", shown(got), err, tc.want, tc.reason)
			}
		})
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "ok"), "", -1)
	put(t, filepath.Join(dir, "report"), "", 0)
	if _, err := (Source{Report: filepath.Join(dir, "report"), Verified: filepath.Join(dir, "ok")}).Read(now); value.ReasonOf(err) != value.NoNumber {
		t.Errorf("verified in the future: %v", err)
	}
}
