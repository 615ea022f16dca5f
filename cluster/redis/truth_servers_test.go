//go:build servers

package redis

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/redistest"
)

// silence is how long links may be silent in these tests. The servers ping every second.
const silence = 3 * time.Second

// patience bounds what the servers come to by themselves: a Sentinel that stood still for
// two seconds, as on a busy machine, does nothing for the next thirty.
const patience = 90 * time.Second

func driver(t testing.TB, c cluster.Cluster) *Driver {
	t.Helper()
	return timed(t, c, 0)
}

// patient is a driver of which a single look has to be right, also on a busy machine.
func patient(t testing.TB, c cluster.Cluster) *Driver {
	t.Helper()
	return timed(t, c, 20*time.Second)
}

func timed(t testing.TB, c cluster.Cluster, timeout time.Duration) *Driver {
	t.Helper()
	d, err := New(c, Options{Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// The cells of the table in docs/collectors/redis.md, each with servers of its own.
func TestTruth(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines []string
		make  func(t *testing.T, s *redistest.Set)
		want  string
		also  func(v cluster.View) bool // parts that the state is seen by
	}{
		{
			name: "both healthy",
			make: func(_ *testing.T, s *redistest.Set) { s.Primary.Write(3) },
			want: "r0: primary up running\nr1: replica up running from r0 0 bytes",
			also: func(v cluster.View) bool { return len(of(v, 0).Replicas) == 1 && of(v, 0).Replicas[0].Name == "r1" },
		},
		{
			name: "idle primary",
			make: func(*testing.T, *redistest.Set) {},
			want: "r0: primary up running\nr1: replica up running from r0 0 bytes",
			also: func(v cluster.View) bool { return *of(v, 0).Offset > 0 && *of(v, 1).Link.Silent <= 2 },
		},
		{
			name: "replica cut off",
			make: func(_ *testing.T, s *redistest.Set) { s.Relays[0].Hold(); s.Primary.Write(3) },
			want: "r0: primary up running\nr1: replica up from r0 behind",
			// It still says that its link is up.
			also: func(v cluster.View) bool { return of(v, 1).Link.Up && *of(v, 1).Link.Silent > silence.Seconds() },
		},
		{
			name: "primary frozen",
			make: func(_ *testing.T, s *redistest.Set) { s.Primary.Freeze() },
			want: "r0: (timeout)\nr1: replica up",
			also: func(v cluster.View) bool { return of(v, 1).Link.Up },
		},
		{
			name: "primary dead",
			make: func(_ *testing.T, s *redistest.Set) { s.Primary.Kill() },
			want: "r0: (refused)\nr1: replica up",
			also: func(v cluster.View) bool { return of(v, 1).Link.DownFor != nil && of(v, 1).Link.Silent == nil },
		},
		{
			name: "replica frozen",
			make: func(_ *testing.T, s *redistest.Set) { s.Replicas[0].Freeze(); s.Primary.Write(3) },
			want: "r0: primary up running\nr1: (timeout)",
			// Its source still names it, and knows how far it was.
			also: func(v cluster.View) bool {
				f := of(v, 0).follower("r1")
				return f != nil && f.Online && f.Acknowledged > 2 && *f.Offset < *of(v, 0).Offset
			},
		},
		{
			name:  "replay paused",
			lines: []string{"busy-reply-threshold 100"},
			make: func(t *testing.T, s *redistest.Set) {
				// Nothing pauses a replica's replay but what keeps it from answering at all.
				go s.Replicas[0].Run("EVAL", "while true do end", "0")
				t.Cleanup(func() { s.Replicas[0].Run("SCRIPT", "KILL") })
			},
			want: "r0: primary up running\nr1: (other)",
			also: func(v cluster.View) bool { return strings.Contains(v.Members[1].Why, "BUSY") },
		},
		{
			name: "link stopped",
			make: func(_ *testing.T, s *redistest.Set) { s.Relays[0].Cut(); s.Primary.Write(3) },
			want: "r0: primary up running\nr1: replica up from r0 behind",
			also: func(v cluster.View) bool { return !of(v, 1).Link.Up && of(v, 1).Link.DownFor != nil },
		},
		{
			name: "link stopped, idle primary",
			make: func(_ *testing.T, s *redistest.Set) { s.Relays[0].Cut() },
			want: "r0: primary up running\nr1: replica up from r0",
			also: func(v cluster.View) bool { return of(v, 1).Link.DownFor != nil },
		},
		{
			name: "replication reset",
			make: func(_ *testing.T, s *redistest.Set) { s.Replicas[0].Do("REPLICAOF", "NO", "ONE"); s.Primary.Write(3) },
			want: "r0: primary up running\nr1: primary up running",
			also: func(v cluster.View) bool {
				return v.Detail.(*Summary).Primaries == 2 && !v.Detail.(*Summary).Agreed && of(v, 0).ReplID != of(v, 1).ReplID
			},
		},
		{
			name: "the primary refuses the replica's login",
			make: func(_ *testing.T, s *redistest.Set) {
				s.Primary.Do("CONFIG", "SET", "requirepass", "other")
				s.Primary.Password = "other"
				s.Primary.Do("CLIENT", "KILL", "TYPE", "replica")
			},
			want: "r0: primary up running\nr1: replica up from r0",
			also: func(v cluster.View) bool { return of(v, 1).Link.DownFor != nil },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Replicated(t, 1, tc.lines...)
			s.Primary.Write(3)
			c := s.Inventory("c")
			c.Redis.MaxSilence = silence
			d := driver(t, c)
			healthy := "r0: primary up running\nr1: replica up running from r0 0 bytes"
			await(t, d, "the set is in sync", func(v cluster.View) bool { return shown(v) == healthy })
			tc.make(t, s)
			await(t, d, tc.want, func(v cluster.View) bool { return shown(v) == tc.want && (tc.also == nil || tc.also(v)) })
		})
	}
}

func await(t testing.TB, d *Driver, what string, ok func(cluster.View) bool) {
	t.Helper()
	var last cluster.View
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if last = d.View(t.Context()); ok(last) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain until\n%s\nlast seen:\n%s\n%+v", what, shown(last), last.Detail)
		}
	}
}
