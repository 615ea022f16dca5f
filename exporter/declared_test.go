package exporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter/backup"
	"github.com/fettle-io/fettle/exporter/value"
)

// here is a file of this test with these bytes, last changed so long ago.
func here(t *testing.T, path, text string, mode os.FileMode, age time.Duration) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	return path
}

// logged is a Host's log, into a buffer.
func logged(h *Host) *bytes.Buffer {
	var text bytes.Buffer
	h.Log = slog.New(slog.NewTextHandler(&text, nil))
	return &text
}

// awaited is how long files of a test are waited for on a busy machine.
const awaited = 30 * time.Second

// patient is a collector that waits so long.
func patient(c Collector) Collector {
	switch c := c.(type) {
	case *configCollector:
		c.patience = awaited
	case *backupCollector:
		c.patience = awaited
	}
	return c
}

// members are members of these names on this machine.
func members(names ...string) []cluster.Member {
	var all []cluster.Member
	for _, name := range names {
		all = append(all, cluster.Member{Name: name, Host: "localhost"})
	}
	return all
}

// seriesAre compares series of which each is `name{labels} value`, without the prefix.
func seriesAre(t *testing.T, got map[string]float64, prefix, want string) {
	t.Helper()
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(got)) {
		lines = append(lines, fmt.Sprintf("%s %v", strings.TrimPrefix(name, prefix), got[name]))
	}
	var wanted []string
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			wanted = append(wanted, line)
		}
	}
	slices.Sort(wanted)
	slices.Sort(lines)
	if !slices.Equal(lines, wanted) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(wanted, "\n"))
	}
}

// stuck puts a call under way that is late, as one to a file system that hangs, until
// the function that it returns is called.
func stuck[T any](t *testing.T, f *flight[T]) (wake func()) {
	t.Helper()
	awake := make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := f.do(ctx, func(context.Context) (T, error) {
		<-awake
		var none T
		return none, nil
	})
	if !errors.Is(err, errLate) {
		t.Fatal(err)
	}
	return func() {
		close(awake)
		waitFor(t, "the stuck call", f.idle)
	}
}

// A file system that hangs costs what lies on it, and nothing else, until it answers.
func TestDeclaredOnAFileSystemThatHangs(t *testing.T) {
	h, _, _, _ := copies(t)
	dir := t.TempDir()
	here(t, filepath.Join(dir, "a"), "x 1\n", 0o644, time.Hour)
	log := logged(&h)
	for _, name := range []string{"good", "hung"} {
		h.Declared.Values = append(h.Declared.Values, Value{
			Check: name, Cluster: "c", Members: members("m"), File: filepath.Join(dir, "a"), Key: "x", Want: value.Want{OneOf: []string{"1"}},
		})
		h.Declared.Backups = append(h.Declared.Backups, Backup{Name: name, Source: backup.Source{Dir: dir, Files: "*"}})
	}
	config, backups := patient(newConfig(h)).(*configCollector), patient(newBackup(h)).(*backupCollector)
	trees, _ := walkedThrough(t, h, 1)
	hung := h.Declared.Trees.copies[1]
	wakes := []func(){stuck(t, &config.values[1].flight), stuck(t, &backups.backups[1].flight), stuck(t, &hung.flight)}
	all := func() map[string]float64 {
		got := gathered(t, config)
		maps.Copy(got, gathered(t, backups))
		maps.Copy(got, gathered(t, newTree(h)))
		return got
	}
	for range 2 {
		got := all()
		for series, want := range map[string]float64{
			`fettle_config_value_ok{check="good",cluster="c",member="m"}`: 1, `fettle_config_value_ok{check="hung",cluster="c",member="m"}`: 0,
			`fettle_config_value_unread{check="hung",cluster="c",member="m",reason="late"}`: 1,
			`fettle_backup_present{backup="good",cluster=""}`:                               1, `fettle_backup_present{backup="hung",cluster=""}`: 0,
			`fettle_backup_unread{backup="hung",cluster="",reason="late"}`: 1,
			`fettle_tree_up{cluster="www",member="origin"}`:                1, `fettle_tree_up{cluster="www",member="mirror"}`: 0,
			`fettle_tree_unread{cluster="www",member="mirror",reason="late"}`: 1,
			`fettle_tree_files{cluster="www",member="origin"}`:                trees[`fettle_tree_files{cluster="www",member="origin"}`],
		} {
			if value, there := got[series]; !there || value != want {
				t.Errorf("%s is %v (there: %v), want %v", series, value, there, want)
			}
		}
		for series := range got {
			if strings.HasPrefix(series, "fettle_tree_files{") && strings.Contains(series, "mirror") || strings.HasPrefix(series, "fettle_backup_last_success") && strings.Contains(series, "hung") {
				t.Errorf("%s is told, and cannot be known", series)
			}
		}
	}
	for _, wake := range wakes {
		wake()
	}
	got := all()
	if got[`fettle_config_value_ok{check="hung",cluster="c",member="m"}`] != 1 || got[`fettle_backup_present{backup="hung",cluster=""}`] != 1 ||
		got[`fettle_tree_walked{cluster="www",member="mirror"}`] != 1 {
		t.Errorf("afterwards: %v", got)
	}
	if n := strings.Count(log.String(), "\n"); n != 6 {
		t.Errorf("%d lines, want one for each change:\n%s", n, log)
	}
}
