//go:build servers

package dashboards_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/kafkatest"
	"github.com/fettle-io/fettle/internal/mongodbtest"
	"github.com/fettle-io/fettle/internal/mysqltest"
	"github.com/fettle-io/fettle/internal/natstest"
	"github.com/fettle-io/fettle/internal/servertest"
	"github.com/fettle-io/fettle/internal/zookeepertest"
)

// systems are the other kinds of servers: HAProxy, nginx, NATS, ZooKeeper and chronyd as
// they are; stand-ins for Kafka, MongoDB and MySQL 8.4; and what a real Pacemaker once
// said. Of GlusterFS there is a pool that does not answer, and a report in the shape of its own.
type systems struct {
	backends  []*httptest.Server // of HAProxy
	haproxy   string             // its socket
	nginx     string             // host:port
	nats      *natstest.Cluster
	zookeeper *zookeepertest.Ensemble
	kafka     *kafkatest.Cluster
	mongodb   *mongodbtest.Set
	mysql     []*mysqltest.StandIn
	pacemaker string // the file
	heals     string // GlusterFS' report, a folder
	chronyd   string // host:port
}

func (w *world) startSystems(t *testing.T) {
	t.Helper()
	s := &w.systems
	t.Chdir("../internal/kafkatest")
	kfake := kafkatest.Program(t)
	t.Chdir("../../dashboards")
	chronyd, err := filepath.Abs("../.cache/chrony/usr/sbin/chronyd") // where tools/install-servers.sh unpacks it
	must(t, err)
	together(t,
		func() { s.nats = natstest.Start(t, 3); s.nats.Servers[0].Stream("orders", 3) },
		func() { s.zookeeper = zookeepertest.Start(t, 2, 0, true) },
		func() {
			s.kafka = kafkatest.Start(t, kfake, kafkatest.Order{Brokers: 3})
			s.kafka.Do(kafkatest.Order{Do: "topic", Topic: "orders", Partitions: 2})
			s.kafka.Do(kafkatest.Order{Do: "produce", Topic: "orders", Partition: 0, Count: 5})
			s.kafka.Do(kafkatest.Order{Do: "commit", Group: "billing", Topic: "orders", Partition: 0, Offset: 2})
			s.mongodb = mongodbtest.Start(t, 3, mongodbtest.Options{})
			s.mongodb.Pass(time.Minute)
			s.mongodb.Write()
		},
		func() {
			w.startHAProxy(t)
			w.startNginx(t)
			w.startStandIns(t)
			s.chronyd = w.startChronyd(t, chronyd)
		},
	)
	s.heals = filepath.Join(w.dir, "heals")
	must(t, os.Mkdir(s.heals, 0o700))
	must(t, os.WriteFile(filepath.Join(s.heals, "v.xml"), []byte(`<cliOutput><healInfo><bricks>
<brick hostUuid="1351eb80-8905-4706-9d0f-4df28ee9a4e1"><name>10.99.0.1:/bricks/v</name><file gfid="a">&lt;gfid:a&gt;</file><status>Connected</status><numberOfEntries>1</numberOfEntries></brick>
<brick hostUuid="1351eb80-8905-4706-9d0f-4df28ee9a4e2"><name>10.99.0.2:/bricks/v</name><file gfid="a">&lt;gfid:a&gt;</file><status>Connected</status><numberOfEntries>1</numberOfEntries></brick>
</bricks></healInfo><opRet>0</opRet><opErrno>0</opErrno><opErrstr/></cliOutput>
`), 0o600))
	s.pacemaker = filepath.Join(w.dir, "pacemaker.xml")
	said, err := os.ReadFile("../cluster/pacemaker/testdata/mixed.xml") // its age is that of the copy
	must(t, err)
	must(t, os.WriteFile(s.pacemaker, said, 0o600))
}

// together starts what can be started at the same time. What a start finds wrong ends its
// goroutine, and then the test.
func together(t *testing.T, starts ...func()) {
	t.Helper()
	all := make(chan struct{})
	for _, start := range starts {
		go func() {
			defer func() { all <- struct{}{} }()
			start()
		}()
	}
	for range starts {
		<-all
	}
	if t.Failed() {
		t.FailNow()
	}
}

