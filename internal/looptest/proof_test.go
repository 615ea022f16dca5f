package looptest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster/etcd"
)

// A data directory that is empty, not there, or another member's is refused by
// name, and no autonomy changes that.
func TestWrongDataDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	cluster := newWard(t, "m1", "m2", "m3")
	var mine, other patient
	cluster.with("m2", func(p *patient) { mine = *p })
	cluster.with("m3", func(p *patient) { other = *p })
	kept := filepath.Join(t.TempDir(), "kept")
	cases := []struct {
		name, reason string
		prepare      func() (says []string)
	}{
		{"emptied", "empty-data-dir", func() []string {
			must(t, os.Mkdir(mine.spec.DataDir, 0o700))
			return nil
		}},
		{"gone", "no-data-dir", func() []string { return nil }},
		{"another member's", "other-member", func() []string {
			a, err := etcd.ReadDataDir(kept)
			must(t, err)
			cluster.crash("m3")
			must(t, os.CopyFS(mine.spec.DataDir, os.DirFS(other.spec.DataDir)))
			cluster.bring("m3")
			cluster.serving("m1", "m3")
			b, err := etcd.ReadDataDir(mine.spec.DataDir)
			must(t, err)
			return []string{a.NodeID, b.NodeID}
		}},
	}
	for _, autonomy := range []string{"auto", "approve"} {
		for _, c := range cases {
			t.Run(c.name+", autonomy "+autonomy, func(t *testing.T) {
				w := cluster.sub(t, options{autonomy: autonomy})
				w.start()
				w.crash("m2")
				must(t, os.Rename(mine.spec.DataDir, kept))
				t.Cleanup(func() { // for the next one
					must(t, os.RemoveAll(mine.spec.DataDir))
					must(t, os.Rename(kept, mine.spec.DataDir))
				})
				says := append(c.prepare(), mine.spec.DataDir)
				w.send(down("m2"))
				r := w.refused("m2", "proof", c.reason)
				explained := w.explain(r.Episode)
				for _, text := range says {
					if !strings.Contains(r.Detail, text) || !strings.Contains(explained, text) {
						t.Errorf("%s is not named: %s\n%s", text, r.Detail, explained)
					}
				}
				w.quiet(2 * time.Second)
			})
		}
	}
	cluster.supervisor.t = t
}

// Two members' directories swapped, and no quorum that could tell whose is whose.
func TestSwappedDataDirectoriesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.start()
	w.seenServing()
	w.crash("m2", "m3")
	var a, b string
	w.with("m2", func(p *patient) { a = p.spec.DataDir })
	w.with("m3", func(p *patient) { b = p.spec.DataDir })
	must(t, os.Rename(a, a+".kept"))
	must(t, os.Rename(b, a))
	must(t, os.Rename(a+".kept", b))
	w.send(down("m2"), down("m3"))
	w.refused("m2", "proof", "other-member")
	w.refused("m3", "proof", "other-member")
	w.quiet(2 * time.Second)
}
