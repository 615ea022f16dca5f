//go:build bench

package systemsbench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster/mysql"
	"github.com/fettle-io/fettle/cluster/postgres"
	"github.com/fettle-io/fettle/cluster/redis"
	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/mysqltest"
	"github.com/fettle-io/fettle/internal/postgrestest"
	"github.com/fettle-io/fettle/internal/programs"
	"github.com/fettle-io/fettle/internal/redistest"
)

const (
	password = "bench-word"
	master   = "main" // redistest's name for what its Sentinels watch
)

// fleet is all systems, in order.
type fleet struct {
	dir      string
	plan     Plan
	clusters map[string]string // by kind, its entry in exporter.yml
	counters map[string]func(context.Context) (int, error)
}

// entries that a scrape has: members, and Sentinels beside them.
const entries = 5 + 2 + 2 + 2 + 3

func start(t *testing.T) *fleet {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // may build etcd
	defer cancel()
	dir, err := os.MkdirTemp("", "fettle-systemsbench") // the servers' users enter it
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	f := &fleet{dir: dir, clusters: map[string]string{}, counters: map[string]func(context.Context) (int, error){}}
	for _, system := range []func(context.Context, *testing.T){f.startEtcd, f.startMySQL, f.startPostgres, f.startRedis} {
		system(ctx, t)
	}
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fleet) startEtcd(ctx context.Context, t *testing.T) {
	t.Helper()
	etcd, err := programs.Find(ctx, "etcd", programs.Options{Progress: func(line string) { t.Log(line) }})
	must(t, err)
	c, err := etcdproc.Start(ctx, etcd.Path, filepath.Join(f.dir, "etcd"), []string{"m1", "m2", "m3", "m4", "m5"}, etcdproc.Options{Heartbeat: 100 * time.Millisecond})
	must(t, err)
	t.Cleanup(func() { stopped(t, c.Stop()) })
	var members []string
	for _, s := range c.Specs() {
		f.plan.Etcd = append(f.plan.Etcd, s.Client)
		members = append(members, fmt.Sprintf("{name: %s, endpoint: %q, peer: %q}", s.Name, s.Client, s.Peer))
	}
	f.declare("etcd", "", members)
}

// declare adds a cluster to exporter.yml.
func (f *fleet) declare(kind, settings string, members []string) {
	f.clusters[kind] = fmt.Sprintf("  - name: %s\n    kind: %s\n%s    members:\n      - %s\n", kind, kind, settings, strings.Join(members, "\n      - "))
}

func (f *fleet) read(t *testing.T, kind, secret string) (settings string) {
	t.Helper()
	file := filepath.Join(f.dir, kind+".password")
	must(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	return fmt.Sprintf("    read: {username: fettle, password_file: %s}\n", file)
}

func (f *fleet) startMySQL(ctx context.Context, t *testing.T) {
	t.Helper()
	must(t, mysqltest.Template(ctx, f.dir))
	f.plan.MySQL = SQL{User: "fettle", Password: password, Statements: mysql.Asked()}
	var members []string
	var servers []*mysqltest.Server
	for id := 1; id <= 2; id++ {
		s, err := mysqltest.Start(ctx, f.dir, id)
		t.Cleanup(func() { stopped(t, s.Kill()) })
		must(t, err)
		servers = append(servers, s)
		f.plan.MySQL.Addresses = append(f.plan.MySQL.Addresses, "127.0.0.1:"+strconv.Itoa(s.Port))
		members = append(members, fmt.Sprintf("{name: s%d, endpoint: %q}", id, s.Endpoint()))
		f.counters["mysql s"+strconv.Itoa(id)] = func(ctx context.Context) (int, error) {
			text, err := s.Ask(ctx, "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'CONNECTIONS'")
			if err != nil {
				return 0, err
			}
			return strconv.Atoi(text)
		}
	}
	must(t, servers[0].Exec(ctx,
		"CREATE USER replicates@'127.0.0.1' IDENTIFIED BY 'r'", "GRANT REPLICATION SLAVE ON *.* TO replicates@'127.0.0.1'",
		"CREATE USER fettle@'127.0.0.1' IDENTIFIED BY '"+password+"'", "GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO fettle@'127.0.0.1'",
		"CREATE USER exporter@'127.0.0.1' IDENTIFIED BY '"+password+"'", "GRANT PROCESS, SELECT, SLAVE MONITOR, BINLOG MONITOR ON *.* TO exporter@'127.0.0.1'"))
	must(t, servers[1].Exec(ctx, fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='replicates', MASTER_PASSWORD='r', MASTER_USE_GTID=slave_pos, MASTER_HEARTBEAT_PERIOD=0.5",
		servers[0].Port), "START SLAVE"))
	f.declare("mysql", f.read(t, "mysql", password), members)
}

