package action

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/programs"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// supervisor is the service manager of an etcdproc cluster. It tells no age and no
// local proof, as a simple one does.
type supervisor struct{ c *etcdproc.Cluster }

func (s supervisor) Status(_ context.Context, t cluster.Target) (cluster.Service, error) {
	pid, ok := s.c.PID(t.Member.Name)
	if !ok {
		return cluster.Service{State: cluster.ServiceDead}, nil
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return cluster.Service{}, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return cluster.Service{State: cluster.ServiceRunning, Identity: fmt.Sprintf("%d@%s", pid, strings.Fields(rest)[19])}, nil
}

func (s supervisor) Start(_ context.Context, t cluster.Target) error {
	return s.c.StartMember(t.Member.Name)
}

func (s supervisor) Restart(context.Context, cluster.Target) error { return errors.ErrUnsupported }

func (s supervisor) Kill(ctx context.Context, t cluster.Target, identity string) error {
	now, err := s.Status(ctx, t)
	if err != nil {
		return err
	}
	if now.Identity != identity {
		return fmt.Errorf("%s runs: %w", now.Identity, service.ErrIdentity)
	}
	return s.c.Kill(t.Member.Name)
}

// ward is a real cluster of three, and the actions on it.
type ward struct {
	*testing.T
	*etcdproc.Cluster
	inventory cluster.Cluster
	driver    *etcd.Driver
	deps      Deps
	table     map[string]repair.ActionSpec
}

func newWard(t *testing.T) *ward {
	t.Helper()
	p, err := programs.Find(t.Context(), "etcd", programs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// What a member has applied is in its database at once, and not 100 ms later: its
	// name is, when it is killed.
	options := etcdproc.Options{Args: []string{"--backend-batch-limit=1"}}
	c, err := etcdproc.Start(ctx, p.Path, t.TempDir(), []string{"m1", "m2", "m3"}, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	clock, err := journal.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	w := &ward{T: t, Cluster: c, inventory: c.Inventory("demo")}
	w.deps = Deps{
		Services: supervisor{c}, Local: func(string) bool { return true }, Clock: clock, Served: &Served{},
		Hang: Hang{Silence: time.Second, Every: 50 * time.Millisecond, Replay: time.Hour},
	}
	w.connect()
	return w
}

// connect makes a driver and actions without any memory, as a restarted fettle has.
func (w *ward) connect() {
	w.Helper()
	d, err := etcd.New(w.inventory, etcd.Options{Timeout: 200 * time.Millisecond})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = d.Close() })
	w.driver = d
	w.deps.Etcd = func(name string) (*etcd.Driver, bool) { return d, name == "demo" }
	w.table = Table(w.deps)
}

func (w *ward) target(name string) cluster.Target {
	w.Helper()
	t, err := cluster.Inventory{Clusters: []cluster.Cluster{w.inventory}}.Resolve(cluster.KindEtcd, "demo", name)
	if err != nil {
		w.Fatal(err)
	}
	return t
}

func (w *ward) look(name string) (repair.Sighting, Member, cluster.Sight) {
	w.Helper()
	s, err := w.table["member-start"].Action.Observe(w.Context(), w.target(name))
	if err != nil {
		w.Fatal(err)
	}
	m, ok := repair.Unpack[Member](s.Observation, memberSchema)
	if !ok || len(s.Facts.Sights) == 0 || s.Facts.Sights[0].Member != name || s.Facts.View == nil {
		w.Fatalf("look: %+v", s)
	}
	return s, m, s.Facts.Sights[0]
}

// until looks until ok says so.
func (w *ward) until(what, name string, ok func(repair.Sighting, Member, cluster.Sight) bool) repair.Sighting {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		s, m, sight := w.look(name)
		if ok(s, m, sight) {
			return s
		}
		if time.Now().After(deadline) {
			w.Fatalf("waited a minute in vain until %s: %s\n%+v\n%+v", what, s.Observation.Says, m, sight)
		}
	}
}

func (w *ward) done(action string, before *repair.Sighting, now repair.Sighting) bool {
	if before == nil {
		return w.table[action].Action.Done(nil, now.Observation)
	}
	return w.table[action].Action.Done(&before.Observation, now.Observation)
}

// apply does it as the engine would, with what was seen before.
func (w *ward) apply(action, name string, before repair.Sighting) error {
	now := w.deps.Clock()
	return w.table[action].Action.Apply(w.Context(), repair.Intent{
		ID: "i", Action: action, Target: w.target(name), Before: before.Observation,
		NotAfterBoot: now.Boot, NotAfterSince: now.Since + 5*time.Second,
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
