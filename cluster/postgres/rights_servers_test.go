//go:build servers

package postgres

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/postgrestest"
)

// What docs/drivers/postgres.md says is enough, is: the user of all these tests has
// pg_monitor and nothing else.
func TestRights(t *testing.T) {
	c := shared(t)
	inv, err := c.Inventory("db")
	must(t, err)
	wrong := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(wrong, []byte("canary-wrong\n"), 0o600))
	for _, tc := range []struct {
		name   string
		change func(*cluster.Cluster)
		want   string // reason
		why    string // part of it
	}{
		{"pg_monitor alone", func(*cluster.Cluster) {}, "", ""},
		{"over a socket", func(in *cluster.Cluster) {
			in.Members[0].Endpoint = "unix://" + filepath.Join(three.dir, ".s.PGSQL."+strconv.Itoa(c.Servers[0].Port))
		}, "", ""},
		{"a socket that is not there", func(c *cluster.Cluster) { c.Members[0].Endpoint = "unix:///nonexistent/.s.PGSQL.5432" }, cluster.Refused, "no such file"},
		{"without pg_monitor", func(c *cluster.Cluster) { c.Read.Username = "nobody" }, cluster.BadAuth, "GRANT pg_monitor"},
		{"wrong password", func(c *cluster.Cluster) { c.Read.PasswordFile = wrong }, cluster.BadAuth, "28P01"},
		{"no such user", func(c *cluster.Cluster) { c.Read.Username = "somebody" }, cluster.BadAuth, "28P01"},
		{"no password file", func(c *cluster.Cluster) { c.Read.PasswordFile = "/nonexistent/password" }, cluster.BadAuth, "/nonexistent/password"},
		{"no such database", func(c *cluster.Cluster) { c.Postgres.Database = "none" }, cluster.Other, "3D000"},
		{"TLS, which the server does not speak", func(c *cluster.Cluster) { c.TLS.Enabled = true }, cluster.BadTLS, "refused TLS"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked := inv
			asked.Members = slices.Clone(inv.Members[:1])
			tc.change(&asked)
			d, err := New(asked, Options{Timeout: 10 * time.Second})
			must(t, err)
			defer d.Close()
			m := d.View(patience(t)).Members[0]
			if m.Error != tc.want || m.Reachable != (tc.want == "") || !strings.Contains(m.Why, tc.why) || strings.Contains(m.Why, "canary") {
				t.Errorf("%q: %s", m.Error, m.Why)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	dir, err := os.MkdirTemp("", "fettle-postgres-test")
	must(t, err)
	defer os.RemoveAll(dir)
	ca, other := certtest.New(t, "ca"), certtest.New(t, "other")
	pair := ca.Issue(t.TempDir(), time.Hour, "127.0.0.1")
	c, err := postgrestest.Start(patience(t), dir, postgrestest.Options{CertFile: pair.CertFile, KeyFile: pair.KeyFile})
	must(t, err)
	defer func() { must(t, c.Stop()) }()
	inv, err := c.Inventory("db")
	must(t, err)
	for _, tc := range []struct {
		name string
		tls  cluster.TLS
		want string
	}{
		{"right", cluster.TLS{CAFile: ca.File}, ""},
		{"wrong CA", cluster.TLS{CAFile: other.File}, cluster.BadTLS},
		{"wrong name", cluster.TLS{CAFile: ca.File, ServerName: "db1"}, cluster.BadTLS},
		{"the system's roots", cluster.TLS{Enabled: true}, cluster.BadTLS},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inv.TLS = tc.tls
			d, err := New(inv, Options{Timeout: 10 * time.Second})
			must(t, err)
			defer d.Close()
			m := d.View(patience(t)).Members[0]
			if m.Error != tc.want || m.Reachable != (tc.want == "") || strings.Contains(m.Why, "canary") {
				t.Errorf("%q: %s", m.Error, m.Why)
			}
			if tc.want != "" {
				return
			}
			on, err := c.Servers[0].SQL(patience(t), "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'fettle_exporter'")
			if err != nil || len(on) != 1 || on[0] != "t" {
				t.Errorf("fettle's connections speak TLS: %v, %v", on, err)
			}
		})
	}
}

// One connection to each server, kept; a server that was restarted in between is there
// at the very next look.
func TestConnections(t *testing.T) {
	c := shared(t)
	inv, err := c.Inventory("db")
	must(t, err)
	patient, err := New(inv, Options{Timeout: 20 * time.Second}) // a look that ends early ends its connection
	must(t, err)
	t.Cleanup(func() { must(t, patient.Close()) })
	d, a := patient, c.Servers[0]
	await(t, d, healthy)
	const mine = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fettle_exporter'"
	alone := func(d *Driver) {
		t.Helper()
		waitFor(t, "one connection", func() bool { // those of earlier drivers end in their own time
			m := d.View(patience(t)).Members[0]
			n, err := a.SQL(patience(t), mine)
			return m.Reachable && err == nil && n[0] == "1"
		})
	}
	alone(d)
	began, err := a.SQL(patience(t), "SELECT backend_start FROM pg_stat_activity WHERE application_name = 'fettle_exporter'")
	must(t, err)
	for range 5 {
		d.View(patience(t))
	}
	still, err := a.SQL(patience(t), "SELECT backend_start FROM pg_stat_activity WHERE application_name = 'fettle_exporter'")
	must(t, err)
	if len(began) != 1 || strings.Join(still, ",") != began[0] {
		t.Errorf("connections since %v, then %v", began, still)
	}
	must(t, a.Stop())
	must(t, a.Start(patience(t)))
	if m := d.View(patience(t)).Members[0]; !m.Reachable {
		t.Errorf("after a restart: %s %s", m.Error, m.Why)
	}
	await(t, d, healthy)

	// One that does not answer is not asked by more connections.
	must(t, d.Close())
	d = driver(t, c) // each look is to time out
	await(t, d, healthy)
	must(t, a.Freeze())
	for range 5 {
		if m := d.View(patience(t)).Members[0]; m.Error != cluster.Timeout {
			t.Errorf("frozen: %s %s", m.Error, m.Why)
		}
	}
	must(t, a.Thaw())
	alone(d)
	await(t, d, healthy)
}

// A PgBouncer in transaction mode may stand between, as it comes; its own console is no
// server.
func TestPooler(t *testing.T) {
	c := shared(t)
	address, stop, err := c.Pooler(patience(t), c.Servers[0])
	must(t, err)
	defer func() { must(t, stop()) }()
	inv, err := c.Inventory("db")
	must(t, err)
	inv.Members[0].Endpoint = "postgres://" + address
	d, err := New(inv, Options{Timeout: 10 * time.Second})
	must(t, err)
	defer d.Close()
	for range 3 {
		await(t, d, healthy)
	}
	inv.Members, inv.Postgres.Database = inv.Members[:1], "pgbouncer"
	console, err := New(inv, Options{Timeout: 10 * time.Second})
	must(t, err)
	defer console.Close()
	if m := console.View(patience(t)).Members[0]; m.Error != cluster.BadProtocol {
		t.Errorf("%+v", m)
	}
}
