//go:build unix

package tree

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// at is when the tests' walks begin, and old when their files changed last.
var (
	at  = time.Date(2026, 11, 21, 12, 3, 0, 0, time.UTC)
	old = at.Add(-48 * time.Hour)
)

const (
	every  = 10 * time.Minute
	settle = time.Hour
)

// planted is a directory with these files, all changed last at old.
func planted(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text, old)
	}
	return dir
}

func write(t *testing.T, path, text string, changed time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, changed, changed); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// walker walks dir by a clock that stands at *now.
func walker(dir string, now *time.Time) *Walker {
	return NewWalker(dir, Options{Every: every, Settle: settle, Now: func() time.Time { return *now }})
}

// walked is what one whole walk of dir says.
func walked(t *testing.T, dir string) Result {
	t.Helper()
	now := at
	w := walker(dir, &now)
	if err := w.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.Results()) != 1 || w.Walking() {
		t.Fatalf("%d results, walking %v", len(w.Results()), w.Walking())
	}
	return w.Results()[0]
}

// few ends after it was asked so often.
type few struct {
	context.Context
	left int
}

func (f *few) Err() error {
	if f.left--; f.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestWalk(t *testing.T) {
	dir := planted(t, map[string]string{"a": "1", "d/b": "22", "d/e/c": "333", "new": "4444"})
	newest := at.Add(-time.Minute)
	write(t, filepath.Join(dir, "new"), "4444", newest)
	for name, target := range map[string]string{"link": "a", "up": "/", "loop": "."} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := walked(t, dir)
	if r.Files != 4 || r.Bytes != 10 || r.SettledFiles != 3 || r.SettledBytes != 6 || !r.Newest.Equal(newest) ||
		r.SampleFiles != 3 || !r.Sampled() || !r.Cutoff.Equal(at.Truncate(every).Add(-settle)) {
		t.Errorf("%+v", r)
	}
	// The order in which they lie on the disk does not matter.
	other := planted(t, map[string]string{"d/e/c": "333"})
	write(t, filepath.Join(other, "d/b"), "22", old)
	write(t, filepath.Join(other, "a"), "1", old.Add(-time.Hour))
	if o := walked(t, other); o.Names != r.Names || o.Sample != r.Sample {
		t.Errorf("%+v\n%+v", r, o)
	}
	if empty := walked(t, t.TempDir()); empty.Files != 0 || !empty.Newest.IsZero() || !empty.Sampled() {
		t.Errorf("empty: %+v", empty)
	}
}

// The truth table: what a copy is found to be, beside its source.
func TestCompare(t *testing.T) {
	files := map[string]string{}
	for i := range 150 { // more than the sample
		files[fmt.Sprintf("d%d/f%d", i%7, i)] = strings.Repeat("x", i)
	}
	// In the sample, among the smallest hashes.
	sampled := map[string]bool{}
	probe := sample{}
	source := planted(t, files)
	for name := range files {
		info, err := os.Lstat(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		probe.offer(name, info)
	}
	for _, c := range probe.files {
		sampled[c.path] = true
	}
	inside, outside := "", ""
	for i := range 150 {
		name := fmt.Sprintf("d%d/f%d", i%7, i)
		if i > 0 && sampled[name] {
			inside = name
		} else if i > 0 {
			outside = name
		}
	}
	n := func(f float64) *float64 { return &f }
	for name, tc := range map[string]struct {
		change func(t *testing.T, source, replica string)
		want   Difference
	}{
		"both the same": {func(*testing.T, string, string) {}, Difference{true, true, n(0), n(0), n(0)}},
		"source idle, replica copied without times": {func(t *testing.T, _, replica string) {
			write(t, filepath.Join(replica, "d1/f1"), "x", old.Add(time.Hour))
		}, Difference{true, true, n(0), n(0), n(0)}},
		"replica misses a file": {func(t *testing.T, _, replica string) { remove(t, filepath.Join(replica, "d3/f10")) },
			Difference{false, true, nil, n(1), n(10)}},
		"replica has one too many, and misses one": {func(t *testing.T, _, replica string) {
			remove(t, filepath.Join(replica, "d3/f10"))
			write(t, filepath.Join(replica, "d3/ff"), "xxxxxxxxxx", old)
		}, Difference{false, true, nil, nil, nil}},
		"one stale file": {func(t *testing.T, source, _ string) {
			write(t, filepath.Join(source, "d1/f1"), "xyz", old.Add(2*time.Hour))
		}, Difference{false, true, n(7200), nil, n(2)}},
		"a flipped byte in the sample": {func(t *testing.T, _, replica string) {
			write(t, filepath.Join(replica, inside), "y"+files[inside][1:], old)
		}, Difference{false, true, nil, nil, nil}},
		"a flipped byte outside of it, which nobody sees": {func(t *testing.T, _, replica string) {
			write(t, filepath.Join(replica, outside), "y"+files[outside][1:], old)
		}, Difference{true, true, n(0), n(0), n(0)}},
		"a file on its way": {func(t *testing.T, source, _ string) {
			write(t, filepath.Join(source, "fresh"), "x", at)
		}, Difference{true, true, n(48 * 3600), n(0), n(0)}},
		"replica empty": {func(t *testing.T, _, replica string) {
			if err := os.RemoveAll(replica); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(replica, 0o755); err != nil {
				t.Fatal(err)
			}
		}, Difference{false, true, nil, n(150), n(11175)}},
	} {
		t.Run(name, func(t *testing.T) {
			source, replica := planted(t, files), planted(t, files)
			tc.change(t, source, replica)
			got, ok := Compare([]Result{walked(t, source)}, []Result{walked(t, replica)})
			if !ok || shown(got) != shown(tc.want) {
				t.Errorf("got %s (%v), want %s", shown(got), ok, shown(tc.want))
			}
		})
	}
}

func shown(d Difference) string {
	s := fmt.Sprintf("same %v sampled %v", d.Same, d.Sampled)
	for _, p := range []*float64{d.Seconds, d.Files, d.Bytes} {
		if p == nil {
			s += " -"
		} else {
			s += fmt.Sprintf(" %v", *p)
		}
	}
	return s
}

// Only walks with the same cutoff are compared, and the sample of the walk before counts
// where a file of the last one changed meanwhile.
func TestCompareWhatBelongsTogether(t *testing.T) {
	result := func(cutoff int64, sample uint64, changed int) Result {
		return Result{Cutoff: time.Unix(cutoff, 0), Names: 1, Sample: sample, SampleFiles: 1, SampleChanged: changed}
	}
	if d, ok := Compare([]Result{result(1, 1, 0)}, []Result{result(2, 1, 0)}); ok {
		t.Errorf("of different cutoffs: %+v", d)
	}
	if _, ok := Compare([]Result{result(1, 1, 0)}, nil); ok {
		t.Error("with no walk at all")
	}
	d, ok := Compare([]Result{result(1, 1, 0), result(2, 1, 1)}, []Result{result(1, 9, 0), result(2, 1, 0)})
	if !ok || d.Same || !d.Sampled {
		t.Errorf("%+v", d)
	}
	d, ok = Compare([]Result{result(2, 1, 1)}, []Result{result(2, 1, 0)})
	if !ok || !d.Same || d.Sampled {
		t.Errorf("without a sample names count: %+v", d)
	}
	partly := Result{Cutoff: time.Unix(1, 0), Unread: 1}
	if d, _ := Compare([]Result{partly}, []Result{partly}); d.Same || d.Files != nil || d.Seconds != nil {
		t.Errorf("of parts: %s", shown(d))
	}
}

// A walk that is not finished says nothing, goes on where it was, and comes to what one
// comes to that was never held up.
func TestWalkGoesOn(t *testing.T) {
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("%d/%d", i%5, i)] = "x"
	}
	dir := planted(t, files)
	now := at
	w := walker(dir, &now)
	steps := 0
	for ; len(w.Results()) == 0; steps++ {
		if steps > 500 {
			t.Fatal("no end")
		}
		if err := w.Step(&few{t.Context(), 3}); err != nil {
			t.Fatal(err)
		}
		if len(w.Results()) == 0 && !w.Walking() {
			t.Fatal("neither a result nor a walk")
		}
	}
	want := walked(t, dir)
	if got := w.Results()[0]; steps < 10 || got != want {
		t.Errorf("after %d steps\n%+v, want\n%+v", steps, got, want)
	}
	// Within the interval there is no second walk; the next one begins with the next.
	if err := w.Step(t.Context()); err != nil || len(w.Results()) != 1 {
		t.Errorf("%v, %d results", err, len(w.Results()))
	}
	for i := range 3 {
		now = now.Add(every)
		if err := w.Step(t.Context()); err != nil || len(w.Results()) != 2 || !w.Results()[1].Begin.Equal(now) {
			t.Errorf("%d: %v, %+v", i, err, w.Results())
		}
	}
}