func (f *fleet) startPostgres(ctx context.Context, t *testing.T) {
	t.Helper()
	dir := filepath.Join(f.dir, "postgres")
	must(t, os.Mkdir(dir, 0o755)) //nolint:gosec // the user postgres enters it
	c, err := postgrestest.Start(ctx, dir, postgrestest.Options{})
	must(t, err)
	t.Cleanup(func() { stopped(t, c.Stop()) })
	_, err = c.Standby(ctx, "b", c.Servers[0])
	must(t, err)
	version, err := c.Servers[0].SQL(ctx, "SHOW server_version_num")
	must(t, err)
	number, err := strconv.Atoi(version[0])
	must(t, err)
	f.plan.Postgres = SQL{User: "fettle", Password: postgrestest.Password, Statements: postgres.Asked(number / 10000)}
	var members []string
	for _, s := range c.Servers {
		f.plan.Postgres.Addresses = append(f.plan.Postgres.Addresses, s.Address())
		members = append(members, fmt.Sprintf("{name: %s, endpoint: %q}", s.Name, "postgres://"+s.Address()))
		f.counters["postgres "+s.Name] = func(ctx context.Context) (int, error) {
			rows, err := s.SQL(ctx, "SELECT sum(sessions) FROM pg_stat_database")
			if err != nil {
				return 0, err
			}
			return strconv.Atoi(rows[0])
		}
	}
	f.declare("postgres", f.read(t, "postgres", postgrestest.Password), members)
}

func (f *fleet) startRedis(_ context.Context, t *testing.T) {
	t.Helper()
	primary := redistest.Start(t, "r0")
	servers := []*redistest.Server{primary, redistest.Start(t, "r1", "replicaof "+strings.ReplaceAll(primary.Address, ":", " "))}
	f.plan.Master, f.plan.Commands = master, redis.Asked()
	var members []string
	for _, s := range servers {
		f.plan.Redis = append(f.plan.Redis, s.Address)
		members = append(members, fmt.Sprintf("{name: %s, endpoint: %q}", s.Name, "redis://"+s.Address))
	}
	all := servers
	for _, name := range []string{"s0", "s1", "s2"} {
		s := redistest.Sentinel(t, name, primary.Address, 2)
		f.plan.Sentinels = append(f.plan.Sentinels, s.Address)
		all = append(all, s)
	}
	for _, s := range all {
		f.counters["redis "+s.Name] = func(context.Context) (int, error) {
			text, err := s.Run("INFO", "stats")
			if err != nil {
				return 0, err
			}
			_, rest, _ := strings.Cut(text, "total_connections_received:")
			digits, _, _ := strings.Cut(rest, "\r")
			return strconv.Atoi(strings.TrimSpace(digits))
		}
	}
	redistest.Await(t, "each Sentinel knows the two others and the replica", func() bool {
		for _, s := range all[2:] {
			if text := s.Do("SENTINEL", "MASTER", master); !strings.Contains(text, "num-other-sentinels\n2") || !strings.Contains(text, "num-slaves\n1") {
				return false
			}
		}
		return true
	})
	f.declare("redis", fmt.Sprintf("    redis: {sentinels: [%s], master: %s}\n", strings.Join(f.plan.Sentinels, ", "), master), members)
}

func stopped(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// config writes an exporter.yml with these clusters.
func (f *fleet) config(t *testing.T, kinds ...string) (file string) {
	t.Helper()
	text := "clusters:\n"
	for _, kind := range kinds {
		text += f.clusters[kind]
	}
	file = filepath.Join(f.dir, strings.Join(kinds, "-")+".yml")
	must(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// settled waits until the systems make no connections among themselves any more, and
// returns the counters.
func (f *fleet) settled(ctx context.Context, t *testing.T) map[string]int {
	t.Helper()
	for before, quiet := f.connections(ctx, t), 0; ; {
		select {
		case <-ctx.Done():
			t.Fatal("the systems still connect to one another")
		case <-time.After(500 * time.Millisecond):
		}
		now := f.connections(ctx, t)
		quiet++
		for name := range now {
			if now[name] != before[name]+1 {
				quiet = 0
			}
		}
		if before = now; quiet == 4 {
			return now
		}
	}
}

// connections are what each server has accepted so far. To ask costs one at each.
func (f *fleet) connections(ctx context.Context, t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for name, count := range f.counters {
		n, err := count(ctx)
		must(t, err)
		counts[name] = n
	}
	return counts
}
