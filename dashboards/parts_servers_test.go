//go:build servers

package dashboards_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/demo"
	"github.com/fettle-io/fettle/internal/kafkatest"
	"github.com/fettle-io/fettle/internal/mysqltest"
	"github.com/fettle-io/fettle/internal/postgrestest"
	"github.com/fettle-io/fettle/internal/servertest"
)

func (d *databases) start(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	d.free = servertest.FreeAddress(t)
	failed := make(chan error, 1)
	go func() { failed <- d.startPostgres(ctx, filepath.Join(dir, "pg")) }()
	t.Cleanup(func() {
		var errs []error
		for _, s := range []*mysqltest.Server{d.galera, d.replica, d.primary} {
			if s != nil {
				errs = append(errs, s.Kill())
			}
		}
		if d.relay != nil {
			d.relay.Close()
		}
		if d.postgres != nil {
			errs = append(errs, d.postgres.Stop())
		}
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	})
	err := d.startMySQL(ctx, filepath.Join(dir, "my"))
	must(t, errors.Join(err, <-failed))
}

func (d *databases) startMySQL(ctx context.Context, dir string) (err error) {
	const (
		password = "canary-7c11a0"
		reader   = "CREATE USER fettle@'127.0.0.1' IDENTIFIED BY '" + password + "'"
		rights   = "GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO fettle@'127.0.0.1'"
	)
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // the server's user enters it
		return err
	}
	d.password = filepath.Join(dir, "password")
	if err := os.WriteFile(d.password, []byte(password), 0o600); err != nil {
		return err
	}
	if err := mysqltest.Template(ctx, dir); err != nil {
		return err
	}
	if d.primary, err = mysqltest.Start(ctx, dir, 1); err != nil {
		return err
	}
	if d.replica, err = mysqltest.Start(ctx, dir, 2); err != nil {
		return err
	}
	if d.relay, err = servertest.NewRelay(fmt.Sprintf("127.0.0.1:%d", d.primary.Port)); err != nil {
		return err
	}
	if err := d.primary.Exec(ctx, "CREATE USER replicates@'127.0.0.1' IDENTIFIED BY 'r'", "GRANT REPLICATION SLAVE ON *.* TO replicates@'127.0.0.1'",
		reader, rights); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(d.free)
	if err != nil {
		return err
	}
	if d.galera, err = mysqltest.Start(ctx, dir, 5, "--wsrep-on=ON", "--wsrep-provider=/usr/lib/galera/libgalera_smm.so", "--wsrep-cluster-address=gcomm://",
		"--wsrep-cluster-name=shop", "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-node-address=127.0.0.1",
		"--wsrep-provider-options=gcache.size=1M;gmcast.listen_addr=tcp://127.0.0.1:"+port); err != nil {
		return err
	}
	if err := d.galera.Exec(ctx, reader, rights); err != nil {
		return err
	}
	return d.replica.Exec(ctx, fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='replicates', MASTER_PASSWORD='r',"+
		" MASTER_USE_GTID=slave_pos, MASTER_HEARTBEAT_PERIOD=0.5, MASTER_CONNECT_RETRY=1", d.relay.Port), "START SLAVE")
}

func (d *databases) startPostgres(ctx context.Context, dir string) (err error) {
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // the server's user enters it
		return err
	}
	if d.postgres, err = postgrestest.Start(ctx, dir, postgrestest.Options{Settings: []string{"archive_mode = on", "archive_command = '/bin/false'"}}); err != nil {
		return err
	}
	if _, err := d.postgres.Standby(ctx, "b", d.postgres.Servers[0]); err != nil {
		return err
	}
	inventory, err := d.postgres.Inventory("db")
	d.postgresPassword = inventory.Read.PasswordFile
	return err
}

// files are trees, settings and a backup's report.
func (w *world) files() error {
	dir := filepath.Join(w.dir, "files")
	now := time.Now()
	var errs []error
	for _, member := range []string{"origin", "mirror"} {
		name := filepath.Join(dir, member, "index.html")
		errs = append(errs, os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte("hello\n"), 0o644), //nolint:gosec // for everybody
			os.Chtimes(name, now.Add(-time.Hour), now.Add(-time.Hour)),
			os.WriteFile(filepath.Join(dir, member+".conf"), []byte("Limit 5\n"), 0o644)) //nolint:gosec // for everybody
	}
	errs = append(errs, os.MkdirAll(filepath.Join(w.dir, "texts"), 0o755), os.WriteFile(filepath.Join(w.dir, "texts", "bad.prom"), []byte("backup_ok\n"), 0o644)) //nolint:gosec // for everybody
	old := filepath.Join(dir, "backups", "db.sql")
	errs = append(errs, os.MkdirAll(filepath.Dir(old), 0o755), os.WriteFile(old, []byte("-- all of it\n"), 0o644), os.Chtimes(old, now.Add(-time.Hour), now.Add(-time.Hour))) //nolint:gosec // for everybody
	report := fmt.Sprintf("finished %d\nsize_bytes 4711\nverified %d\n", now.Unix(), now.Unix())
	return errors.Join(append(errs, os.WriteFile(filepath.Join(dir, "report"), []byte(report), 0o644))...) //nolint:gosec // for everybody
}

