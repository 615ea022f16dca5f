//go:build bench

package systemsbench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// The limits.
const (
	slowest   = 100 * time.Millisecond // of a hundred scrapes
	beside    = 1.5                    // CPU time, in the bare client's
	besideOne = 1.0                    // CPU time, in that of three published exporters
)

// amount is how much is measured.
type amount struct{ scrapes, rounds, inRound int }

func amountOf() amount {
	if testing.Short() {
		return amount{scrapes: 100, rounds: 3, inRound: 20}
	}
	return amount{scrapes: 500, rounds: 9, inRound: 100}
}

// TestSystems prints each figure beside its limit, and fails if one is missed. What it
// starts is built: see `make bench-systems`.
func TestSystems(t *testing.T) {
	n := amountOf()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	f := start(t)
	fmt.Printf("etcd with 5 members, MariaDB, PostgreSQL and Redis with 2 each, 3 Sentinels; load %s\n\n", load(t))
	whole(ctx, t, f, n)
	raw(ctx, t, f, n)
	published(ctx, t, f, n)
	fmt.Printf("\nload %s on %d processors: on a busy machine the slowest scrapes say little\n", load(t), runtime.NumCPU())
}

// load is the machine's, over one, five and fifteen minutes.
func load(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	must(t, err)
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// program is one that is built below the repository.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", name))
	must(t, err)
	return path
}

// held prints a figure, and fails the test if it is over its limit.
func held(t *testing.T, what string, value, limit float64, unit string) {
	t.Helper()
	verdict := "ok"
	if value > limit {
		verdict = "MISSED"
		t.Errorf("%s: %.4g %s, the limit is %.4g", what, value, unit, limit)
	}
	fmt.Printf("%-66s %9.2f %-3s  limit %6.2f  %s\n", what, value, unit, limit, verdict)
}

func told(what string, value float64, unit string) {
	fmt.Printf("%-66s %9.2f %s\n", what, value, unit)
}

func millis(d time.Duration) float64 { return d.Seconds() * 1000 }

// fettle starts an exporter of ours and waits until it tells of every entry that it is
// in order.
func fettle(ctx context.Context, t *testing.T, body *bytes.Buffer, wants int, args ...string) *process {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableCompression: true}}
	p := exporter(t, os.Stderr, nil, func(ctx context.Context, base string) error {
		body.Reset()
		return page(ctx, client, base+"/metrics", body)
	}, program(t, "bin/fettle_exporter"), append(args, "--log.level=error")...)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if err := p.round(ctx); err == nil && inOrder(body.String()) == wants {
			return p
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d of %d entries are in order", inOrder(body.String()), wants)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// inOrder counts who answers; 0 while somebody does not follow.
func inOrder(page string) (n int) {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "fettle_sync_running{") && !strings.HasSuffix(line, " 1\n") {
			return 0
		}
		if (strings.HasPrefix(line, "fettle_member_reachable{") || strings.HasPrefix(line, "fettle_redis_sentinel_reachable{")) && strings.HasSuffix(line, " 1\n") {
			n++
		}
	}
	return n
}

