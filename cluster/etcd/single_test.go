package etcd_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/etcdproc"
)

// dial connects as an etcd client that may write.
func dial(t *testing.T, s etcdproc.Spec) *grpc.ClientConn {
	t.Helper()
	host := strings.TrimPrefix(s.Client, "http://")
	cc, err := grpc.NewClient("passthrough:///"+host, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cc.Close(); err != nil {
			t.Error(err)
		}
	})
	return cc
}

func TestLearner(t *testing.T) {
	c := single(t, etcdproc.Options{})
	cc := dial(t, c.Specs()[0])
	spec, err := etcdproc.Join(t.TempDir(), "m2", c.Specs(), etcdproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = pb.NewClusterClient(cc).MemberAdd(patience(t), &pb.MemberAddRequest{PeerURLs: []string{spec.Peer}, IsLearner: true})
	if err != nil {
		t.Fatal(err)
	}
	alone := c.Inventory("c")
	c.Add(spec)
	d := driver(t, c.Inventory("c"))

	// Added, never started: known by its peer URL, and no voter.
	v := d.View(t.Context())
	if m, _ := v.Member("m2"); m.Reachable || !m.Learner || m.ID == "" || len(v.Unlisted) != 0 {
		t.Errorf("before its start: %+v", v)
	}
	if err := c.StartMember("m2"); err != nil {
		t.Fatal(err)
	}
	await(t, "the learner caught up", func() bool {
		v = d.View(t.Context())
		m, _ := v.Member("m2")
		return m.Reachable && m.Learner && m.Leader != "" && m.Applied == v.Members[0].Applied
	})
	if v.Voters() != 1 || v.VotersReachable() != 1 || v.Margin() != 0 || v.Mismatch {
		t.Errorf("voters %d, reachable %d, margin %d, %+v", v.Voters(), v.VotersReachable(), v.Margin(), v)
	}
	h, err := d.Health(t.Context(), "m2")
	if err != nil {
		t.Fatal(err)
	}
	if !h.Serializable || h.Linearizable || h.Error != "other" {
		t.Errorf("a learner's health: %+v", h)
	}

	// The same, looked at by an inventory that does not have it.
	v = driver(t, alone).View(t.Context())
	if !slices.Equal(v.Unlisted, []string{"m2"}) || v.UnlistedLearners != 1 || v.Voters() != 1 {
		t.Errorf("unlisted learner: %+v", v)
	}
}

func TestNoSpace(t *testing.T) {
	c := single(t, etcdproc.Options{Quota: 128 << 10})
	kv := pb.NewKVClient(dial(t, c.Specs()[0]))
	d := driver(t, c.Inventory("c"))
	value := make([]byte, 16<<10)
	var m cluster.MemberView
	await(t, "the alarm", func() bool {
		if _, err := kv.Put(patience(t), &pb.PutRequest{Key: []byte("k"), Value: value}); err != nil && !strings.Contains(err.Error(), "space") {
			t.Fatal(err)
		}
		m = d.View(t.Context()).Members[0]
		return len(m.Alarms) > 0
	})
	if !slices.Equal(m.Alarms, []string{"NOSPACE"}) || !m.AlarmsRead || !m.Reachable || m.DBSize == 0 {
		t.Errorf("with an alarm: %+v", m)
	}
	if m.DBQuota != 0 && m.DBQuota != 128<<10 {
		t.Errorf("quota %d", m.DBQuota)
	}
}

func TestAuth(t *testing.T) {
	c := single(t, etcdproc.Options{})
	auth := pb.NewAuthClient(dial(t, c.Specs()[0]))
	ctx := patience(t)
	for name, do := range map[string]func() error{
		"root": func() error {
			if _, err := auth.UserAdd(ctx, &pb.AuthUserAddRequest{Name: "root", Password: "r"}); err != nil {
				return err
			}
			_, err := auth.UserGrantRole(ctx, &pb.AuthUserGrantRoleRequest{User: "root", Role: "root"})
			return err
		},
		"look": func() error {
			_, err := auth.UserAdd(ctx, &pb.AuthUserAddRequest{Name: "look", Password: "s3cret"})
			return err
		},
	} {
		if err := do(); err != nil {
			t.Fatalf("user %s: %v", name, err)
		}
	}
	dir := t.TempDir()
	password := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	login := func(user, file string) cluster.Cluster {
		inv := c.Inventory("c")
		inv.Read = cluster.Login{Username: user, PasswordFile: file}
		return inv
	}
	right := password("right", "s3cret\n")

	t.Run("off", func(t *testing.T) {
		h, err := driver(t, login("look", right)).Health(t.Context(), "m1")
		if err != nil || !h.Linearizable {
			t.Errorf("%+v, %v", h, err)
		}
	})
	if _, err := auth.AuthEnable(ctx, &pb.AuthEnableRequest{}); err != nil {
		t.Fatal(err)
	}
	t.Run("right", func(t *testing.T) {
		d := driver(t, login("look", right))
		if v := d.View(t.Context()); !v.Members[0].Reachable {
			t.Errorf("view: %+v", v)
		}
		// The user has no role: permission denied is an answer.
		h, err := d.Health(t.Context(), "m1")
		if err != nil || !h.Serializable || !h.Linearizable || h.Error != "" {
			t.Errorf("%+v, %v", h, err)
		}
	})
	for name, inv := range map[string]cluster.Cluster{
		"wrong":   login("look", password("wrong", "guess")),
		"no file": login("look", filepath.Join(dir, "nothing")),
		"nobody":  c.Inventory("c"),
	} {
		t.Run(name, func(t *testing.T) {
			d := driver(t, inv)
			for range 2 {
				h, err := d.Health(t.Context(), "m1")
				switch {
				case err != nil: // where Status asks for a login
					if !strings.Contains(err.Error(), "auth") {
						t.Errorf("error %v", err)
					}
				case h.Serializable || h.Linearizable || h.Error != "auth":
					t.Errorf("%+v", h)
				}
				if err != nil && (strings.Contains(err.Error(), "guess") || strings.Contains(err.Error(), "s3cret")) {
					t.Errorf("the password is in the error: %v", err)
				}
				if m := d.View(t.Context()).Members[0]; !m.Reachable && m.Error != "auth" {
					t.Errorf("%+v", m)
				}
			}
		})
	}
	t.Run("password corrected", func(t *testing.T) {
		file := password("late", "guess")
		now := time.Now()
		// Each try costs the member a password hash, which a busy machine takes its time for.
		d, err := etcd.New(login("look", file), etcd.Options{Timeout: 10 * time.Second, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		h, err := d.Health(t.Context(), "m1")
		if err == nil && h.Error != "auth" {
			t.Fatalf("%+v", h)
		}
		password("late", "s3cret")
		now = now.Add(time.Minute)
		h, err = d.Health(t.Context(), "m1")
		if err != nil || !h.Linearizable {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

func TestTLS(t *testing.T) {
	files := certificates(t)
	c := single(t, etcdproc.Options{TLS: files})
	d := driver(t, c.Inventory("c"))
	if v := d.View(t.Context()); !v.Members[0].Reachable || v.Members[0].ID == "" {
		t.Errorf("view: %+v", v)
	}
	if p, err := d.PeerMembers(t.Context(), "m1"); err != nil || len(p.Members) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	if client, peer := d.Answers(t.Context(), "m1"); !client || !peer {
		t.Errorf("answers %v, %v", client, peer)
	}
	if _, err := driver(t, c.Inventory("c")).ReceivedFrom(t.Context(), "m1"); err == nil {
		t.Error("m1 has no peers")
	}

	foreign := certificates(t)
	for name, conf := range map[string]cluster.TLS{
		"wrong CA":              {CAFile: foreign.CAFile, CertFile: files.CertFile, KeyFile: files.KeyFile},
		"wrong certificate":     {CAFile: files.CAFile, CertFile: foreign.CertFile, KeyFile: foreign.KeyFile},
		"no certificate":        {CAFile: files.CAFile},
		"system's roots":        {},
		"another server's name": {CAFile: files.CAFile, CertFile: files.CertFile, KeyFile: files.KeyFile, ServerName: "elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			inv := c.Inventory("c")
			inv.TLS = conf
			d := driver(t, inv)
			if m := d.View(t.Context()).Members[0]; m.Reachable || m.Error != "tls" {
				t.Errorf("%+v", m)
			}
			if _, err := d.PeerMembers(t.Context(), "m1"); err == nil {
				t.Error("membership told")
			}
			if client, peer := d.Answers(t.Context(), "m1"); !client || !peer {
				t.Errorf("alive, if not to be believed: answers %v, %v", client, peer)
			}
		})
	}

	if err := c.Hang(patience(t), "m1"); err != nil {
		t.Fatal(err)
	}
	if m := driver(t, c.Inventory("c")).View(t.Context()).Members[0]; m.Error != "timeout" {
		t.Errorf("hung: %+v", m)
	}
	if client, peer := d.Answers(t.Context(), "m1"); client || peer {
		t.Errorf("hung: answers %v, %v", client, peer)
	}
}

// A deadline of the caller's ends a look before the driver's own.
func TestCallersDeadline(t *testing.T) {
	c := shared(t)
	d, err := etcd.New(c.Inventory("c"), etcd.Options{Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := c.Hang(patience(t), "m1"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	v := d.View(ctx)
	if m, _ := v.Member("m1"); m.Reachable || m.Error != "timeout" {
		t.Errorf("%+v", m)
	}
	if v.VotersReachable() != 2 {
		t.Errorf("%+v", v)
	}
}
