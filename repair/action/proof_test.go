package action

import (
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

func TestProve(t *testing.T) {
	dead := cluster.Service{State: cluster.ServiceDead}
	told := func(ok bool, id string) cluster.Service {
		return cluster.Service{State: cluster.ServiceDead, DataDirOK: &ok, MemberID: id}
	}
	a := expected{name: "m1", ids: []string{"a"}, clusterID: "c"}
	nobody := expected{name: "m1"}
	of := func(id string) etcd.DataDir {
		return etcd.DataDir{NodeID: id, ClusterID: "c", Names: map[string]string{"a": "m1", "b": "m2"}}
	}
	for _, c := range []struct {
		name     string
		s        cluster.Service
		want     expected
		readable bool
		read     etcd.DataDir
		err      error
		answer   cluster.Answer
		reason   string
	}{
		{"its own", dead, a, true, of("a"), nil, cluster.Yes, ""},
		{"another member's", dead, a, true, of("b"), nil, cluster.No, "other-member"},
		{"of another cluster", dead, expected{name: "m1", ids: []string{"a"}, clusterID: "d"}, true, of("a"), nil, cluster.No, "other-member"},
		{"not the pinned one", dead, expected{name: "m1", ids: []string{"a", "b"}}, true, of("a"), nil, cluster.No, "other-member"},
		{"empty", dead, a, true, etcd.DataDir{Empty: true}, etcd.ErrEmptyDataDir, cluster.No, "empty-data-dir"},
		{"not there", dead, a, true, etcd.DataDir{}, etcd.ErrNoDataDir, cluster.No, "no-data-dir"},
		{"not readable", dead, a, true, etcd.DataDir{}, etcd.ErrNotReadable, cluster.Unknown, "not-readable"},
		{"damaged", dead, a, true, etcd.DataDir{}, etcd.ErrDamaged, cluster.Unknown, "not-readable"},
		{"no ID known, its own name", dead, nobody, true, of("a"), nil, cluster.Yes, ""},
		{"no ID known, another's name", dead, nobody, true, of("b"), nil, cluster.No, "other-member"},
		{"no ID known, no names", dead, nobody, true, etcd.DataDir{NodeID: "a"}, nil, cluster.Unknown, "not-told"},
		{"runs", cluster.Service{State: cluster.ServiceRunning, Identity: "1"}, a, true, of("a"), nil, cluster.No, "process-runs"},
		{"starts", cluster.Service{State: cluster.ServiceStarting, Identity: "1"}, a, true, of("a"), nil, cluster.No, "process-runs"},
		{"stops", cluster.Service{State: cluster.ServiceStopping, Identity: "1"}, a, true, of("a"), nil, cluster.No, "process-runs"},
		{"cannot tell whether it runs", cluster.Service{State: cluster.ServiceUnknown}, a, true, of("a"), nil, cluster.Unknown, "not-told"},
		{"nobody asked", cluster.Service{}, a, true, of("a"), nil, cluster.Unknown, "not-told"},
		{"about to be restarted", cluster.Service{State: cluster.ServiceAutoRestart}, a, true, of("a"), nil, cluster.Yes, ""},
		{"elsewhere, nothing told", dead, a, false, etcd.DataDir{}, nil, cluster.Unknown, "not-told"},
		{"elsewhere, told its own", told(true, "a"), a, false, etcd.DataDir{}, nil, cluster.Yes, ""},
		{"elsewhere, told another's", told(true, "b"), a, false, etcd.DataDir{}, nil, cluster.No, "other-member"},
		{"elsewhere, told no ID", told(true, ""), a, false, etcd.DataDir{}, nil, cluster.Unknown, "not-told"},
		{"elsewhere, no ID known", told(true, "a"), nobody, false, etcd.DataDir{}, nil, cluster.Unknown, "not-told"},
		{"elsewhere, told that it is not there", told(false, "a"), a, false, etcd.DataDir{}, nil, cluster.No, "no-data-dir"},
		{"here, the status command says no", told(false, "a"), a, true, of("a"), nil, cluster.No, "no-data-dir"},
		{"here, the status command says yes, and it is another's", told(true, "a"), a, true, of("b"), nil, cluster.No, "other-member"},
	} {
		p := prove(c.s, c.want, "/data", c.readable, c.read, c.err)
		if p.Answer != c.answer || p.Reason != c.reason || p.Detail == "" {
			t.Errorf("%s: got %+v", c.name, p)
		}
	}
}