func (w *world) startHAProxy(t *testing.T) {
	t.Helper()
	s := &w.systems
	var addresses []any
	for range 2 {
		b := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		t.Cleanup(b.Close)
		s.backends, addresses = append(s.backends, b), append(addresses, b.Listener.Addr())
	}
	s.haproxy = filepath.Join(w.dir, "haproxy.sock")
	conf := filepath.Join(w.dir, "haproxy.cfg")
	must(t, os.WriteFile(conf, fmt.Appendf(nil, `global
  stats socket %s mode 600 level user
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend in
  bind unix@%s.in mode 600
  default_backend web
backend web
  server w1 %s check inter 100 fall 2 rise 1
  server w2 %s check inter 100 fall 2 rise 1
`, append([]any{s.haproxy, s.haproxy}, addresses...)...), 0o600))
	w.run(t, "/usr/sbin/haproxy", "-db", "-f", conf)
}

func (w *world) startNginx(t *testing.T) {
	t.Helper()
	w.systems.nginx = servertest.FreeAddress(t)
	dir := filepath.Join(w.dir, "nginx")
	must(t, os.Mkdir(dir, 0o755)) //nolint:gosec // nothing of interest is in it
	conf := filepath.Join(dir, "nginx.conf")
	must(t, os.WriteFile(conf, fmt.Appendf(nil, `daemon off;
master_process off;
pid %[1]s/pid;
error_log %[1]s/error.log;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  server { listen %[2]s; location = /stub_status { stub_status; } }
}
`, dir, w.systems.nginx), 0o600))
	w.run(t, "/usr/sbin/nginx", "-c", conf, "-p", dir)
}

// startChronyd starts two that touch no clock, of which one follows the other, and
// returns where that one takes commands.
func (w *world) startChronyd(t *testing.T, program string) string {
	t.Helper()
	start := func(name, config string) {
		dir := filepath.Join(w.dir, name)
		must(t, os.Mkdir(dir, 0o750)) // chronyd wants it so
		conf := filepath.Join(dir, "chrony.conf")
		must(t, os.WriteFile(conf, fmt.Appendf(nil, "%sbindcmdaddress %s/command.sock\npidfile %[2]s/pid\n", config, dir), 0o600))
		w.run(t, program, "-d", "-x", "-u", "root", "-f", conf)
	}
	_, ntp, _ := net.SplitHostPort(servertest.FreeAddress(t))
	command := servertest.FreeAddress(t)
	_, port, _ := net.SplitHostPort(command)
	start("ntp", fmt.Sprintf("local stratum 8\nport %s\nbindaddress 127.0.0.1\nallow 127.0.0.1\ncmdport 0\n", ntp))
	start("chrony", fmt.Sprintf("server 127.0.0.1 port %s iburst minpoll -2 maxpoll 0\nport 0\ncmdport %s\nbindcmdaddress 127.0.0.1\n", ntp, port))
	return command
}

