package mysql_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/mysql"
	"github.com/fettle-io/fettle/internal/mysqltest"
)

// These are no MySQL servers: stand-ins speak its protocol, with answers in the shapes
// that MySQL's manual gives for 8.0 and 8.4.

const (
	uuidA = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
	uuidB = "4e11fa47-71ca-11e1-9e33-c80aa9429562"
	uuidC = "5e11fa47-71ca-11e1-9e33-c80aa9429562"
)

// row makes an answer of one row.
func row(to string, cells ...any) mysqltest.Answer {
	a := mysqltest.Answer{To: to, Rows: [][]any{nil}}
	for i := 0; i < len(cells); i += 2 {
		a.Columns = append(a.Columns, cells[i].(string))
		a.Rows[0] = append(a.Rows[0], cells[i+1])
	}
	return a
}

// pairs makes an answer of names and values.
func pairs(to string, cells ...string) mysqltest.Answer {
	a := mysqltest.Answer{To: to, Columns: []string{"Variable_name", "Value"}}
	for i := 0; i < len(cells); i += 2 {
		a.Rows = append(a.Rows, []any{cells[i], cells[i+1]})
	}
	return a
}

// server are the answers of a server that follows nobody; more come before them.
func server(version string, id int, uuid, executed string, more ...mysqltest.Answer) []mysqltest.Answer {
	return append(slices.Clone(more),
		row("SELECT VERSION()", "version", version, "id", "7"),
		mysqltest.Answer{To: "SET SESSION lock_wait_timeout = 1, max_execution_time"},
		row("@@global.gtid_executed", "written", executed),
		pairs("SHOW GLOBAL VARIABLES", "server_id", strconv.Itoa(id), "server_uuid", uuid, "read_only", "OFF", "super_read_only", "OFF", "max_connections", "151",
			"rpl_semi_sync_source_enabled", "ON"),
		pairs("SHOW GLOBAL STATUS", "Uptime", "12345", "Threads_connected", "3", "Rpl_semi_sync_source_status", "ON", "Rpl_semi_sync_source_clients", "1", "Rpl_semi_sync_source_no_tx", "4"),
		mysqltest.Answer{To: "SHOW REPLICA STATUS", Columns: []string{"Source_Host"}},
		row("SHOW BINARY LOG STATUS", "File", "binlog.000007", "Position", "5000", "Binlog_Do_DB", "", "Binlog_Ignore_DB", "", "Executed_Gtid_Set", executed),
		mysqltest.Answer{To: "SHOW BINARY LOGS", Columns: []string{"Log_name", "File_size", "Encrypted"}, Rows: [][]any{{"binlog.000006", "900", "No"}, {"binlog.000007", "5000", "No"}}},
	)
}

// following is one row of 8.4's SHOW REPLICA STATUS.
func following(channel string, port int, uuid, received, executed string) []any {
	return []any{
		"db1", strconv.Itoa(port), "binlog.000007", "4000", "binlog.000006", "Yes", "Yes", "0", "800", "2048", "7", "0", "0", "1", uuid, "2", nil, received, executed, channel,
	}
}

var followingColumns = []string{
	"Source_Host", "Source_Port", "Source_Log_File", "Read_Source_Log_Pos", "Relay_Source_Log_File", "Replica_IO_Running", "Replica_SQL_Running", "Last_Errno",
	"Exec_Source_Log_Pos", "Relay_Log_Space", "Seconds_Behind_Source", "Last_IO_Errno", "Last_SQL_Errno", "Source_Server_Id", "Source_UUID", "SQL_Delay",
	"SQL_Remaining_Delay", "Retrieved_Gtid_Set", "Executed_Gtid_Set", "Channel_Name",
}

