package etcd_test

import (
	"errors"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/etcdproc"
)

func TestDiscover(t *testing.T) {
	c := shared(t)
	spec, _ := c.Spec("m2")
	got, err := etcd.Discover(t.Context(), spec.Client+"/", cluster.TLS{}, cluster.Login{}, etcd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got.ID == "" || len(got.Members) != 3 || got.Named() != nil {
		t.Fatalf("%+v, %v", got, got.Named())
	}
	for i, m := range got.Members {
		want := c.Specs()[i]
		if m.Name != want.Name || m.Endpoint != want.Client || m.PeerURLs[0] != want.Peer || m.ID == "" || m.Version == "" || m.Error != "" || m.Learner {
			t.Errorf("member %d: %+v", i, m)
		}
	}
	_, err = etcd.Discover(t.Context(), spec.Peer, cluster.TLS{}, cluster.Login{}, etcd.Options{})
	if err == nil || !strings.Contains(err.Error(), "is a member's peer port: give its client URL") {
		t.Errorf("asked at a peer port: %v", err)
	}
	for _, url := range []string{"http://127.0.0.1:1", strings.Replace(spec.Client, "http:", "https:", 1)} {
		if _, err = etcd.Discover(t.Context(), url, cluster.TLS{}, cluster.Login{}, etcd.Options{}); err == nil || !strings.Contains(err.Error(), url) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// A member that was added and never started has no name, and another may have taken one.
func TestDiscoverWithoutNames(t *testing.T) {
	c := single(t, etcdproc.Options{})
	spec, err := etcdproc.Join(t.TempDir(), "m2", c.Specs(), etcdproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pb.NewClusterClient(dial(t, c.Specs()[0])).MemberAdd(patience(t), &pb.MemberAddRequest{PeerURLs: []string{spec.Peer}, IsLearner: true}); err != nil {
		t.Fatal(err)
	}
	got, err := etcd.Discover(t.Context(), c.Specs()[0].Client, cluster.TLS{}, cluster.Login{}, etcd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = got.Named()
	if !errors.Is(err, etcd.ErrNoNames) || !strings.Contains(err.Error(), spec.Peer) || !strings.Contains(err.Error(), "etcdctl member remove") {
		t.Errorf("without a name: %v", err)
	}
	for _, m := range got.Members {
		if m.Name == "" && (!m.Learner || m.Endpoint != "" || m.Error != "it advertises no client URL") {
			t.Errorf("the one without: %+v", m)
		}
	}
	twice := etcd.Discovered{Members: []etcd.Found{{ID: "1", Name: "default"}, {ID: "2", Name: "default"}}}
	if err := twice.Named(); err == nil || !strings.Contains(err.Error(), `members 1 and 2 are both called "default"`) {
		t.Errorf("two of one name: %v", err)
	}
}

func TestFront(t *testing.T) {
	c := shared(t)
	d := driver(t, c.Inventory("c"))
	f, err := d.Front(t.Context(), "m1")
	if err != nil || f.Date.IsZero() || f.Asked.IsZero() || !f.CertificateEnd.IsZero() {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := d.Front(t.Context(), "m9"); err == nil {
		t.Error("no such member, and a front")
	}
}
