package etcdproc_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/programs"
)

func TestPlan(t *testing.T) {
	specs, err := etcdproc.Plan("/data", []string{"m1", "m2"}, etcdproc.Options{Quota: 7, Args: []string{"--x"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(specs) != 2 {
		t.Fatalf("%d specs", len(specs))
	}
	seen := map[string]bool{}
	for _, s := range specs {
		for _, u := range []string{s.Client, s.Peer} {
			if !strings.HasPrefix(u, "http://127.0.0.1:") || seen[u] {
				t.Errorf("%s: URL %s is not loopback's, or taken twice", s.Name, u)
			}
			seen[u] = true
		}
		if want := filepath.Join("/data", s.Name, "data"); s.DataDir != want {
			t.Errorf("data directory %s, want %s", s.DataDir, want)
		}
		all := strings.Join(s.Args, " ")
		for _, want := range []string{
			"--name=" + s.Name, "--initial-cluster=m1=" + specs[0].Peer + ",m2=" + specs[1].Peer,
			"--heartbeat-interval=50", "--election-timeout=500", "--quota-backend-bytes=7", "--x",
		} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %s in %s", s.Name, want, all)
			}
		}
	}
}

func TestJoin(t *testing.T) {
	specs, err := etcdproc.Plan("/data", []string{"m1"}, etcdproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := etcdproc.Join("/data", "m2", specs, etcdproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(s.Args, " ")
	for _, want := range []string{"--initial-cluster-state=existing", "m1=" + specs[0].Peer, "m2=" + s.Peer} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in %s", want, all)
		}
	}
}

func TestLife(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	program, err := programs.Find(ctx, "etcd", programs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := etcdproc.Start(ctx, program.Path, t.TempDir(), []string{"m1"}, etcdproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	first, ok := c.PID("m1")
	if !ok {
		t.Fatal("no pid")
	}
	if err := c.StartMember("m1"); err == nil {
		t.Error("started twice")
	}
	if err := c.Kill("m1"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(first, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("pid %d after Kill: %v", first, err)
	}
	if err := c.Kill("m1"); err == nil {
		t.Error("killed twice")
	}
	if err := c.WaitHealthy(ctx, "m1"); err == nil || !strings.Contains(err.Error(), "not running") {
		t.Errorf("waiting for a dead member: %v", err)
	}
	if err := c.StartMember("m1"); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitHealthy(ctx, "m1"); err != nil {
		t.Fatal(err)
	}
	if err := c.Hang(ctx, "m1"); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil { // a hung one, too
		t.Fatal(err)
	}
	if pid, ok := c.PID("m1"); ok {
		t.Errorf("pid %d still runs", pid)
	}
}

func TestStartFails(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	program, err := programs.Find(ctx, "etcd", programs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = etcdproc.Start(ctx, program.Path, t.TempDir(), []string{"m1"}, etcdproc.Options{Args: []string{"--no-such-flag"}})
	if err == nil || !strings.Contains(err.Error(), "no-such-flag") {
		t.Errorf("want the program's own words, got %v", err)
	}
}
