package exporter

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// copies is a host with a tree of two copies, each with the files of the test, and a
// clock that stands.
func copies(t *testing.T) (h Host, source, replica string, now *time.Time) {
	t.Helper()
	dir := t.TempDir()
	source, replica = filepath.Join(dir, "source"), filepath.Join(dir, "replica")
	at := time.Now().Truncate(time.Second)
	for _, copied := range []string{source, replica} {
		for name, text := range map[string]string{"a": "1", "d/b": "22", "d/e/c": "333"} {
			planted(t, filepath.Join(copied, name), text, at.Add(-48*time.Hour))
		}
	}
	h.Declared.Trees = NewTrees([]Tree{{
		Cluster: "www", Source: "origin", Every: 10 * time.Minute, Settle: time.Hour,
		Members: []cluster.Member{{Name: "origin", DataDir: source}, {Name: "mirror", DataDir: replica}},
	}}, h, func() time.Time { return at })
	h.Declared.Trees.patience = awaited
	return h, source, replica, &at
}

func planted(t *testing.T, path, text string, changed time.Time) {
	t.Helper()
	here(t, path, text, 0o644, 0)
	if err := os.Chtimes(path, changed, changed); err != nil {
		t.Fatal(err)
	}
}

// walkedThrough is what both collectors tell once every readable copy was walked through.
func walkedThrough(t *testing.T, h Host, walks int) (trees, syncs map[string]float64) {
	t.Helper()
	for _, c := range h.Declared.Trees.copies {
		waitFor(t, "the walk through "+c.member.Name, func() bool {
			trees = gathered(t, newTree(h))
			up := trees[`fettle_tree_up{cluster="www",member="`+c.member.Name+`"}`]
			return up == 0 || trees[`fettle_tree_walked{cluster="www",member="`+c.member.Name+`"}`] == float64(walks)
		})
	}
	return gathered(t, newTree(h)), gathered(t, newSync(h))
}

// The truth table: what is told of a copy beside its source.
func TestTreesAgainstTheirSource(t *testing.T) {
	const healthy = `
		up{cluster="www",member="origin"} 1
		running{cluster="www",member="origin"} 1
		primary{cluster="www",member="origin"} 1
		up{cluster="www",member="mirror"} 1
		primary{cluster="www",member="mirror"} 0
		running{cluster="www",member="mirror"} `
	lag := func(seconds, bytes, entries string) string {
		text := ""
		for name, n := range map[string]string{"seconds": seconds, "bytes": bytes, "entries": entries} {
			if n != "" {
				text += "\nlag_" + name + `{cluster="www",member="mirror"} ` + n
			}
		}
		return text
	}
	for name, tc := range map[string]struct {
		change func(t *testing.T, source, replica string, now time.Time)
		want   string
	}{
		"both healthy, source idle": {func(*testing.T, string, string, time.Time) {}, healthy + "1" + lag("0", "0", "0")},
		"replica misses a file": {func(t *testing.T, _, replica string, _ time.Time) {
			if err := os.Remove(filepath.Join(replica, "d/b")); err != nil {
				t.Fatal(err)
			}
		}, healthy + "0" + lag("", "2", "1")},
		"one stale file": {func(t *testing.T, source, _ string, now time.Time) {
			planted(t, filepath.Join(source, "a"), "12345", now.Add(-47*time.Hour))
		}, healthy + "0" + lag("3600", "4", "")},
		"one flipped byte": {func(t *testing.T, _, replica string, now time.Time) {
			planted(t, filepath.Join(replica, "d/e/c"), "334", now.Add(-48*time.Hour))
		}, healthy + "0"},
		"a new file on its way": {func(t *testing.T, source, _ string, now time.Time) {
			planted(t, filepath.Join(source, "new"), "1", now.Add(-time.Minute))
		}, healthy + "1" + lag("172740", "0", "0")},
		"source gone": {func(t *testing.T, source, _ string, _ time.Time) {
			if err := os.RemoveAll(source); err != nil {
				t.Fatal(err)
			}
		}, strings.NewReplacer(`up{cluster="www",member="origin"} 1`, `up{cluster="www",member="origin"} 0`, `running{cluster="www",member="origin"} 1`,
			`running{cluster="www",member="origin"} 0`, `up{cluster="www",member="mirror"} 1`, `up{cluster="www",member="mirror"} 0`).Replace(healthy) + "0"},
		"replica gone": {func(t *testing.T, _, replica string, _ time.Time) {
			if err := os.RemoveAll(replica); err != nil {
				t.Fatal(err)
			}
		}, strings.Replace(healthy, `up{cluster="www",member="mirror"} 1`, `up{cluster="www",member="mirror"} 0`, 1) + "0"},
	} {
		t.Run(name, func(t *testing.T) {
			h, source, replica, now := copies(t)
			tc.change(t, source, replica, *now)
			_, syncs := walkedThrough(t, h, 1)
			seriesAre(t, syncs, "fettle_sync_", tc.want)
		})
	}
}

