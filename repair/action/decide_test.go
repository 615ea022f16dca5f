package action

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// good is a member in order.
func good() Member {
	return Member{
		Service: cluster.Service{State: cluster.ServiceRunning, Identity: "2", Age: time.Second},
		WantID:  "a", ID: "a", Reachable: true, Leader: "b", Term: 3, Commit: 5000, Applied: 5000,
		Serializable: true, Linearizable: true, ClusterLeader: "b", LeaderCommit: 5000,
	}
}

func with(m Member, f func(*Member)) Member { f(&m); return m }

func TestMemberInOrder(t *testing.T) {
	for _, c := range []struct {
		name string
		m    Member
		want bool
	}{
		{"in order", good(), true},
		{"a little behind", with(good(), func(m *Member) { m.Applied = 4000 }), true},
		{"behind", with(good(), func(m *Member) { m.Applied = 3999 }), false},
		{"ahead of what its leader had committed", with(good(), func(m *Member) { m.Applied = 6000 }), true},
		{"another member answers", with(good(), func(m *Member) { m.ID = "c" }), false},
		{"an unknown member answers", with(good(), func(m *Member) { m.ID, m.WantID = "", "" }), false},
		{"sees no leader", with(good(), func(m *Member) { m.Leader = "" }), false},
		{"no quorum names a leader", with(good(), func(m *Member) { m.Leader, m.ClusterLeader = "", "" }), false},
		{"follows another leader than the quorum", with(good(), func(m *Member) { m.Leader = "a" }), false},
		{"its leader's commit is not known", with(good(), func(m *Member) { m.LeaderCommit = 0 }), false},
		{"no serializable read", with(good(), func(m *Member) { m.Serializable = false }), false},
		{"no linearizable read", with(good(), func(m *Member) { m.Linearizable = false }), false},
		{"not reachable", with(good(), func(m *Member) { m.Reachable = false }), false},
		{"its service cannot be asked", with(good(), func(m *Member) { m.Service = cluster.Service{State: cluster.ServiceUnknown} }), true},
		{"nothing", Member{}, false},
	} {
		if got := c.m.inOrder(1000); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestMemberStarted(t *testing.T) {
	dead := Member{WantID: "a", Service: cluster.Service{State: cluster.ServiceDead}, ClusterLeader: "b", LeaderCommit: 5000}
	ran := with(dead, func(m *Member) {
		m.Service = cluster.Service{State: cluster.ServiceRunning, Identity: "1"}
	})
	for _, c := range []struct {
		name        string
		before, now Member
		want        bool
	}{
		{"dead, now in order", dead, good(), true},
		{"not past what was committed before", dead, with(good(), func(m *Member) { m.Applied = 4999 }), false},
		{"ran, and another process runs now", ran, good(), true},
		{"ran, and still the same process", with(ran, func(m *Member) { m.Service.Identity = "2" }), good(), false},
		{"ran, and which process runs is not told", ran, with(good(), func(m *Member) { m.Service = cluster.Service{} }), false},
		{"dead still", dead, dead, false},
	} {
		if got := memberStarted(c.before, c.now, 1000); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestWaitsForQuorum(t *testing.T) {
	before := Member{Service: cluster.Service{State: cluster.ServiceDead}}
	now := Member{Service: cluster.Service{State: cluster.ServiceRunning, Identity: "2", Age: 5 * time.Second}, PeerPort: true}
	for _, c := range []struct {
		name string
		now  Member
		want bool
	}{
		{"lives 5 s, its peer port answers", now, true},
		{"systemd waits for its READY", with(now, func(m *Member) { m.Service.State = cluster.ServiceStarting }), true},
		{"too young", with(now, func(m *Member) { m.Service.Age = 4999 * time.Millisecond }), false},
		{"its peer port does not answer", with(now, func(m *Member) { m.PeerPort = false }), false},
		{"there is a leader: then it can be verified", with(now, func(m *Member) { m.ClusterLeader = "b" }), false},
		{"it sees a leader", with(now, func(m *Member) { m.Leader = "b" }), false},
		{"died", with(now, func(m *Member) { m.Service = cluster.Service{State: cluster.ServiceDead} }), false},
	} {
		if got := waitsForQuorum(before, c.now); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
	ran := Member{Service: cluster.Service{State: cluster.ServiceRunning, Identity: "2"}}
	if waitsForQuorum(ran, now) {
		t.Error("the process that ran before counts as started")
	}
}

func TestEnded(t *testing.T) {
	before := Member{Service: cluster.Service{State: cluster.ServiceRunning, Identity: "1"}, Hung: true}
	for _, c := range []struct {
		name string
		now  cluster.Service
		want bool
	}{
		{"dead", cluster.Service{State: cluster.ServiceDead}, true},
		{"about to be restarted", cluster.Service{State: cluster.ServiceAutoRestart}, true},
		{"another process", cluster.Service{State: cluster.ServiceStarting, Identity: "2"}, true},
		{"still there", cluster.Service{State: cluster.ServiceRunning, Identity: "1"}, false},
		{"on its way down", cluster.Service{State: cluster.ServiceStopping, Identity: "1"}, false},
		{"cannot tell", cluster.Service{State: cluster.ServiceUnknown}, false},
	} {
		if got := ended(before, Member{Service: c.now}); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestServiceDecisions(t *testing.T) {
	up := Service{Service: cluster.Service{State: cluster.ServiceRunning, Identity: "2"}}
	probed := Service{Service: up.Service, Probed: true, Answers: true}
	silent := Service{Service: up.Service, Probed: true, ProbeError: "refused"}
	down := Service{Service: cluster.Service{State: cluster.ServiceDead}}
	starting := Service{Service: cluster.Service{State: cluster.ServiceStarting, Identity: "2"}}
	old := Service{Service: cluster.Service{State: cluster.ServiceRunning, Identity: "1"}}
	for _, c := range []struct {
		name              string
		now               Service
		inOrder, restarts bool // restarts: counted from old
	}{
		{"up", up, true, true}, {"up and answers", probed, true, true}, {"up and silent", silent, false, false},
		{"down", down, false, false}, {"starting", starting, false, false}, {"the same process", old, true, false},
	} {
		if got := c.now.inOrder(); got != c.inOrder {
			t.Errorf("%s: in order %v", c.name, got)
		}
		if got := serviceRestarted(old, c.now); got != c.restarts {
			t.Errorf("%s: restarted %v", c.name, got)
		}
	}
	if !serviceRestarted(down, up) {
		t.Error("one that was down and runs counts as restarted")
	}
}

// bound has a line of a step in place of those that the playbook itself describes.
func bound(t *testing.T, table map[string]repair.ActionSpec) map[string]repair.ActionSpec {
	t.Helper()
	out := maps.Clone(table)
	for name, declared := range map[string]string{
		"exec": `{"argv":["/bin/true"],"creates":"/nothing/here"}`,
		"http": `{"method":"GET","url":"https://192.0.2.1/","unless":{"url":"https://192.0.2.1/"}}`,
	} {
		spec, err := table[name].Bind(repair.PlannedStep{Name: "s", Action: name, Declared: []byte(declared)})
		if err != nil {
			t.Fatal(err)
		}
		out[name] = spec
	}
	return out
}

// Done never panics on, and never believes, what another version or a torn record
// left behind.
func TestDoneOfForeignObservations(t *testing.T) {
	ok, err := good().observation("m1")
	if err != nil {
		t.Fatal(err)
	}
	foreign := []repair.Observation{{}, {Schema: "member/2", Data: ok.Data}, {Schema: ok.Schema, Data: []byte(`{"reachable":1}`)}, {Schema: ok.Schema}}
	for name, spec := range bound(t, Table(Deps{})) {
		for _, o := range foreign {
			if spec.Action.Done(nil, o) || spec.Action.Done(&o, ok) && spec.Sees == memberSchema || spec.Action.Done(&ok, o) {
				t.Errorf("%s is done by %+v", name, o)
			}
		}
	}
}

func TestEveryActionHasItsPage(t *testing.T) {
	table := Table(Deps{})
	for name, spec := range bound(t, table) {
		if spec.Name != name || spec.Sees == "" || (spec.Kind == "") == (table[name].Bind == nil) || spec.Does == "" || spec.Disturbs == "" || spec.Action == nil {
			t.Errorf("%s: %+v", name, spec)
		}
		page, err := os.ReadFile("../../docs/actions/" + name + ".md")
		if err != nil || !strings.HasPrefix(string(page), "# "+name+"\n") {
			t.Errorf("docs/actions/%s.md: %v", name, err)
		}
	}
}

func TestMayBegin(t *testing.T) {
	now := journal.Reading{Boot: "b", Since: 10 * time.Second}
	table := Table(Deps{Clock: func() journal.Reading { return now }})
	for name, spec := range bound(t, table) {
		for _, in := range []repair.Intent{{NotAfterBoot: "b", NotAfterSince: 9 * time.Second}, {NotAfterBoot: "other", NotAfterSince: time.Hour}} {
			// Services is nil: to begin would panic.
			if err := spec.Action.Apply(t.Context(), in); err == nil || !strings.Contains(err.Error(), "too late to begin") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestReachable(t *testing.T) {
	if err := reachable(fmt.Errorf("m1: %w", service.ErrNoAgent)); !errors.Is(err, repair.ErrAgent) {
		t.Errorf("got %v", err)
	}
	if err := reachable(fs.ErrNotExist); errors.Is(err, repair.ErrAgent) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestGoneByProbe(t *testing.T) {
	for _, c := range []struct {
		name string
		p    part
		want cluster.Answer
	}{
		{"answers", part{view: cluster.MemberView{Reachable: true}}, cluster.No},
		{"nothing answers", part{view: cluster.MemberView{Error: "refused"}}, cluster.Yes},
		{"waits for a quorum: only its peer port answers", part{peer: true}, cluster.No},
		{"refuses our certificate: its client port answers", part{client: true, view: cluster.MemberView{Error: "tls"}}, cluster.No},
	} {
		if got := c.p.goneByProbe(); got != c.want {
			t.Errorf("%s: got %s", c.name, got)
		}
	}
}
