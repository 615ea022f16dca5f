//go:build servers

package mysql_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/mysql"
	"github.com/fettle-io/fettle/internal/mysqltest"
	"github.com/fettle-io/fettle/internal/servertest"
)

// canary is the password of the user that looks.
const canary = "canary-5e1f-word"

// pair is a real MariaDB primary and its replica, which reaches it through a relay. One
// serves all tests.
type pair struct {
	dir              string
	primary, replica *mysqltest.Server
	relay            *servertest.Relay
	password         string // the file
}

var shared struct {
	once sync.Once
	pair
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range []*mysqltest.Server{shared.replica, shared.primary} {
		if err := s.Kill(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if shared.relay != nil {
		shared.relay.Close()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// healthy is the pair, with the replica following; the test's end mends it again.
func healthy(t *testing.T) *pair {
	t.Helper()
	shared.once.Do(func() { shared.err = shared.start() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	p := &shared.pair
	t.Cleanup(func() {
		if err := p.mend(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *pair) start() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	if p.dir, err = os.MkdirTemp("", "fettle-mysql-test"); err != nil {
		return err
	}
	if err = os.Chmod(p.dir, 0o755); err != nil { // the servers' user enters it
		return err
	}
	p.password = filepath.Join(p.dir, "password")
	if err = os.WriteFile(p.password, []byte(canary+"\n"), 0o600); err != nil {
		return err
	}
	if err = mysqltest.Template(ctx, p.dir); err != nil {
		return err
	}
	if p.primary, err = mysqltest.Start(ctx, p.dir, 1); err != nil {
		return err
	}
	if p.replica, err = mysqltest.Start(ctx, p.dir, 2); err != nil {
		return err
	}
	if p.relay, err = servertest.NewRelay(fmt.Sprintf("127.0.0.1:%d", p.primary.Port)); err != nil {
		return err
	}
	// These are the rights that docs/collectors/mysql.md names, and no others.
	if err = p.primary.Exec(ctx,
		"CREATE USER replicates@'127.0.0.1' IDENTIFIED BY 'r'", "GRANT REPLICATION SLAVE ON *.* TO replicates@'127.0.0.1'",
		"CREATE DATABASE d", "CREATE TABLE d.t (x INT) ENGINE=InnoDB",
		"CREATE TABLE d.heartbeat (ts VARCHAR(26) NOT NULL, server_id INT UNSIGNED NOT NULL PRIMARY KEY)",
		"CREATE USER fettle@'127.0.0.1' IDENTIFIED BY '"+canary+"'", "GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO fettle@'127.0.0.1'",
		"GRANT SELECT ON d.heartbeat TO fettle@'127.0.0.1'",
	); err != nil {
		return err
	}
	return p.mend()
}

// mend makes the pair whole again: thawed, joined, and the replica up to date.
func (p *pair) mend() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	p.relay.Pass()
	for _, s := range []*mysqltest.Server{p.primary, p.replica} {
		if err := s.Thaw(); err != nil {
			return err
		}
		if err := s.Exec(ctx, "UNLOCK TABLES", "SET GLOBAL read_only = OFF", "STOP ALL SLAVES"); err != nil {
			return err
		}
	}
	if err := p.primary.Exec(ctx, "RESET SLAVE ALL"); err != nil {
		return err
	}
	if err := p.replica.Exec(ctx, p.follow(), "START SLAVE"); err != nil {
		return err
	}
	return p.caughtUp(ctx)
}

// follow lets the replica follow over the relay, with a heartbeat each half second.
func (p *pair) follow() string {
	return fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='replicates', MASTER_PASSWORD='r',"+
		" MASTER_USE_GTID=slave_pos, MASTER_HEARTBEAT_PERIOD=0.5, MASTER_CONNECT_RETRY=1, MASTER_DELAY=0", p.relay.Port)
}

func (p *pair) caughtUp(ctx context.Context) error {
	at, err := p.primary.Ask(ctx, "SELECT @@gtid_binlog_pos")
	if err != nil {
		return err
	}
	switch got, err := p.replica.Ask(ctx, "SELECT MASTER_GTID_WAIT('"+at+"', 20)"); {
	case err != nil:
		return err
	case got != "0":
		return fmt.Errorf("the replica does not come to %s", at)
	}
	return nil
}

// write writes on the primary.
func (p *pair) write(t *testing.T) {
	t.Helper()
	execute(t, p.primary, "INSERT INTO d.t VALUES (1)")
}

func execute(t *testing.T, s *mysqltest.Server, statements ...string) {
	t.Helper()
	if err := s.Exec(patience(t), statements...); err != nil {
		t.Fatal(err)
	}
}

// patience bounds every wait of a test, also those of its cleanup.
func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// inventory is the pair as exporter.yml would declare it.
func (p *pair) inventory() cluster.Cluster {
	return cluster.Cluster{
		Name: "db", Kind: cluster.KindMySQL, Read: cluster.Login{Username: "fettle", PasswordFile: p.password},
		Members: []cluster.Member{{Name: "a", Endpoint: p.primary.Endpoint()}, {Name: "b", Endpoint: p.replica.Endpoint()}},
	}
}

// looking is a driver of the cluster, closed by the test's end.
func looking(t *testing.T, c cluster.Cluster) *mysql.Driver {
	t.Helper()
	d, err := mysql.New(c, mysql.Options{})
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
