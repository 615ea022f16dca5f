//go:build servers

package redis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/redistest"
	"github.com/fettle-io/fettle/internal/servertest"
)

const canary = "canary-5d1f77"

func secret(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The rights that docs/collectors/redis.md names are enough, and none is too many.
func TestRights(t *testing.T) {
	user := "user fettle on >" + canary + " -@all +info"
	s := redistest.Start(t, "r0", user)
	sentinel := redistest.Sentinel(t, "s0", s.Address, 1, "user fettle on >"+canary+" -@all +sentinel|master +sentinel|replicas +sentinel|ckquorum")
	c := (&redistest.Set{Primary: s}).Inventory("c")
	c.Read = cluster.Login{Username: "fettle", PasswordFile: secret(t, canary)}
	c.Redis = cluster.Redis{Sentinels: []string{sentinel.Address}, Master: "main", Read: c.Read}
	await(t, driver(t, c), "all of it is told", func(v cluster.View) bool {
		w, ok := v.Witnesses[0].Detail.(*Sentinel)
		return shown(v) == "r0: primary up running" && ok && w.Usable && w.Primary == "r0" && v.Detail.(*Summary).Agreed
	})
	if log := s.Do("ACL", "LOG"); log != "" {
		t.Errorf("a command was refused: %s", log)
	}

	c.Redis.Config = true
	v := patient(t, c).View(t.Context())
	if shown(v) != "r0: primary up running" || of(v, 0).Snapshots != nil {
		t.Errorf("without +config|get: %s, snapshots %v", shown(v), of(v, 0).Snapshots)
	}
	s.Do("ACL", "SETUSER", "fettle", "+config|get")
	for save, want := range map[string]bool{"": false, "3600 1": true} {
		s.Do("CONFIG", "SET", "save", save)
		v := patient(t, c).View(t.Context())
		if got := of(v, 0).Snapshots; got == nil || *got != want {
			t.Errorf("save %q: snapshots %v", save, got)
		}
	}

	s.Do("ACL", "SETUSER", "fettle", "-info")
	sentinel.Do("ACL", "SETUSER", "fettle", "-sentinel|ckquorum")
	v = patient(t, c).View(t.Context())
	if m := v.Members[0]; m.Error != cluster.BadAuth || !strings.Contains(m.Why, "NOPERM") {
		t.Errorf("without +info: %+v", m)
	}
	if m := v.Witnesses[0]; m.Error != cluster.BadAuth || !strings.Contains(m.Why, "NOPERM") {
		t.Errorf("without +sentinel|ckquorum: %+v", m)
	}
}

func TestLogins(t *testing.T) {
	s := redistest.Start(t, "r0", "requirepass "+canary, "user fettle on >other -@all +info")
	s.Password = canary
	open := redistest.Start(t, "r1")
	for _, tc := range []struct {
		name   string
		server *redistest.Server
		read   cluster.Login
		want   string
	}{
		{"requirepass", s, cluster.Login{PasswordFile: secret(t, canary)}, ""},
		{"a user", s, cluster.Login{Username: "fettle", PasswordFile: secret(t, "other")}, ""},
		{"none", s, cluster.Login{}, cluster.BadAuth},
		{"another password", s, cluster.Login{PasswordFile: secret(t, "wrong-"+canary)}, cluster.BadAuth},
		{"another user", s, cluster.Login{Username: "nobody", PasswordFile: secret(t, canary)}, cluster.BadAuth},
		{"a password that nobody wants", open, cluster.Login{PasswordFile: secret(t, canary)}, cluster.BadAuth},
		{"no file", s, cluster.Login{PasswordFile: "/nowhere/password"}, cluster.BadAuth},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := (&redistest.Set{Primary: tc.server}).Inventory("c")
			c.Read = tc.read
			m := patient(t, c).View(t.Context()).Members[0]
			if m.Error != tc.want || m.Reachable != (tc.want == "") || strings.Contains(m.Why, canary) {
				t.Errorf("%q (%s), want %q", m.Error, m.Why, tc.want)
			}
		})
	}
}

func TestPasswordIsReadAnew(t *testing.T) {
	s := redistest.Start(t, "r0", "requirepass first")
	s.Password = "first"
	c := (&redistest.Set{Primary: s}).Inventory("c")
	c.Read.PasswordFile = secret(t, "first")
	d := driver(t, c)
	await(t, d, "it answers", func(v cluster.View) bool { return v.Members[0].Reachable })
	if err := os.WriteFile(c.Read.PasswordFile, []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Do("CONFIG", "SET", "requirepass", "second")
	s.Password = "second"
	s.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	await(t, d, "it answers again", func(v cluster.View) bool { return v.Members[0].Reachable })
}

func TestTLS(t *testing.T) {
	ca, other := certtest.New(t, "ca"), certtest.New(t, "other")
	pair := ca.Issue(t.TempDir(), time.Hour, "127.0.0.1")
	address := servertest.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	plain := redistest.Start(t, "r0", "tls-port "+port, "tls-cert-file "+pair.CertFile, "tls-key-file "+pair.KeyFile, "tls-ca-cert-file "+ca.File)
	for _, tc := range []struct {
		name, address string
		tls           cluster.TLS
		want          string
	}{
		{"a client's certificate", address, cluster.TLS{CAFile: ca.File, CertFile: pair.CertFile, KeyFile: pair.KeyFile}, ""},
		{"none", address, cluster.TLS{CAFile: ca.File}, cluster.BadTLS},
		{"another authority", address, cluster.TLS{CAFile: other.File, CertFile: pair.CertFile, KeyFile: pair.KeyFile}, cluster.BadTLS},
		{"another name", address, cluster.TLS{CAFile: ca.File, ServerName: "db.example", CertFile: pair.CertFile, KeyFile: pair.KeyFile}, cluster.BadTLS},
		// Redis waits for the end of a line that never comes.
		{"TLS where there is none", plain.Address, cluster.TLS{CAFile: ca.File}, cluster.Timeout},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := cluster.Cluster{Name: "c", Kind: cluster.KindRedis, TLS: tc.tls, Members: []cluster.Member{{Name: "r0", Endpoint: "redis://" + tc.address}}}
			d := patient(t, c)
			if tc.want == cluster.Timeout {
				d = driver(t, c)
			}
			m := d.View(t.Context()).Members[0]
			if m.Error != tc.want || m.Reachable != (tc.want == "") {
				t.Errorf("%q (%s), want %q", m.Error, m.Why, tc.want)
			}
		})
	}
}

func TestSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	redistest.Start(t, "r0", "unixsocket "+path)
	c := cluster.Cluster{Name: "c", Kind: cluster.KindRedis, Members: []cluster.Member{{Name: "r0", Endpoint: "unix://" + path}}}
	await(t, driver(t, c), "it answers", func(v cluster.View) bool { return shown(v) == "r0: primary up running" })
}
