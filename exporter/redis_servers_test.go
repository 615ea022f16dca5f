//go:build servers

package exporter

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/redistest"
)

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A real primary, its replica and a Sentinel through an Exporter: no state vanishes,
// whatever happens to them, a measured value does, each change is one line of the log,
// and the password is nowhere.
func TestRedisServers(t *testing.T) {
	const canary = "canary-0b6e"
	set := redistest.Replicated(t, 1, "user fettle on >"+canary+" -@all +info")
	sentinel := redistest.Sentinel(t, "s0", set.Primary.Address, 2) // alone it fails over nothing
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	c := set.Inventory("cache")
	c.Read = cluster.Login{Username: "fettle", PasswordFile: password}
	c.Redis = cluster.Redis{Sentinels: []string{sentinel.Address}, Master: "main", MaxSilence: 3 * time.Second}
	v, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	log := &lockedBuffer{}
	table := slices.DeleteFunc(Collectors(), func(e Entry) bool { return !slices.Contains([]string{"member", "sync", "redis"}, e.Name) })
	e, err := newExporter(Options{Sources: []Source{{c, v}}, Log: slog.New(slog.NewTextHandler(log, nil))}, table)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, e)

	var page string
	has := func(lines ...string) func() bool {
		return func() bool {
			page = scraped(t, e, "", "10")
			return !slices.ContainsFunc(lines, func(l string) bool { return !strings.Contains(page, l+"\n") })
		}
	}
	healthy := has(`fettle_sync_running{cluster="cache",member="r0"} 1`, `fettle_sync_running{cluster="cache",member="r1"} 1`, `fettle_sync_lag_bytes{cluster="cache",member="r1"} 0`,
		`fettle_sync_primary{cluster="cache",member="r0"} 1`, `fettle_redis_primary_agreed{cluster="cache"} 1`, `fettle_redis_sentinel_reachable{cluster="cache",sentinel="`+sentinel.Address+`"} 1`)
	waitFor(t, "the set is in sync", healthy)
	before, lines := states(page), strings.Count(log.String(), "\n")

	set.Primary.Freeze()
	waitFor(t, "the primary does not answer", has(`fettle_member_failure{cluster="cache",member="r0",reason="timeout"} 1`, `fettle_sync_running{cluster="cache",member="r0"} 0`,
		`fettle_sync_up{cluster="cache",member="r1"} 1`, `fettle_sync_running{cluster="cache",member="r1"} 0`, `fettle_redis_primaries{cluster="cache"} 0`))
	if after := states(page); !slices.Equal(after, before) {
		t.Errorf("states changed: %v, then %v", before, after)
	}
	if strings.Contains(page, "fettle_sync_lag_bytes{") || strings.Contains(page, `fettle_redis_offset_bytes{cluster="cache",member="r0"}`) {
		t.Error("a value that nobody can read is told")
	}
	set.Primary.Thaw()
	waitFor(t, "one of them is the primary again", has(`fettle_redis_primaries{cluster="cache"} 1`, `fettle_sync_up{cluster="cache",member="r0"} 1`))
	if got := strings.Count(log.String(), "\n") - lines; got != 2 {
		t.Errorf("%d lines for one failure and its end:\n%s", got, log)
	}
	if strings.Contains(page+log.String(), canary) {
		t.Error("the password got out")
	}
}

// states are the series that are always there, without their values.
func states(page string) []string {
	var all []string
	for line := range strings.Lines(page) {
		series, _, _ := strings.Cut(line, " ")
		for _, name := range []string{"fettle_member_reachable", "fettle_member_failure", "fettle_sync_up", "fettle_sync_running", "fettle_sync_primary", "fettle_redis_primaries", "fettle_redis_primary_agreed", "fettle_redis_sentinel_reachable", "fettle_redis_sentinel_quorum_ok", "fettle_redis_sentinels_disagree", "fettle_collector_success"} {
			if strings.HasPrefix(series, name+"{") {
				all = append(all, series)
			}
		}
	}
	return all
}