// What another file system says is nothing of this tree, and neither is what lies on
// another one below it.
func TestRootThatChanges(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "tree")
	write(t, filepath.Join(dir, "a"), "x", old)
	now := at
	w := walker(dir, &now)
	if err := w.Step(t.Context()); err != nil || len(w.Results()) != 1 {
		t.Fatal(err, w.Results())
	}
	if err := os.Rename(dir, dir+".gone"); err != nil {
		t.Fatal(err)
	}
	if err := w.Step(t.Context()); !os.IsNotExist(err) || len(w.Results()) != 0 {
		t.Errorf("gone: %v, %v", err, w.Results())
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := w.Step(t.Context()); err != nil || len(w.Results()) != 1 || w.Results()[0].Files != 0 {
		t.Errorf("another one: %v, %+v", err, w.Results())
	}
	// Replaced in the middle of a walk.
	now = now.Add(every)
	if err := w.Step(&few{t.Context(), 0}); err != nil || !w.Walking() {
		t.Fatal(err)
	}
	remove(t, dir)
	if err := os.Rename(dir+".gone", dir); err != nil {
		t.Fatal(err)
	}
	if err := w.Step(t.Context()); err != nil || len(w.Results()) != 1 || w.Results()[0].Files != 1 {
		t.Errorf("replaced: %v, %+v", err, w.Results())
	}
	now = now.Add(every)
	if err := w.Step(&few{t.Context(), 0}); err != nil {
		t.Fatal(err)
	}
	w.walk.device++ // as if the root lay elsewhere
	if err := w.Step(t.Context()); err != nil || len(w.Results()) != 2 || w.Results()[1].Files != 0 {
		t.Errorf("another file system was entered: %v, %+v", err, w.Results())
	}
	w.Close()
	file := filepath.Join(parent, "file")
	write(t, file, "x", old)
	if err := walker(file, &now).Step(t.Context()); err == nil {
		t.Error("a file was taken for a tree")
	}
}

