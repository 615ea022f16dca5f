//go:build servers

package redis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/redistest"
)

// A primary that refuses writes says so itself, in its answer to a write, and is seen to.
func TestRefusedWrites(t *testing.T) {
	s := redistest.Replicated(t, 1, "min-replicas-max-lag 2")
	dir := strings.TrimPrefix(s.Primary.Do("CONFIG", "GET", "dir"), "dir\n")
	c := s.Inventory("c")
	plain := driver(t, c)
	c.Redis.Config = true
	asks := driver(t, c)
	for _, tc := range []struct {
		name     string
		do, undo func()
		says     string // to a write; "": it is taken
		// What is seen with CONFIG GET and without; "?": not known.
		refusal        Refusal
		asked, unasked string
	}{
		{name: "in order", refusal: RefusesMemory, asked: "no", unasked: "no"},
		{
			name:    "one near replica of the two that are wanted",
			do:      func() { s.Primary.Do("CONFIG", "SET", "min-replicas-to-write", "2") },
			says:    "NOREPLICAS",
			refusal: RefusesReplicas, asked: "yes", unasked: "?",
		},
		{
			name:    "as many as are wanted",
			do:      func() { s.Primary.Do("CONFIG", "SET", "min-replicas-to-write", "1") },
			refusal: RefusesReplicas, asked: "no", unasked: "?",
		},
		{
			name:    "none is near",
			do:      func() { s.Relays[0].Cut() },
			undo:    func() { s.Primary.Do("CONFIG", "SET", "min-replicas-to-write", "0") },
			says:    "NOREPLICAS",
			refusal: RefusesReplicas, asked: "yes", unasked: "yes",
		},
		{
			name:    "memory is full",
			do:      func() { s.Primary.Do("CONFIG", "SET", "maxmemory", "1kb") },
			undo:    func() { s.Primary.Do("CONFIG", "SET", "maxmemory", "0") },
			says:    "OOM",
			refusal: RefusesMemory, asked: "yes", unasked: "yes",
		},
		{
			name: "a snapshot failed",
			do: func() {
				if err := os.Mkdir(filepath.Join(dir, "dump.rdb"), 0o700); err != nil {
					t.Fatal(err)
				}
				s.Primary.Do("CONFIG", "SET", "save", "3600 1")
				s.Primary.Do("BGSAVE")
			},
			says:    "MISCONF",
			refusal: RefusesSnapshot, asked: "yes", unasked: "?",
		},
		{
			name:    "and stops no writes",
			do:      func() { s.Primary.Do("CONFIG", "SET", "stop-writes-on-bgsave-error", "no") },
			refusal: RefusesSnapshot, asked: "no", unasked: "?",
		},
	} {
		if tc.do != nil {
			tc.do()
		}
		redistest.Await(t, tc.name+": "+tc.says, func() bool {
			out, err := s.Primary.Run("SET", "k", "v")
			return tc.says == "" && err == nil || tc.says != "" && strings.Contains(out, tc.says)
		})
		for d, want := range map[*Driver]string{asks: tc.asked, plain: tc.unasked} {
			// A failed snapshot counts as stopping writes where it is not known to be otherwise.
			running := want == "no" || want == "?" && tc.refusal != RefusesSnapshot
			await(t, d, tc.name+": "+want, func(v cluster.View) bool {
				got := "?"
				if refused := of(v, 0).Refuses(tc.refusal); refused != nil {
					got = map[bool]string{true: "yes", false: "no"}[*refused]
				}
				return got == want && v.Members[0].Sync.Running == running
			})
		}
		if tc.undo != nil {
			tc.undo()
		}
	}
}
