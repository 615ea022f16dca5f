//go:build unix

package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/programs"
)

// The binary over a real cluster: in order, with a member killed, with the quorum
// lost to a hung one, and with all of them back.
func TestRealCluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // may build etcd
	defer cancel()
	etcd, err := programs.Find(ctx, "etcd", programs.Options{Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"m1", "m2", "m3"}
	c, err := etcdproc.Start(ctx, etcd.Path, t.TempDir(), names, etcdproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	var config strings.Builder
	config.WriteString("heartbeat: {network: 5s, application: 1s, data: 1s}\nclusters:\n  - name: c\n    kind: etcd\n    members:\n")
	for _, s := range c.Specs() {
		fmt.Fprintf(&config, "      - {name: %s, endpoint: %q, peer: %q}\n", s.Name, s.Client, s.Peer)
	}
	p := start(t, "--config.file="+configFile(t, config.String()), "--collector.disable-defaults", "--collector.raft", "--collector.sync", "--collector.heartbeat")

	healthy := []string{
		`fettle_raft_voters{cluster="c"} 3`, `fettle_raft_voters_reachable{cluster="c"} 3`, `fettle_raft_margin{cluster="c"} 1`,
		`fettle_raft_has_leader{cluster="c"} 1`, `fettle_raft_leaders_seen{cluster="c"} 1`,
		`fettle_raft_alarm{alarm="NOSPACE",cluster="c",member="m3"} 0`,
		`fettle_sync_running{cluster="c",member="m1"} 1`, `fettle_sync_running{cluster="c",member="m2"} 1`, `fettle_sync_running{cluster="c",member="m3"} 1`,
		`fettle_heartbeat_ok{cluster="c",from="m1",layer="network",member="m2"} 1`, `fettle_heartbeat_ok{cluster="c",from="m1",layer="application",member="m2"} 1`,
		`fettle_heartbeat_ok{cluster="c",from="m1",layer="data",member="m2"} 1`,
	}
	got := p.await(t, healthy...)
	for metric, want := range map[string]int{
		"fettle_raft_term": 3, "fettle_raft_commit_index": 3, "fettle_raft_applied_index": 3, "fettle_raft_db_size_bytes": 3,
		"fettle_raft_db_in_use_bytes": 3, "fettle_raft_learner": 3, "fettle_raft_alarm": 6, "fettle_sync_lag_entries": 3, "fettle_sync_up": 3,
	} {
		if n := len(regexp.MustCompile(`(?m)^`+metric+`\{`).FindAllString(got, -1)); n != want {
			t.Errorf("%d series of %s, want %d", n, metric, want)
		}
	}

	expectTargets(t, p, c.Specs())

	if err := c.Kill("m3"); err != nil {
		t.Fatal(err)
	}
	got = p.await(t,
		`fettle_raft_voters_reachable{cluster="c"} 2`, `fettle_raft_margin{cluster="c"} 0`, `fettle_raft_has_leader{cluster="c"} 1`,
		`fettle_raft_member_reachable{cluster="c",member="m3"} 0`, `fettle_raft_leader{cluster="c",member="m3"} 0`,
		`fettle_raft_alarm{alarm="NOSPACE",cluster="c",member="m3"} 0`,
		`fettle_sync_up{cluster="c",member="m3"} 0`, `fettle_sync_running{cluster="c",member="m3"} 0`,
		`fettle_collector_success{collector="raft"} 1`,
	)
	if measured := regexp.MustCompile(`(?m)^fettle_(raft_(term|\w+_index|db_\w+|learner)|sync_lag_entries)\{.*member="m3".*$`).FindAllString(got, -1); measured != nil {
		t.Errorf("measured of a dead member: %q", measured)
	}

	if err := c.Hang(ctx, "m2"); err != nil {
		t.Fatal(err)
	}
	p.await(t,
		`fettle_raft_margin{cluster="c"} -1`, `fettle_raft_has_leader{cluster="c"} 0`,
		`fettle_raft_member_reachable{cluster="c",member="m1"} 1`, `fettle_raft_member_reachable{cluster="c",member="m2"} 0`,
		`fettle_sync_running{cluster="c",member="m1"} 0`,
		`fettle_heartbeat_ok{cluster="c",from="m1",layer="application",member="m2"} 0`, `fettle_heartbeat_ok{cluster="c",from="m1",layer="data",member="m2"} 0`,
		`fettle_heartbeat_ok{cluster="c",from="m1",layer="network",member="m2"} 1`, // it hangs, its machine does not
		`fettle_heartbeat_ok{cluster="c",from="m2",layer="application",member="m1"} 1`,
		`fettle_collector_success{collector="raft"} 1`, `fettle_collector_timeout{collector="raft"} 0`,
	)

	if err := c.Kill("m2"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"m2", "m3"} {
		if err := c.StartMember(name); err != nil {
			t.Fatal(err)
		}
	}
	p.await(t, healthy...)
	p.stop(t)
}

// expectTargets asks for the cluster alone, for one of its members by name and by
// address, and for what is none of them.
func expectTargets(t *testing.T, p *process, specs []etcdproc.Spec) {
	t.Helper()
	const margin, m1, m2 = `fettle_raft_margin{cluster="c"} 1`, `fettle_raft_member_reachable{cluster="c",member="m1"} 1`, `fettle_sync_running{cluster="c",member="m2"} 1`
	for target, want := range map[string]string{
		"c": margin + " " + m1 + " " + m2, "c/m1": m1, "c/m2": m2,
		strings.TrimPrefix(specs[0].Client, "http://"): m1,
	} {
		for end := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) { // a member may answer too late for one
			text := p.scrape(t, "/probe?target="+target)
			var got []string
			for _, line := range []string{margin, m1, m2} {
				if strings.Contains(text, "\n"+line+"\n") {
					got = append(got, line)
				}
			}
			if strings.Join(got, " ") == want && strings.Contains(text, `fettle_collector_success{collector="raft"} 1`) {
				break
			}
			if time.Now().After(end) {
				t.Errorf("%s: got %v in\n%s", target, got, text)
				break
			}
		}
	}
	for _, target := range []string{"", "?target=", "?target=d", "?target=c/m9", "?target=127.0.0.1:1", "?target=" + specs[0].Client, "?target=c&target=c"} {
		if code, body := p.request(t, http.MethodGet, "/probe"+target); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", target, code, body)
		}
	}
}

// await scrapes until all of these lines are there, and returns that scrape.
func (p *process) await(t *testing.T, lines ...string) string {
	t.Helper()
	end := time.Now().Add(limit)
	for {
		got := p.scrape(t, "/metrics")
		missing := ""
		for _, line := range lines {
			if !strings.Contains(got, "\n"+line+"\n") {
				missing = line
			}
		}
		if missing == "" {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("no %s in\n%s", missing, got)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