// A directory that lies too deep is left out, and then nothing is compared.
func TestLimits(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, strings.Repeat("d/", maxDepth+1), "a"), "x", old)
	r := walked(t, dir)
	if r.LeftOut != 1 || r.Files != 0 || r.Whole() || r.Sampled() {
		t.Errorf("%+v", r)
	}
}

// A file of the sample that changes while it is read is no sample, and one that became
// something else is not read.
func TestSampleThatChanges(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string){
		"written": func(t *testing.T, path string) { write(t, path, "y", at) },
		"longer":  func(t *testing.T, path string) { write(t, path, "xx", old) },
		"gone":    remove,
		"a link out": func(t *testing.T, path string) {
			remove(t, path)
			if err := os.Symlink("/etc/passwd", path); err != nil {
				t.Fatal(err)
			}
		},
		"a pipe": func(t *testing.T, path string) {
			remove(t, path)
			if err := syscall.Mkfifo(path, 0o644); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := planted(t, map[string]string{"a": "x", "b": "x"})
			now := at
			w := walker(dir, &now)
			for w.walk == nil || !w.walk.sample.left() || w.walk.list != nil || len(w.walk.pending) > 0 {
				if err := w.Step(&few{t.Context(), 1}); err != nil {
					t.Fatal(err)
				}
			}
			change(t, filepath.Join(dir, "a"))
			if err := w.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			r := w.Results()[0]
			if r.SampleFiles != 1 || r.SampleChanged+r.SampleUnread != 1 || r.Sampled() {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Of a large file its begin and its end are read.
func TestLargeFiles(t *testing.T) {
	const size = 3 * sampleBytes
	text := []byte(strings.Repeat("x", size))
	digest := func(at int) uint64 {
		dir := t.TempDir()
		changed := append([]byte{}, text...)
		if at >= 0 {
			changed[at] = 'y'
		}
		write(t, filepath.Join(dir, "a"), string(changed), old)
		return walked(t, dir).Sample
	}
	plain := digest(-1)
	for at, seen := range map[int]bool{0: true, sampleBytes/2 - 1: true, sampleBytes / 2: false, size - sampleBytes/2 - 1: false, size - sampleBytes/2: true, size - 1: true} {
		if (digest(at) != plain) != seen {
			t.Errorf("a byte changed at %d: seen %v", at, !seen)
		}
	}
}
