//go:build servers

package mysql_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/mysql"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/mysqltest"
)

// Against a real server with TLS: the right authority, another one, none declared, and a
// user that must use it.
func TestTLS(t *testing.T) {
	p := healthy(t)
	right, wrong := certtest.New(t, "right"), certtest.New(t, "wrong")
	dir, err := os.MkdirTemp(p.dir, "tls")
	if err != nil {
		t.Fatal(err)
	}
	pair := right.Issue(dir, time.Hour, "127.0.0.1")
	if out, err := exec.CommandContext(t.Context(), "chown", "-R", "mysql", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s, err := mysqltest.Start(patience(t), p.dir, 3, "--ssl-cert="+pair.CertFile, "--ssl-key="+pair.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	execute(t, s, "CREATE USER fettle@'127.0.0.1' IDENTIFIED BY '"+canary+"' REQUIRE SSL", "GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO fettle@'127.0.0.1'")
	for _, tc := range []struct {
		name   string
		server *mysqltest.Server
		tls    cluster.TLS
		reason string
	}{
		{"right", s, cluster.TLS{CAFile: right.File}, ""},
		{"another authority", s, cluster.TLS{CAFile: wrong.File}, cluster.BadTLS},
		{"another name", s, cluster.TLS{CAFile: right.File, ServerName: "db.example"}, cluster.BadTLS},
		{"the system's authorities", s, cluster.TLS{Enabled: true}, cluster.BadTLS},
		{"not declared", s, cluster.TLS{}, cluster.BadAuth},
		{"a server without it", p.primary, cluster.TLS{CAFile: right.File}, cluster.BadTLS},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := cluster.Cluster{
				Name: "db", Kind: cluster.KindMySQL, TLS: tc.tls, Read: cluster.Login{Username: "fettle", PasswordFile: p.password},
				Members: []cluster.Member{{Name: "a", Endpoint: tc.server.Endpoint()}},
			}
			m := driver(t, c, mysql.Options{}).View(patience(t)).Members[0] // patient: one look has to be right
			if m.Error != tc.reason || m.Reachable != (tc.reason == "") {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestLogins(t *testing.T) {
	p := healthy(t)
	const alone = "SET SESSION sql_log_bin = 0" // the replica has no such plugin
	execute(t, p.primary, alone, "CREATE OR REPLACE USER poor@'127.0.0.1' IDENTIFIED BY '"+canary+"'", "CREATE OR REPLACE USER half@'127.0.0.1' IDENTIFIED BY '"+canary+"'",
		"GRANT SLAVE MONITOR ON *.* TO half@'127.0.0.1'", "INSTALL SONAME 'auth_ed25519'",
		"CREATE OR REPLACE USER curve@'127.0.0.1' IDENTIFIED VIA ed25519 USING PASSWORD('"+canary+"')", "GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO curve@'127.0.0.1'")
	t.Cleanup(func() {
		execute(t, p.primary, alone, "DROP USER poor@'127.0.0.1', half@'127.0.0.1', curve@'127.0.0.1'", "UNINSTALL SONAME 'auth_ed25519'")
	})
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("canary-of-another-kind"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, user, file, reason, why, denied string }{
		{"wrong password", "fettle", wrong, cluster.BadAuth, "Access denied for user 'fettle'@'127.0.0.1'", ""},
		{"no file", "fettle", "/nowhere/password", cluster.BadAuth, "read.password_file: open /nowhere/password", ""},
		{"no such user", "nobody", p.password, cluster.BadAuth, "Access denied", ""},
		{"without rights", "poor", p.password, cluster.BadAuth, "GRANT SLAVE MONITOR, BINLOG MONITOR", ""},
		{"half of the rights", "half", p.password, "", "", mysql.QuestionBinlog},
		{"ed25519", "curve", p.password, "", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := p.inventory()
			c.Read = cluster.Login{Username: tc.user, PasswordFile: tc.file}
			v := driver(t, c, mysql.Options{}).View(patience(t)) // patient: one look has to be right
			m := v.Members[0]
			if m.Error != tc.reason || !strings.Contains(m.Why, tc.why) || strings.Contains(m.Why, "canary") {
				t.Errorf("%+v", m)
			}
			if tc.reason == "" && strings.Join(detail(t, v, "a").Denied, " ") != tc.denied {
				t.Errorf("denied %v, want %q", detail(t, v, "a").Denied, tc.denied)
			}
		})
	}
}

// One connection for each server, whatever happens; none after Close.
func TestOneConnection(t *testing.T) {
	p := healthy(t)
	d, err := mysql.New(p.inventory(), mysql.Options{Timeout: 20 * time.Second}) // one that gives up hangs up
	if err != nil {
		t.Fatal(err)
	}
	connections := func(want string) {
		t.Helper()
		var got string
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if got, err = p.replica.Ask(patience(t), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'fettle'"); err != nil {
				t.Fatal(err)
			}
			if got == want {
				return
			}
		}
		t.Fatalf("%s connections, want %s", got, want)
	}
	for range 5 {
		d.View(patience(t))
	}
	connections("1")
	id, err := p.replica.Ask(patience(t), "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'fettle'")
	if err != nil {
		t.Fatal(err)
	}
	execute(t, p.replica, "KILL "+id)
	becomes(t, d, bothHealthy)
	connections("1")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	connections("0")
	if m := d.View(context.Background()).Members[0]; m.Reachable {
		t.Errorf("after Close: %+v", m)
	}
}

// The socket is an endpoint too, and sources are found by who they are.
func TestSocket(t *testing.T) {
	p := healthy(t)
	execute(t, p.primary, "CREATE OR REPLACE USER fettle@localhost IDENTIFIED BY '"+canary+"'", "GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO fettle@localhost")
	c := p.inventory()
	c.Members[0] = cluster.Member{Name: "a", Host: "db1", Endpoint: p.primary.Socket()}
	c.Members[1] = cluster.Member{Name: "b", Host: "db2", Endpoint: p.replica.Socket()}
	v := becomes(t, looking(t, c), bothHealthy)
	if s := v.Members[1].Sync.Source; s != "a" {
		t.Errorf("source %q", s)
	}
}

// Two sources over two named connections: both count.
func TestTwoSources(t *testing.T) {
	p := healthy(t)
	s, err := mysqltest.Start(patience(t), p.dir, 4, "--gtid-domain-id=4")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		execute(t, p.replica, "STOP SLAVE 'four'", "RESET SLAVE 'four' ALL")
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	execute(t, s, "CREATE USER fettle@'127.0.0.1' IDENTIFIED BY '"+canary+"'", "GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO fettle@'127.0.0.1'",
		"CREATE USER replicates@'127.0.0.1' IDENTIFIED BY 'r'", "GRANT REPLICATION SLAVE ON *.* TO replicates@'127.0.0.1'", "RESET MASTER", "CREATE DATABASE four", "CREATE TABLE four.t (x INT)")
	execute(t, p.replica, fmt.Sprintf("CHANGE MASTER 'four' TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='replicates', MASTER_PASSWORD='r', MASTER_USE_GTID=slave_pos, MASTER_HEARTBEAT_PERIOD=0.5", s.Port),
		"START SLAVE 'four'")
	c := p.inventory()
	c.Members = append(c.Members, cluster.Member{Name: "c", Endpoint: s.Endpoint()})
	d := looking(t, c)
	v := becomes(t, d, bothHealthy+", 1 1 1 ---")
	var names []string
	for _, ch := range detail(t, v, "b").Channels {
		names = append(names, ch.Name+"<"+ch.Source)
	}
	if got := strings.Join(names, " "); got != "<a four<c" && got != "four<c <a" {
		t.Errorf("channels %s", got)
	}
	execute(t, p.replica, "STOP SLAVE 'four' SQL_THREAD")
	execute(t, s, "INSERT INTO four.t VALUES (1)")
	becomes(t, d, "1 1 1 ---, 1 0 0 -++, 1 1 1 ---")
}

// A server that was started anew gives the number of a thread that was given up to somebody
// else: the look does not wait for that one.
func TestThreadNumbersAreUsedAgain(t *testing.T) {
	p := healthy(t)
	execute(t, p.primary, "GRANT PROCESS ON *.* TO fettle@'127.0.0.1'") // sees everybody
	t.Cleanup(func() { execute(t, p.primary, "REVOKE PROCESS ON *.* FROM fettle@'127.0.0.1'") })
	id := ""
	for end := time.Now().Add(time.Minute); id == ""; time.Sleep(20 * time.Millisecond) { // a replica that lacks nothing may still be connecting
		var err error
		if id, err = p.primary.Ask(patience(t), "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"); err != nil || time.Now().After(end) {
			t.Fatalf("no replica: %q, %v", id, err)
		}
	}
	own, err := p.primary.Ask(patience(t), "SELECT CONNECTION_ID()")
	if err != nil {
		t.Fatal(err)
	}
	next, err := strconv.Atoi(own)
	if err != nil {
		t.Fatal(err)
	}
	for what, thread := range map[string]string{"a replica's": id, "its own": strconv.Itoa(next + 1), "nobody's": "123456789"} {
		d := driver(t, p.inventory(), mysql.Options{}) // patient: one look has to be right
		d.GiveUp(0, thread)
		if m := d.View(patience(t)).Members[0]; !m.Reachable {
			t.Errorf("%s: %s: %s", what, m.Error, m.Why)
		}
	}
}
