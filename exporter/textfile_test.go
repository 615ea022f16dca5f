//go:build unix

package exporter

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// written is a directory with these files.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const everyType = `# HELP backup_end_seconds When it ended.
# TYPE backup_end_seconds gauge
backup_end_seconds{to="a\"b\\c\nd"} 1.5e+09
# TYPE runs_total counter
runs_total 7
plain NaN
# TYPE took_seconds histogram
took_seconds_bucket{le="1"} 2
took_seconds_bucket{le="+Inf"} 3
took_seconds_sum 4
took_seconds_count 3
# TYPE wait_seconds summary
wait_seconds{quantile="0.5"} 0.1
wait_seconds_sum 9
wait_seconds_count 8
`

// What is in the files is served as it is, beside the exporter's own, in a scrape of
// the whole.
func TestTextfilesAreServed(t *testing.T) {
	dir := written(t, map[string]string{"all.prom": everyType, "b.prom": "# TYPE runs_total counter\nruns_total{of=\"b\"} 1\n", "half.prom.new": "half 1\n", ".hidden.prom": "hidden 1\n"})
	at := time.Unix(1_700_000_000, 500_000_000)
	if err := os.Chtimes(filepath.Join(dir, "all.prom"), at, at); err != nil {
		t.Fatal(err)
	}
	only := map[string]bool{}
	for _, other := range Collectors() {
		only[other.Name] = other.Name == "textfile" || other.Name == "raft"
	}
	e, err := New(Options{Host: Host{Textfiles: dir}, Collectors: only})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one fills a kept page
		got := scraped(t, e, "?collect[]=textfile", "")
		for line := range strings.Lines(everyType) {
			if !strings.HasPrefix(line, "#") && !strings.Contains("\n"+got, "\n"+line) {
				t.Errorf("no %s in\n%s", line, got)
			}
		}
		for _, want := range []string{
			`runs_total{of="b"} 1`, `fettle_textfile_success{file="all.prom"} 1`, `fettle_textfile_success{file="b.prom"} 1`,
			`fettle_textfile_mtime_seconds{file="all.prom"} 1.7000000005e+09`, `fettle_textfile_left_out 0`, `fettle_collector_success{collector="textfile"} 1`,
		} {
			if !strings.Contains("\n"+got, "\n"+want+"\n") {
				t.Errorf("no %s in\n%s", want, got)
			}
		}
		for _, not := range []string{"half", "hidden"} {
			if strings.Contains(got, not) {
				t.Errorf("there is %s in\n%s", not, got)
			}
		}
	}
	body := get(t, e, "", "").Body
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(body)
	if err != nil {
		t.Fatal(err)
	}
	if h := families["took_seconds"]; h == nil || h.GetMetric()[0].GetHistogram().GetSampleCount() != 3 || families["backup_end_seconds"].GetHelp() != "When it ended." {
		t.Errorf("a histogram %v, a help %q", h, families["backup_end_seconds"].GetHelp())
	}
	if got := scraped(t, e, "?exclude[]=textfile", ""); strings.Contains(got, "plain") {
		t.Errorf("what was not asked for:\n%s", got)
	}
}

// Each bad file costs itself.
func TestTextfilesThatAreRefused(t *testing.T) {
	const good = "good 1\nodd_count{of=\"good\"} 1\n"
	for name, tc := range map[string]struct {
		text string
		want refusal
	}{
		"garbage":                     {"\x00\x01\xff garbage\n", refusedSyntax},
		"cut in the middle of a line": {"ok 1\nbad{a=\"b", refusedSyntax},
		"no value":                    {"bad\n", refusedSyntax},
		"not UTF-8":                   {"bad{a=\"\xff\"} 1\n", refusedSyntax},
		"two types":                   {"# TYPE bad gauge\nbad 1\n# TYPE bad counter\n", refusedSyntax},
		"a timestamp":                 {"bad 1 1700000000000\n", refusedTimestamp},
		"our prefix":                  {"fettle_raft_margin{cluster=\"demo\"} 1\n", refusedPrefix},
		"the runtime's prefix":        {"go_goroutines 1\n", refusedPrefix},
		"the same series":             {"bad{a=\"1\",b=\"2\"} 1\nbad{b=\"2\",a=\"1\"} 2\n", refusedDuplicate},
		"the same bucket":             {"# TYPE bad histogram\nbad_bucket{le=\"1\"} 1\nbad_bucket{le=\"1.0\"} 1\nbad_sum 1\nbad_count 1\n", refusedDuplicate},
		"a series of another file":    {"ok 1\ngood 2\n", refusedDuplicate},
		"another type":                {"# TYPE good counter\ngood{a=\"b\"} 1\n", refusedConflict},
		"a name of its histogram":     {"# TYPE odd histogram\nodd_sum 1\nodd_count 1\nodd_bucket{le=\"+Inf\"} 1\n", refusedConflict},
		"too large":                   {strings.Repeat("# a comment\n", maxTextfile/12+1), refusedTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"a.prom": good, "bad.prom": tc.text, "c.prom": "last 1\n"}
			c := newTextfile(Host{Textfiles: written(t, files)})
			r := readOnce(t, c)
			if r.err == nil || !strings.Contains(r.err.Error(), "bad.prom: ") || len(r.err.Error()) > 500 {
				t.Errorf("error %v", r.err)
			}
			got := series(t, registryOf(t, c, r))
			for series, want := range map[string]float64{
				`fettle_textfile_success{file="a.prom"}`: 1, `fettle_textfile_success{file="bad.prom"}`: 0, `fettle_textfile_success{file="c.prom"}`: 1,
				fmt.Sprintf("fettle_textfile_refused{file=\"bad.prom\",reason=%q}", tc.want): 1,
			} {
				if value, there := got[series]; !there || value != want {
					t.Errorf("%s is %v (there: %v), want %v; %v", series, value, there, want, r.err)
				}
			}
			var names []string
			for _, f := range r.passed {
				names = append(names, f.GetName())
			}
			if slices.Sort(names); !slices.Contains(names, "good") || !slices.Contains(names, "last") || slices.Contains(names, "ok") || slices.Contains(names, "bad") {
				t.Errorf("served are %v", names)
			}
		})
	}
}

// What is no file is not waited for, and one of 100 MB is not read.
func TestTextfilesThatAreNoFiles(t *testing.T) {
	dir := written(t, map[string]string{"a.prom": "good 1\n", "huge.prom": ""})
	if err := os.Truncate(filepath.Join(dir, "huge.prom"), 100<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "dir.prom"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link.prom")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.prom"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := newTextfile(Host{Textfiles: dir})
	r := readOnce(t, c)
	got := series(t, registryOf(t, c, r))
	for file, reason := range map[string]refusal{"huge.prom": refusedTooLarge, "dir.prom": refusedUnreadable, "link.prom": refusedUnreadable, "pipe.prom": refusedUnreadable} {
		if got[fmt.Sprintf("fettle_textfile_refused{file=%q,reason=%q}", file, reason)] != 1 {
			t.Errorf("%s is not refused as %s: %v", file, reason, got)
		}
	}
	if len(r.passed) != 1 {
		t.Errorf("%d families", len(r.passed))
	}
}

// All files together have a limit as well, and so has their number.
func TestTextfilesThatAreTooMany(t *testing.T) {
	files := map[string]string{}
	for i := range maxTexts/maxTextfile + 1 {
		files[fmt.Sprintf("big%d.prom", i)] = strings.Repeat("#\n", maxTextfile/2)
	}
	for i := range maxTextfiles {
		files[fmt.Sprintf("small%03d.prom", i)] = "# none\n"
	}
	c := newTextfile(Host{Textfiles: written(t, files)})
	r := readOnce(t, c)
	got := series(t, registryOf(t, c, r))
	if got["fettle_textfile_left_out"] != 5 || got[`fettle_textfile_success{file="big3.prom"}`] != 1 || got[`fettle_textfile_refused{file="big4.prom",reason="too_large"}`] != 1 {
		t.Errorf("left out %v; %v", got["fettle_textfile_left_out"], r.err)
	}
}

func TestTextfileDirectories(t *testing.T) {
	if r := readOnce(t, newTextfile(Host{})); r.err != nil || len(r.samples) != 0 {
		t.Errorf("none configured: %v, %v", r.err, r.samples)
	}
	if r := readOnce(t, newTextfile(Host{Textfiles: filepath.Join(t.TempDir(), "none")})); r.err == nil || len(r.samples) != 0 {
		t.Errorf("not there: %v, %v", r.err, r.samples)
	}
	if got := gathered(t, newTextfile(Host{Textfiles: t.TempDir()})); len(got) != 1 || got["fettle_textfile_left_out"] != 0 {
		t.Errorf("empty: %v", got)
	}
}
