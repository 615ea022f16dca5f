//go:build servers

package mysql_test

import (
	"fmt"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/mysqltest"
	"github.com/fettle-io/fettle/internal/servertest"
)

// A Galera cluster of one real server, which then loses its cluster: it still answers,
// and takes no questions about data.
func TestGalera(t *testing.T) {
	p := healthy(t)
	s, err := mysqltest.Start(patience(t), p.dir, 5, "--wsrep-on=ON", "--wsrep-provider=/usr/lib/galera/libgalera_smm.so", "--wsrep-cluster-address=gcomm://",
		"--wsrep-cluster-name=shop", "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-node-address=127.0.0.1",
		fmt.Sprintf("--wsrep-provider-options=gcache.size=1M;gmcast.listen_addr=tcp://%s", servertest.FreeAddress(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	execute(t, s, "CREATE USER fettle@'127.0.0.1' IDENTIFIED BY '"+canary+"'", "GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO fettle@'127.0.0.1'",
		"CREATE DATABASE d", "CREATE TABLE d.heartbeat (ts VARCHAR(26) NOT NULL, server_id INT UNSIGNED NOT NULL PRIMARY KEY)", "GRANT SELECT ON d.heartbeat TO fettle@'127.0.0.1'")
	c := p.inventory()
	c.Members = []cluster.Member{{Name: "a", Endpoint: s.Endpoint()}}
	c.MySQL.HeartbeatTable = "d.heartbeat"
	d := looking(t, c)
	g := detail(t, becomes(t, d, "1 1 1 ---"), "a").Galera
	if !g.Primary || !g.Ready || !g.Connected || *g.State != 4 || *g.Size != 1 || g.Queue == nil || g.QueueAverage == nil || g.Paused == nil {
		t.Errorf("%+v", g)
	}
	execute(t, s, "SET GLOBAL wsrep_cluster_address = ''")
	v := becomes(t, d, "1 0 0 ---")
	if g := detail(t, v, "a").Galera; g.Primary || g.Ready || g.Connected {
		t.Errorf("%+v", g)
	}
}