// startWebsite serves over https, with a certificate whose authority is in files/ca.pem.
func (w *world) startWebsite(t *testing.T) string {
	t.Helper()
	ca := certtest.New(t, "ca")
	pair := ca.Issue(t.TempDir(), time.Hour, "127.0.0.1")
	authority, err := os.ReadFile(ca.File)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(w.dir, "files", "ca.pem"), authority, 0o600))
	certificate, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
	must(t, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	must(t, err)
	w.website = &http.Server{ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { _ = w.website.Serve(l) }() // it is closed
	t.Cleanup(func() { _ = w.website.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "https://127.0.0.1:" + port + "/"
}

// incident is something that breaks, and is mended again.
type incident struct {
	name       string
	begin, end func(*testing.T)
	shows      map[string]float64 // a value that the panel over time then has somewhere
}

// incidents come one after the other.
func (w *world) incidents() []incident {
	// kill ends a member for good: fettle repairs it, or says why not.
	kill := func(t *testing.T, member string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := w.stage.Break(ctx, member, demo.Kill)
		must(t, err)
	}
	fettle := func(t *testing.T, args ...string) {
		t.Helper()
		out, err := w.stage.Command(t.Context(), append(args, "--server=unix://"+w.stage.ServerSocket())...)
		if err != nil {
			t.Fatal(err, out)
		}
	}
	whole := func(t *testing.T) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for { // it gives up at once while a member's process is gone
			err := w.stage.AwaitWhole(ctx)
			if err == nil {
				return
			}
			select {
			case <-ctx.Done():
				t.Fatal(err)
			case <-time.After(time.Second):
			}
		}
	}
	var asleep chan error // a transaction
	return []incident{
		{"kill", func(t *testing.T) { kill(t, "m1") }, whole, nil},
		{"pause", func(t *testing.T) { fettle(t, "pause", "--reason=a test of dashboards"); kill(t, "m2") }, func(t *testing.T) { fettle(t, "unpause"); whole(t) }, map[string]float64{
			"repairs.json: Pauses": 1, "overview.json: Members reachable": 0, "overview.json: Copies follow": 0, "raft.json: Members reachable": 0, "probes.json: Members hear each other": 0,
		}},
		{"links", func(t *testing.T) {
			w.databases.relay.Cut()
			must(t, w.databases.replica.Exec(t.Context(), "STOP SLAVE"))
			must(t, w.databases.postgres.Servers[0].Write(t.Context(), 10))
			_, err := w.databases.postgres.Servers[0].SQL(t.Context(), "SELECT pg_switch_wal()")
			must(t, err)
			must(t, w.databases.galera.Exec(t.Context(), "SET GLOBAL wsrep_cluster_address = ''"))
			w.redis.Relays[0].Cut()
			for name, text := range map[string]string{
				"block/md0/md/degraded": "1", "class/net/eth1/bonding_slave/mii_status": "down", "class/nvme/nvme0/state": "dead",
			} {
				w.setHardware(t, name, text)
			}
			w.consul.Servers[0].Kill()
			w.systems.backends[0].Close()
			w.systems.nats.Servers[2].Kill()
			w.systems.zookeeper.Servers[1].Kill()
			w.systems.mongodb.Members[1].Kill()
			w.systems.kafka.Do(kafkatest.Order{Do: "metadata", Topic: "orders", Leader: -1, Replicas: []int32{2}, Offline: []int32{2}})
			w.hosts.routers[0].Cut()
			_, _ = w.hosts.systemd.Systemctl("start", "bad.service") // it fails, which is wanted
			asleep = make(chan error, 1)
			go func() {
				_, err := w.databases.postgres.Servers[0].SQL(context.WithoutCancel(t.Context()), "SELECT pg_sleep(8)") //nolint:contextcheck // it ends by itself
				asleep <- err
			}()
		}, func(t *testing.T) { must(t, <-asleep) }, map[string]float64{
			"replication.json: Copies follow": 0, "replication.json: Channels": 0, "raft.json: Servers healthy": 0,
			"raft.json: Meta group: failures tolerated": 0, "raft.json: Ensemble: failures tolerated": -1, "replication.json: Set: failures tolerated": 0,
			"replication.json: Partitions that are not whole": 1, "replication.json: WAL archive fails": 1, "replication.json: Galera: ready": 0,
			"node.json: Disks missing in arrays": 1, "node.json: Links missing in bonds": 1, "node.json: NVMe disks live": 0,
			"balancers.json: Servers up": 0.5, "balancers.json: Holders of an address": 2,
		}},
		{"website", func(*testing.T) { _ = w.website.Close() }, nil, map[string]float64{"probes.json: In order": 0, "probes.json: Failing": 1}},
		{"program", func(t *testing.T) { must(t, os.Chmod(w.etcd, 0o600)); kill(t, "m3") }, nil, map[string]float64{"overview.json: Alerts over time": 1}},
	}
}