func TestTreeTellsOfAWalk(t *testing.T) {
	h, source, _, now := copies(t)
	planted(t, filepath.Join(source, "new"), "4444", now.Add(-time.Minute))
	trees, _ := walkedThrough(t, h, 1)
	of := func(member string) string { return `{cluster="www",member="` + member + `"}` }
	origin, mirror := of("origin"), of("mirror")
	for series, want := range map[string]float64{
		"up" + origin: 1, "source" + origin: 1, "source" + mirror: 0, "walked" + origin: 1, "files" + origin: 4, "size_bytes" + origin: 10,
		"newest_change_timestamp_seconds" + origin: float64(now.Add(-time.Minute).Unix()), "settled_files" + origin: 3, "settled_size_bytes" + origin: 6,
		"walk_timestamp_seconds" + origin: float64(now.Unix()), "walk_duration_seconds" + origin: 0,
		"cutoff_timestamp_seconds" + origin: float64(now.Truncate(10 * time.Minute).Add(-time.Hour).Unix()),
		"sample_files" + origin:             3, "missed" + origin: 0, "sample_missed" + origin: 0,
		"names_digest" + origin: trees["fettle_tree_names_digest"+mirror], "sample_digest" + origin: trees["fettle_tree_sample_digest"+mirror],
	} {
		if value, there := trees["fettle_tree_"+series]; !there || value != want {
			t.Errorf("%s is %v (there: %v), want %v", series, value, there, want)
		}
	}
	// What is older than three intervals counts no more, where no newer walk can come.
	stopped := newTree(h).(*treeCollector)
	for _, c := range h.Declared.Trees.copies {
		results := fresh(c.walker.Results(), now.Add(31*time.Minute), c.Every)
		if len(results) != 0 {
			t.Errorf("%s: %d walks still count", c.member.Name, len(results))
		}
	}
	if len(gathered(t, stopped)) == 0 {
		t.Error("nothing is told")
	}
}

// While the first walk is under way there is its state, and no value.
func TestTreesThatAreNotWalkedThrough(t *testing.T) {
	h, _, _, _ := copies(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range h.Declared.Trees.copies {
		if err := c.walker.Step(ctx); err != nil || !c.walker.Walking() {
			t.Fatal(err)
		}
	}
	views := make([]treeView, len(h.Declared.Trees.copies))
	for i, c := range h.Declared.Trees.copies {
		views[i] = treeView{c, c.walker.Results(), ""}
	}
	for _, f := range follow(views) {
		if f.Up || f.Running || f.Seconds != nil || f.Bytes != nil || f.Entries != nil {
			t.Errorf("%s: %+v", f.member.Name, f.Sync)
		}
	}
}

// Where the source is on another machine, what this one sees says nothing of a lag.
func TestTreesWithoutTheirSource(t *testing.T) {
	h, source, _, now := copies(t)
	h.Declared.Trees = NewTrees([]Tree{{
		Cluster: "www", Source: "elsewhere", Every: time.Minute, Settle: time.Hour,
		Members: []cluster.Member{{Name: "origin", DataDir: source}},
	}}, h, func() time.Time { return *now })
	h.Declared.Trees.patience = awaited
	trees, syncs := walkedThrough(t, h, 1)
	if len(syncs) != 0 || trees[`fettle_tree_walked{cluster="www",member="origin"}`] != 1 {
		t.Errorf("%v\n%v", trees, syncs)
	}
}

// A root that cannot be read says so itself, in one line of the log.
func TestTreesThatCannotBeRead(t *testing.T) {
	h, _, replica, _ := copies(t)
	log := logged(&h)
	walkedThrough(t, h, 1)
	if err := os.Rename(replica, replica+".gone"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		trees := gathered(t, newTree(h))
		for series := range trees {
			if strings.Contains(series, `member="mirror"`) && !strings.HasPrefix(series, "fettle_tree_up{") && !strings.HasPrefix(series, "fettle_tree_unread{") &&
				!strings.HasPrefix(series, "fettle_tree_source{") && !strings.HasPrefix(series, "fettle_tree_walked{") {
				t.Errorf("%s is told of what cannot be read", series)
			}
		}
		if trees[`fettle_tree_unread{cluster="www",member="mirror",reason="absent"}`] != 1 || trees[`fettle_tree_walked{cluster="www",member="origin"}`] != 1 {
			t.Errorf("%v", trees)
		}
	}
	if err := os.Rename(replica+".gone", replica); err != nil {
		t.Fatal(err)
	}
	trees, _ := walkedThrough(t, h, 1)
	if trees[`fettle_tree_up{cluster="www",member="mirror"}`] != 1 {
		t.Errorf("%v", trees)
	}
	if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "reason=absent") || !strings.Contains(log.String(), "again") {
		t.Errorf("%d lines: %s", n, log)
	}
}
