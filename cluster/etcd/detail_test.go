package etcd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/authpb"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/etcdproc"
)

// watching is a driver as the exporter makes it, with a canary.
func watching(t *testing.T, c cluster.Cluster) *etcd.Driver {
	t.Helper()
	c.Etcd.Canary.Prefix = "/fettle/canary/"
	d, err := etcd.New(c, etcd.Options{Detail: true, Canary: true})
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

// detail is a member's, which must be there.
func detail(t *testing.T, v cluster.View, name string) *etcd.Member {
	t.Helper()
	m, _ := v.Member(name)
	told, ok := m.Detail.(*etcd.Member)
	if !ok {
		t.Fatalf("%s has no detail: %+v", name, m)
	}
	return told
}

func TestDetail(t *testing.T) {
	c := shared(t)
	d := watching(t, c.Inventory("c"))
	await(t, "connections between all", func() bool {
		v := d.View(t.Context())
		for _, m := range v.Members {
			if told := detail(t, v, m.Name); told.Seen != 2 || told.Connected != 2 {
				return false
			}
		}
		return true
	})
	v := d.View(t.Context())
	for _, m := range v.Members {
		told := detail(t, v, m.Name)
		if told.Listed != cluster.Yes || told.Page == nil || told.PageError != "" || len(told.Page.Peers) != 2 {
			t.Fatalf("%s: %+v", m.Name, told)
		}
		if told.Canary == nil || !told.Canary.Success || told.Canary.Took <= 0 {
			t.Errorf("%s: %+v", m.Name, told.Canary)
		}
		if all := told.Page.Values; all["etcd_server_has_leader"] != 1 || all["etcd_disk_wal_fsync_duration_seconds_count"] == 0 || all["etcd_disk_wal_fsync_duration_seconds_bucket"] == 0 {
			t.Errorf("%s: %v", m.Name, all)
		}
		for _, p := range told.Page.Peers {
			if p.Name == m.Name || p.Values["etcd_network_active_peers"] < 1 {
				t.Errorf("%s: %+v", m.Name, p)
			}
		}
		if m.DBQuota == 0 {
			t.Errorf("%s: no quota", m.Name)
		}
	}
	// Without the options nobody is asked for more, and nothing is written.
	if m := driver(t, c.Inventory("c")).View(t.Context()).Members[0]; m.Detail != nil {
		t.Errorf("%+v", m.Detail)
	}
}

func TestSnapshot(t *testing.T) {
	c := single(t, etcdproc.Options{Args: []string{"--snapshot-count=10"}})
	d := watching(t, c.Inventory("c"))
	var s *etcd.Snapshot
	await(t, "a snapshot", func() bool {
		s = detail(t, d.View(t.Context()), "m1").Snapshot // each look writes one entry
		return s != nil
	})
	v := d.View(t.Context())
	if s.Index == 0 || s.Index > v.Members[0].Applied || s.Time.IsZero() {
		t.Errorf("%+v beside %+v", s, v.Members[0])
	}
	await(t, "that it is counted", func() bool {
		return detail(t, d.View(t.Context()), "m1").Page.Values["etcd_debugging_snap_save_total_duration_seconds_count"] >= 1
	})
	// A directory of another member's, under the path that is this one's on its host.
	inventory := shared(t).Inventory("c")
	for i := range inventory.Members {
		inventory.Members[i].DataDir = c.Specs()[0].DataDir
	}
	strange := watching(t, inventory).View(t.Context())
	for _, m := range strange.Members {
		if s := detail(t, strange, m.Name).Snapshot; s != nil {
			t.Errorf("%s: took %+v for its own", m.Name, s)
		}
	}
}

// The rights that docs/drivers/etcd.md names are enough, and less is told as such.
func TestRights(t *testing.T) {
	const secret = "s3cret-canary"
	c := single(t, etcdproc.Options{})
	auth, ctx := pb.NewAuthClient(dial(t, c.Specs()[0])), patience(t)
	for _, do := range []func() error{
		func() error { return user(ctx, auth, "root", secret, "root") },
		func() error { return user(ctx, auth, "look", secret) },
		func() error {
			_, err := auth.RoleAdd(ctx, &pb.AuthRoleAddRequest{Name: "canary"})
			return err
		},
		func() error {
			_, err := auth.RoleGrantPermission(ctx, &pb.AuthRoleGrantPermissionRequest{Name: "canary", Perm: &authpb.Permission{
				PermType: authpb.WRITE, Key: []byte("/fettle/canary/"), RangeEnd: []byte("/fettle/canary0"),
			}})
			return err
		},
		func() error { return user(ctx, auth, "write", secret, "canary") },
		func() error {
			_, err := auth.AuthEnable(ctx, &pb.AuthEnableRequest{})
			return err
		},
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	login := func(user, password string) cluster.Login {
		if user == "" {
			return cluster.Login{}
		}
		path := filepath.Join(dir, user+password)
		if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return cluster.Login{Username: user, PasswordFile: path}
	}
	for name, tc := range map[string]struct {
		read, write cluster.Login
		prefix      string
		canary      string // the reason; "": it succeeds
	}{
		"who writes is another than who reads":   {login("look", secret), login("write", secret), "/fettle/canary/", ""},
		"one does both":                          {login("write", secret), login("", ""), "/fettle/canary/", ""},
		"who reads may not write":                {login("look", secret), login("", ""), "/fettle/canary/", "auth"},
		"nor beside the prefix":                  {login("look", secret), login("write", secret), "/registry/", "auth"},
		"a wrong password":                       {login("look", secret), login("write", "wrong-"+secret), "/fettle/canary/", "auth"},
		"a password file that is not there":      {login("look", secret), cluster.Login{Username: "write", PasswordFile: filepath.Join(dir, "nothing")}, "/fettle/canary/", "auth"},
		"nobody may write without a login":       {login("", ""), login("", ""), "/fettle/canary/", "auth"},
		"who reads is wrong, and writes are not": {login("look", "wrong-"+secret), login("write", secret), "/fettle/canary/", "auth or not"},
	} {
		t.Run(name, func(t *testing.T) {
			inventory := c.Inventory("c")
			inventory.Read, inventory.Etcd.Canary.Login, inventory.Etcd.Canary.Prefix = tc.read, tc.write, tc.prefix
			// A login costs the member a password hash, which a busy machine takes its time for.
			inventory.Etcd.Canary.Timeout = 10 * time.Second
			d, err := etcd.New(inventory, etcd.Options{Detail: true, Canary: true, Timeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			v := d.View(t.Context())
			m, told := v.Members[0], detail(t, v, "m1")
			if tc.canary != "auth or not" && (told.Canary == nil || told.Canary.Reason != tc.canary || told.Canary.Success != (tc.canary == "")) {
				t.Errorf("canary %+v, want %q", told.Canary, tc.canary)
			}
			if tc.read.Username == "look" && strings.HasSuffix(tc.read.PasswordFile, "look"+secret) && (!m.Reachable || told.Page == nil) {
				t.Errorf("%+v", m)
			}
			if !m.Reachable && (m.Error != "auth" || m.Why == "") {
				t.Errorf("%+v", m)
			}
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if all := string(text) + fmt.Sprintf("%+v", *told) + fmt.Sprintf("%+v", told.Canary); strings.Contains(all, secret) {
				t.Errorf("a password is told: %s", all)
			}
		})
	}
}

func user(ctx context.Context, auth pb.AuthClient, name, password string, roles ...string) error {
	if _, err := auth.UserAdd(ctx, &pb.AuthUserAddRequest{Name: name, Password: password}); err != nil {
		return err
	}
	for _, role := range roles {
		if _, err := auth.UserGrantRole(ctx, &pb.AuthUserGrantRoleRequest{User: name, Role: role}); err != nil {
			return err
		}
	}
	return nil
}

// Over TLS with client certificates all of it works the same, the page too.
func TestDetailOverTLS(t *testing.T) {
	files := certificates(t)
	c := single(t, etcdproc.Options{TLS: files})
	v := watching(t, c.Inventory("c")).View(t.Context())
	if told := detail(t, v, "m1"); told.Page == nil || told.Canary == nil || !told.Canary.Success {
		t.Errorf("%+v", told)
	}
	inventory := c.Inventory("c")
	inventory.TLS.CAFile = certificates(t).CAFile
	v = watching(t, inventory).View(t.Context())
	if told := detail(t, v, "m1"); told.Page != nil || told.PageError != "tls" || told.Canary == nil || told.Canary.Reason != "tls" || v.Members[0].Why == "" {
		t.Errorf("%+v, %+v", told, v.Members[0])
	}
}