// startStandIns starts what speaks MySQL's protocol with answers in the shapes that its
// manual gives for 8.4: a source, and a copy that was written to three times.
func (w *world) startStandIns(t *testing.T) {
	t.Helper()
	const a, b = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4e11fa47-71ca-11e1-9e33-c80aa9429562"
	row := func(to string, cells ...any) mysqltest.Answer {
		one := mysqltest.Answer{To: to, Rows: [][]any{nil}}
		for i := 0; i < len(cells); i += 2 {
			one.Columns, one.Rows[0] = append(one.Columns, fmt.Sprint(cells[i])), append(one.Rows[0], cells[i+1])
		}
		return one
	}
	server := func(id, uuid, executed string, replica mysqltest.Answer) {
		pairs := func(to string, cells ...any) mysqltest.Answer {
			one := mysqltest.Answer{To: to, Columns: []string{"Variable_name", "Value"}}
			for i := 0; i < len(cells); i += 2 {
				one.Rows = append(one.Rows, cells[i:i+2])
			}
			return one
		}
		password, err := os.ReadFile(w.databases.password)
		must(t, err)
		s, err := mysqltest.NewStandIn("8.4.6", "fettle", strings.TrimSpace(string(password)),
			row("SELECT VERSION()", "version", "8.4.6", "id", "7"),
			mysqltest.Answer{To: "SET SESSION lock_wait_timeout = 1, max_execution_time"},
			row("@@global.gtid_executed", "written", executed),
			pairs("SHOW GLOBAL VARIABLES", "server_id", id, "server_uuid", uuid, "read_only", "OFF", "super_read_only", "OFF", "max_connections", "151"),
			pairs("SHOW GLOBAL STATUS", "Uptime", "12345", "Threads_connected", "3"),
			replica,
			mysqltest.Answer{To: "replication_connection_status", Columns: []string{"channel", "period", "received"}, Rows: [][]any{{"", "30.000", "17"}}},
			row("SHOW BINARY LOG STATUS", "File", "binlog.000007", "Position", "5000", "Binlog_Do_DB", "", "Binlog_Ignore_DB", "", "Executed_Gtid_Set", executed),
			mysqltest.Answer{To: "SHOW BINARY LOGS", Columns: []string{"Log_name", "File_size", "Encrypted"}, Rows: [][]any{{"binlog.000007", "5000", "No"}}},
		)
		must(t, err)
		t.Cleanup(s.Close)
		w.systems.mysql = append(w.systems.mysql, s)
	}
	server("1", a, a+":1-100", mysqltest.Answer{To: "SHOW REPLICA STATUS", Columns: []string{"Source_Host"}})
	server("2", b, a+":1-80,"+b+":1-3", row("SHOW REPLICA STATUS",
		"Source_Host", "db1", "Source_Port", "1", "Source_Log_File", "binlog.000007", "Read_Source_Log_Pos", "4000", "Relay_Source_Log_File", "binlog.000006",
		"Replica_IO_Running", "Yes", "Replica_SQL_Running", "Yes", "Last_Errno", "0", "Exec_Source_Log_Pos", "800", "Relay_Log_Space", "2048", "Seconds_Behind_Source", "7",
		"Last_IO_Errno", "0", "Last_SQL_Errno", "0", "Source_Server_Id", "1", "Source_UUID", a, "SQL_Delay", "2", "SQL_Remaining_Delay", nil,
		"Retrieved_Gtid_Set", a+":1-90", "Executed_Gtid_Set", a+":1-80,"+b+":1-3", "Channel_Name", ""))
}

// inventory is the systems' part of exporter.yml.
func (s *systems) inventory(password string) string {
	var b strings.Builder
	begin := func(name, kind, more string) {
		fmt.Fprintf(&b, "- name: %s\n  kind: %s\n%s  members:\n", name, kind, more)
	}
	member := func(name, endpoint string) {
		fmt.Fprintf(&b, "  - {name: %s, host: localhost, endpoint: %q}\n", name, endpoint)
	}
	whole := func(c cluster.Cluster, more string) {
		begin(c.Name, string(c.Kind), more)
		for _, m := range c.Members {
			member(m.Name, m.Endpoint)
		}
	}
	begin("lb", "haproxy", "")
	member("h1", "unix://"+s.haproxy)
	begin("web", "nginx", "")
	member("n1", "http://"+s.nginx+"/stub_status")
	begin("events", "nats", "")
	for _, one := range s.nats.Servers {
		member(one.Name, one.URL)
	}
	begin("zk", "zookeeper", "")
	for _, one := range s.zookeeper.Servers {
		member(one.Name, "zookeeper://"+one.Address)
	}
	whole(s.kafka.Inventory("log"), "  kafka: {groups: [billing]}\n")
	whole(s.mongodb.Inventory("docs"), "")
	begin("ha", "pacemaker", "  pacemaker: {max_age: 1h}\n")
	member("n1", "file://"+s.pacemaker)
	begin("files", "gluster", "  gluster: {heal_reports: "+s.heals+", max_age: 1h, bricks: [{volume: v, member: s1, path: /bricks/v}]}\n")
	member("s1", "gluster://127.0.0.1:1")
	begin("hr", "mysql", "  read: {username: fettle, password_file: "+password+"}\n")
	for i, one := range s.mysql {
		member(string(rune('a'+i)), fmt.Sprintf("mysql://127.0.0.1:%d", one.Port))
	}
	return b.String()
}
