package etcd_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/programs"
)

// One cluster of three serves all tests that leave it as they found it.
var three struct {
	once sync.Once
	dir  string
	c    *etcdproc.Cluster
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if three.c != nil {
		if err := three.c.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if three.dir != "" {
		if err := os.RemoveAll(three.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func program(t testing.TB) string {
	t.Helper()
	p, err := programs.Find(t.Context(), "etcd", programs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Path
}

// patience bounds every wait of a test.
func patience(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// shared is the cluster of m1, m2, m3, healthy; the test's end makes it so again.
func shared(t testing.TB) *etcdproc.Cluster {
	t.Helper()
	path := program(t)
	three.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if three.dir, three.err = os.MkdirTemp("", "fettle-etcd-test"); three.err != nil {
			return
		}
		three.c, three.err = etcdproc.Start(ctx, path, three.dir, []string{"m1", "m2", "m3"}, etcdproc.Options{})
	})
	if three.err != nil {
		t.Fatal(three.err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for _, s := range three.c.Specs() {
			var err error
			if _, running := three.c.PID(s.Name); running {
				err = three.c.Signal(s.Name, syscall.SIGCONT)
			} else {
				err = three.c.StartMember(s.Name)
			}
			if err != nil {
				t.Error(err)
			}
		}
		if err := three.c.WaitHealthy(ctx, "m1", "m2", "m3"); err != nil {
			t.Error(err)
		}
	})
	return three.c
}

// single is a cluster of m1 alone, for tests that leave traces.
func single(t *testing.T, o etcdproc.Options) *etcdproc.Cluster {
	t.Helper()
	c, err := etcdproc.Start(patience(t), program(t), t.TempDir(), []string{"m1"}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func driver(t *testing.T, c cluster.Cluster) *etcd.Driver {
	t.Helper()
	d, err := etcd.New(c, etcd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// await polls until is says yes.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx := patience(t); !is(); {
		select {
		case <-ctx.Done():
			t.Fatal("did not come: " + what)
		case <-tick.C:
		}
	}
}

// leaderAndFollowers names the leader first.
func leaderAndFollowers(t *testing.T, d *etcd.Driver) (leader string, followers []string) {
	t.Helper()
	await(t, "a leader", func() bool {
		v := d.View(t.Context())
		m, ok := v.Leader()
		leader, followers = m.Name, nil
		for _, m := range v.Members {
			if m.Name != leader {
				followers = append(followers, m.Name)
			}
		}
		return ok
	})
	return leader, followers
}