// standIns start, one for each list of answers, as members a, b, c of a cluster.
func standIns(t *testing.T, answers ...[]mysqltest.Answer) (cluster.Cluster, []*mysqltest.StandIn) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("canary-5e1f-word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := cluster.Cluster{Name: "db", Kind: cluster.KindMySQL, Read: cluster.Login{Username: "fettle", PasswordFile: file}}
	var all []*mysqltest.StandIn
	for i, a := range answers {
		s, err := mysqltest.NewStandIn("8.4.6", "fettle", "canary-5e1f-word", a...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		all = append(all, s)
		c.Members = append(c.Members, cluster.Member{Name: string(rune('a' + i)), Endpoint: fmt.Sprintf("mysql://127.0.0.1:%d", s.Port)})
	}
	return c, all
}

// driver is one with a patient deadline, closed by the test's end.
func driver(t *testing.T, c cluster.Cluster, o mysql.Options) *mysql.Driver {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	d, err := mysql.New(c, o)
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

// numbers writes what is there, and "-" for what is not.
func numbers(all ...*float64) string {
	var parts []string
	for _, n := range all {
		if n == nil {
			parts = append(parts, "-")
		} else {
			parts = append(parts, strconv.FormatFloat(*n, 'g', -1, 64))
		}
	}
	return strings.Join(parts, " ")
}

// A server may follow more sources than there are metrics for: all are judged, and where
// not even that can be done, it does not count as running and has no lag.
func TestManyChannels(t *testing.T) {
	const applied = uuidA + ":1-100," + uuidB + ":1-3"
	for _, tc := range []struct {
		name    string
		n       int
		change  func(rows [][]any)
		running bool
		unread  int
	}{
		{"20 that run", 20, func([][]any) {}, true, 0},
		{"the last of 20 is stopped", 20, func(rows [][]any) {
			rows[19][slices.Index(followingColumns, "Replica_SQL_Running")] = "No"
		}, false, 0},
		{"more than can be judged", 260, func([][]any) {}, false, 4},
		{"one twice, as no server does", 2, func(rows [][]any) { copy(rows[1], rows[0]) }, false, 1},
	} {
		rows := make([][]any, tc.n)
		for i := range rows {
			rows[i] = following(fmt.Sprint("c", i), 1, uuidA, "", applied)
		}
		tc.change(rows)
		replica := mysqltest.Answer{To: "SHOW REPLICA STATUS", Columns: followingColumns, Rows: rows}
		c, _ := standIns(t, server("8.4.6", 1, uuidA, uuidA+":1-100"), server("8.4.6", 2, uuidB, applied, replica))
		b := driver(t, c, mysql.Options{}).View(t.Context()).Members[1]
		m, ok := b.Detail.(*mysql.Member)
		if !ok {
			t.Fatalf("%s: %+v", tc.name, b)
		}
		if b.Sync.Running != tc.running || m.Unread != tc.unread || len(m.Channels) != tc.n-tc.unread || (b.Sync.Entries == nil) != (tc.unread > 0) {
			t.Errorf("%s: %+v, %d unread of %d", tc.name, b.Sync, m.Unread, len(m.Channels))
		}
	}
}

// MySQL 8.4 knows no SLAVE and no MASTER any more: to the stand-in they are a syntax error.
func TestMySQL84(t *testing.T) {
	replica := mysqltest.Answer{To: "SHOW REPLICA STATUS", Columns: followingColumns, Rows: [][]any{
		following("", 1, uuidA, uuidA+":1-90", uuidA+":1-80,"+uuidB+":1-3"),
		following("other\x00\xff", 2, uuidC, "", uuidA+":1-80,"+uuidB+":1-3"),
		following("group_replication_recovery", 0, "", "", ""),
	}}
	beats := mysqltest.Answer{To: "replication_connection_status", Columns: []string{"channel", "period", "received"}, Rows: [][]any{{"", "30.000", "17"}}}
	workers := mysqltest.Answer{To: "replication_applier_status_by_worker", Columns: []string{"channel", "workers", "working", "errno", "applying"}, Rows: [][]any{{"", "4", "4", "0", "6.5"}}}
	c, all := standIns(t, server("8.4.6", 1, uuidA, uuidA+":1-60:61-100"), server("8.4.6", 2, uuidB, uuidA+":1-80", replica, beats, workers))
	d := driver(t, c, mysql.Options{})
	d.View(t.Context()) // the first look finds the files to differ
	v := d.View(t.Context())
	for _, m := range v.Members {
		if !m.Reachable {
			t.Fatalf("%+v", m)
		}
	}
	a, b := v.Members[0].Sync, v.Members[1].Sync
	if a.Role != cluster.Primary || !a.Running || b.Role != cluster.Replica || !b.Running || b.Source != "a" {
		t.Errorf("a %+v, b %+v", a, b)
	}
	m := v.Members[1].Detail.(*mysql.Member)
	if len(m.Channels) != 2 || m.Channels[1].Name != "other??" {
		t.Fatalf("%+v", m.Channels)
	}
	ch := m.Channels[0]
	if got, want := numbers(ch.Missing, ch.Unreceived, ch.Unapplied, ch.UnreadBytes, ch.UnappliedBytes, ch.Behind, ch.Delay, ch.Remaining, ch.RelayLog), "20 10 10 1000 4100 7 2 - 2048"; got != want {
		t.Errorf("channel: %s, want %s", got, want)
	}
	if got, want := numbers(ch.Heartbeats, ch.Period, ch.Workers, ch.Working, ch.Applying, m.Errant, m.Uptime, m.Connections, m.MaxConnections), "17 30 4 4 6.5 3 12345 3 151"; got != want {
		t.Errorf("member: %s, want %s", got, want)
	}
	// The second channel's source is nobody of the inventory: what is behind it is not known.
	if got, want := numbers(b.Seconds, b.Bytes, b.Entries), "5 - -"; got != want {
		t.Errorf("lag %s, want %s", got, want)
	}
	s := v.Members[0].Detail.(*mysql.Member).SemiSync
	if !*s.SourceEnabled || !*s.SourceOn || s.ReplicaOn != nil || numbers(s.Replicas, s.Unacknowledged) != "1 4" {
		t.Errorf("semi-sync %+v", s)
	}
	for _, statement := range all[1].Asked() {
		if strings.Contains(statement, "SHOW SLAVE") || strings.Contains(statement, "SHOW MASTER") {
			t.Errorf("8.4 was asked %q", statement)
		}
	}
	if all[0].Open() != 1 || all[1].Open() != 1 {
		t.Errorf("%d and %d connections", all[0].Open(), all[1].Open())
	}
}

// MySQL before 8.0.22 knows only the older words.
func TestMySQL80(t *testing.T) {
	replica := row("SHOW SLAVE STATUS", "Master_Host", "127.0.0.1", "Master_Port", "1", "Master_Log_File", "binlog.000007", "Read_Master_Log_Pos", "5000",
		"Relay_Master_Log_File", "binlog.000007", "Exec_Master_Log_Pos", "4400", "Slave_IO_Running", "Yes", "Slave_SQL_Running", "Yes",
		"Seconds_Behind_Master", nil, "Master_Server_Id", "1", "Master_UUID", uuidA, "SQL_Delay", "0", "Retrieved_Gtid_Set", "", "Executed_Gtid_Set", "", "Channel_Name", "")
	binlog := row("SHOW MASTER STATUS", "File", "binlog.000007", "Position", "5000")
	none := mysqltest.Answer{To: "SHOW SLAVE STATUS", Columns: []string{"Master_Host"}}
	gone := mysqltest.Answer{To: "SHOW REPLICA STATUS", Error: 1064}
	refused := mysqltest.Answer{To: "performance_schema", Error: 1142, Text: "SELECT command denied"}
	c, _ := standIns(t, server("8.0.19", 1, uuidA, "", gone, none, binlog), server("8.0.19", 2, uuidB, "", gone, replica, binlog, refused))
	v := driver(t, c, mysql.Options{}).View(t.Context())
	b := v.Members[1].Sync
	if b == nil || b.Source != "a" || !b.Running || numbers(b.Seconds, b.Bytes, b.Entries) != "- 600 -" {
		t.Errorf("%+v, %+v", v.Members[1], b)
	}
	if m := v.Members[1].Detail.(*mysql.Member); !slices.Equal(m.Denied, []string{mysql.QuestionChannels}) {
		t.Errorf("denied %v", m.Denied)
	}
}

func TestGroupReplication(t *testing.T) {
	member := func(version string, id int, uuid, executed, read string, states ...string) []mysqltest.Answer {
		list := mysqltest.Answer{To: "replication_group_members", Columns: []string{"id", "state", "role", "certifying", "applying"}}
		for i, u := range []string{uuidA, uuidB, uuidC} {
			role, queue := "SECONDARY", any("5")
			if i == 0 {
				role = "PRIMARY"
			}
			if states[i] == "UNREACHABLE" {
				queue = nil
			}
			list.Rows = append(list.Rows, []any{u, states[i], role, "0", queue})
		}
		vars := pairs("SHOW GLOBAL VARIABLES", "server_id", strconv.Itoa(id), "server_uuid", uuid, "super_read_only", read, "group_replication_group_name", "g")
		return server(version, id, uuid, executed, vars, list)
	}
	c, _ := standIns(t,
		member("8.4.6", 1, uuidA, "g:1-100", "OFF", "ONLINE", "ONLINE", "UNREACHABLE"),
		member("8.4.6", 2, uuidB, "g:1-93", "ON", "ONLINE", "ONLINE", "UNREACHABLE"),
		member("8.4.6", 3, uuidC, "g:1-50", "ON", "UNREACHABLE", "UNREACHABLE", "ONLINE"))
	v := driver(t, c, mysql.Options{}).View(t.Context())
	var got []string
	for _, m := range v.Members {
		got = append(got, fmt.Sprintf("%s %s %v <%s> %s", m.Name, m.Sync.Role, m.Sync.Running, m.Sync.Source, numbers(m.Sync.Seconds, m.Sync.Bytes, m.Sync.Entries)))
	}
	// c sees nobody of the majority: it has lost its group, and says ONLINE of itself.
	want := "a primary true <> - - -, b replica true <a> - - 7, c replica false <a> - - 50"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	g := v.Members[2].Detail.(*mysql.Member).Group
	if g.State != "ONLINE" || g.Majority() || g.Members != 3 || g.Unreachable != 2 || *g.Applying != 5 {
		t.Errorf("%+v", g)
	}
}

// A member that does not tell of its group has neither left it, nor leads alone.
func TestGroupNotTold(t *testing.T) {
	for what, number := range map[string]uint16{"a lock": 1205, "too slow": 3024, "denied": 1142} {
		vars := pairs("SHOW GLOBAL VARIABLES", "server_id", "1", "server_uuid", uuidA, "super_read_only", "OFF", "group_replication_group_name", "g")
		refuses := mysqltest.Answer{To: "replication_group_members", Error: number, Text: "no"}
		c, _ := standIns(t, server("8.4.6", 1, uuidA, "g:1-100", vars, refuses))
		m := driver(t, c, mysql.Options{}).View(t.Context()).Members[0]
		d, ok := m.Detail.(*mysql.Member)
		if !ok || !m.Reachable || m.Sync.Role != "" || m.Sync.Running || d.Group == nil || d.Group.State != "" {
			t.Errorf("%s: %+v, %+v", what, m, m.Sync)
		}
	}
}

func TestVersions(t *testing.T) {
	refuses := mysqltest.Answer{To: "SHOW REPLICA STATUS", Error: 1064, Text: "You have an error in your SQL syntax"}
	for _, tc := range []struct {
		version string
		more    []mysqltest.Answer
		reason  string
		why     string
	}{
		{"8.0.44", nil, "", ""},
		{"9.5.0", nil, "", ""},
		{"99.1.0-never-seen", nil, "", ""}, // taken for the newest, as long as it answers
		{"99.1.0-never-seen", []mysqltest.Answer{refuses}, cluster.BadVersion, "SHOW REPLICA: Error 1064"},
		{"5.7.44-log", nil, cluster.BadVersion, `MySQL "5.7.44-log" is too old to be asked: 8.0 is the oldest`},
		{"5.5.5-10.1.48-MariaDB", nil, cluster.BadVersion, `10.3 is the oldest`},
		{"banana", nil, cluster.BadVersion, `version "banana" is neither MariaDB's nor MySQL's`},
		{strings.Repeat("x", 5000), nil, cluster.BadVersion, `version "xxx`},
	} {
		t.Run(tc.version[:min(len(tc.version), 20)], func(t *testing.T) {
			older := row("SHOW MASTER STATUS", "File", "f", "Position", "4")
			c, _ := standIns(t, server(tc.version, 1, uuidA, "", append(tc.more, older)...))
			m := driver(t, c, mysql.Options{}).View(t.Context()).Members[0]
			if m.Error != tc.reason || !strings.Contains(m.Why, tc.why) || len(m.Why) > 300 || m.Reachable != (tc.reason == "") {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestMissingRight(t *testing.T) {
	refused := mysqltest.Answer{To: "SHOW REPLICA STATUS", Error: 1227, Text: "Access denied; you need (at least one of) the SUPER, REPLICATION CLIENT privilege(s) for this operation"}
	c, all := standIns(t, server("8.4.6", 1, uuidA, "", refused))
	d := driver(t, c, mysql.Options{})
	for range 3 {
		m := d.View(t.Context()).Members[0]
		if m.Error != cluster.BadAuth || !strings.HasSuffix(m.Why, "GRANT REPLICATION CLIENT ON *.* to the user") || m.Pause != 0 || m.Sync.Up {
			t.Fatalf("%+v", m)
		}
	}
	if all[0].Open() != 1 {
		t.Errorf("a no of the server ended the connection: %d are open", all[0].Open())
	}
}

// A question that is given up is not joined by another one while the server is still at it.
func TestOneQuestionInFlight(t *testing.T) {
	c, all := standIns(t, server("8.4.6", 1, uuidA, ""))
	now := time.Unix(1000, 0)
	d := driver(t, c, mysql.Options{Timeout: time.Second, Now: func() time.Time { return now }})
	look := func(reason string) cluster.MemberView {
		t.Helper()
		now = now.Add(time.Minute) // past every pause
		m := d.View(context.Background()).Members[0]
		if m.Error != reason {
			t.Fatalf("%+v, want %q", m, reason)
		}
		return m
	}
	look("")
	all[0].Behave(mysqltest.Frozen)
	look(cluster.Timeout)
	all[0].Behave(mysqltest.Proper)
	busy := row("information_schema.PROCESSLIST me ON me.ID = CONNECTION_ID() AND me.USER = p.USER WHERE p.ID = 7", "ID", "7")
	all[0].Say(server("8.4.6", 1, uuidA, "", busy)...)
	if m := look(cluster.Timeout); !strings.Contains(m.Why, "still at an earlier question") {
		t.Error(m.Why)
	}
	asked := all[0].Asked()
	if last := asked[len(asked)-1]; !strings.Contains(last, "PROCESSLIST") {
		t.Errorf("asked after that: %s", last)
	}
	idle := mysqltest.Answer{To: "PROCESSLIST", Columns: []string{"ID"}}
	all[0].Say(server("8.4.6", 1, uuidA, "", idle)...)
	look("")
}