func series(page string) (n int) {
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

// whole is the exporter with everything that it tells by default.
func whole(ctx context.Context, t *testing.T, f *fleet, n amount) {
	t.Helper()
	var body bytes.Buffer
	before := f.settled(ctx, t)
	p := fettle(ctx, t, &body, entries, "--config.file="+f.config(t, "etcd", "mysql", "postgres", "redis"))
	took := make([]time.Duration, n.scrapes)
	for i := range took {
		begin := time.Now()
		must(t, p.round(ctx))
		took[i] = time.Since(begin)
		if got := inOrder(body.String()); got != entries {
			t.Fatalf("scrape %d: %d of %d entries are in order", i, got, entries)
		}
	}
	after := f.connections(ctx, t)
	slices.Sort(took)
	fmt.Printf("%d scrapes, one after the other, of everything (%d series)\n", n.scrapes, series(body.String()))
	told("median", millis(took[len(took)/2]), "ms")
	held(t, "p99", millis(took[len(took)*99/100]), millis(slowest), "ms")
	for _, name := range slices.Sorted(maps.Keys(after)) {
		held(t, "connections that the exporter made to "+name, float64(after[name]-before[name]-1), 1, "") // one was the look at the counter
	}
	p.end()
}

// systems are the collectors of what is measured, and no others.
func systems(config string) []string {
	args := []string{"--config.file=" + config, "--collector.disable-defaults", "--web.disable-exporter-metrics"}
	for _, name := range []string{"member", "raft", "sync", "mysql", "postgres", "redis"} {
		args = append(args, "--collector."+name)
	}
	return args
}

// raw is the exporter's CPU time beside the bare client's.
func raw(ctx context.Context, t *testing.T, f *fleet, n amount) {
	t.Helper()
	client := program(t, ".cache/systemsbench/bareclient")
	all := Plan{Etcd: f.plan.Etcd, MySQL: f.plan.MySQL, Postgres: f.plan.Postgres, Redis: f.plan.Redis, Sentinels: f.plan.Sentinels, Master: f.plan.Master, Commands: f.plan.Commands}
	fmt.Printf("\nCPU time of a scrape, and of the same questions put by a bare client; median of %d rounds of %d, in turns\n", n.rounds, n.inRound)
	for _, c := range []struct {
		name    string
		kinds   []string
		entries int
		plan    Plan
		judged  bool
	}{
		{"etcd", []string{"etcd"}, 5, Plan{Etcd: f.plan.Etcd}, true}, // which has no exporter of its own
		{"MariaDB", []string{"mysql"}, 2, Plan{MySQL: f.plan.MySQL}, false},
		{"PostgreSQL", []string{"postgres"}, 2, Plan{Postgres: f.plan.Postgres}, false},
		{"Redis and Sentinels", []string{"redis"}, 5, Plan{Redis: f.plan.Redis, Sentinels: f.plan.Sentinels, Master: f.plan.Master, Commands: f.plan.Commands}, false},
		{"all", []string{"etcd", "mysql", "postgres", "redis"}, entries, all, true},
	} {
		text, err := json.Marshal(c.plan)
		must(t, err)
		file := filepath.Join(f.dir, "plan.json")
		must(t, os.WriteFile(file, text, 0o600))
		var body bytes.Buffer
		ours := fettle(ctx, t, &body, c.entries, systems(f.config(t, c.kinds...))...)
		theirs := bare(t, client, file)
		first, err := ours.sockets()
		must(t, err)
		costs := compare(ctx, t, n, ours, theirs)
		last, err := ours.sockets()
		must(t, err)
		maps.DeleteFunc(last, func(socket string, _ bool) bool { return first[socket] })
		told(c.name+": fettle_exporter", millis(costs[0].cpu), fmt.Sprintf("ms  %7.0f bytes read", costs[0].read))
		told(c.name+": bare client", millis(costs[1].cpu), fmt.Sprintf("ms  %7.0f bytes read", costs[1].read))
		ratio := costs[0].cpu.Seconds() / costs[1].cpu.Seconds()
		if !c.judged {
			told(c.name+": ratio", ratio, "")
		} else {
			held(t, c.name+": ratio", ratio, beside, "")
		}
		if read := costs[0].read / costs[1].read; read < 0.9 || read > 1.1 {
			t.Errorf("%s: the exporter reads %.2f times as much as the bare client: these are not the same questions", c.name, read)
		}
		held(t, c.name+": sockets that the exporter opened meanwhile", float64(len(last)), 0, "")
		ours.end()
		theirs.end()
	}
}

// compare measures both in turns, and returns the medians.
func compare(ctx context.Context, t *testing.T, n amount, ps ...*process) []cost {
	t.Helper()
	all := make([][]cost, len(ps))
	for round := range n.rounds + 1 {
		for i, p := range ps {
			c, err := p.measure(ctx, n.inRound)
			must(t, err)
			if round > 0 { // the first is to warm up
				all[i] = append(all[i], c)
			}
		}
	}
	medians := make([]cost, len(ps))
	for i, costs := range all {
		slices.SortFunc(costs, func(a, b cost) int { return cmp.Compare(a.cpu, b.cpu) })
		medians[i] = costs[len(costs)/2]
	}
	return medians
}
