//go:build unix

package exporter

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/mysql"
	"github.com/fettle-io/fettle/internal/mysqltest"
	"github.com/fettle-io/fettle/internal/servertest"
)

func TestMySQL(t *testing.T) {
	n := func(f float64) *float64 { return &f }
	on := true
	v := cluster.View{Cluster: "db", Kind: cluster.KindMySQL, Members: []cluster.MemberView{
		{Name: "a", Reachable: true, Sync: &cluster.Sync{Role: cluster.Primary, Up: true, Running: true}, Detail: &mysql.Member{
			ServerID: 1, Uptime: n(60), Connections: n(3), MaxConnections: n(151), SuperReadOnly: new(bool),
			SemiSync: mysql.SemiSync{SourceEnabled: &on, SourceOn: new(bool), Replicas: n(1), Unacknowledged: n(4)},
			Group:    &mysql.Group{State: "ONLINE", Role: "PRIMARY", Members: 3, Unreachable: 1, Certifying: n(0), Applying: n(2)},
		}},
		{Name: "b", Reachable: true, Sync: &cluster.Sync{Role: cluster.Replica, Up: true}, Detail: &mysql.Member{
			ServerID: 2, ReadOnly: true, Denied: []string{mysql.QuestionBinlog}, Errant: n(1), Heartbeat: &mysql.Heartbeat{Age: 2},
			Galera: &mysql.Galera{Primary: true, State: n(4), Size: n(3), Queue: n(1), QueueAverage: n(0.5), Paused: n(7)},
			Channels: []mysql.Channel{{
				Name: "x", Source: "a", Receiver: "Yes", Applier: "No", ApplierError: n(1062), ReceiverError: n(0), Delay: n(0), Missing: n(9), Unreceived: n(0), Unapplied: n(9),
				UnreadBytes: n(0), UnappliedBytes: n(900), RelayLog: n(4096), Heartbeats: n(5), Period: n(30), Silent: 12, Alive: true, Retries: n(2), Workers: n(4), Working: n(0), Applying: n(8),
			}},
		}},
		{Name: "c", Error: cluster.Timeout, Sync: &cluster.Sync{}},
	}}
	got := gathered(t, newMySQL(Host{}), v)
	for series, want := range map[string]float64{
		`fettle_mysql_primaries{cluster="db"}`:                                              1,
		`fettle_mysql_uptime_seconds{cluster="db",member="a"}`:                              60,
		`fettle_mysql_connections{cluster="db",member="a"}`:                                 3,
		`fettle_mysql_connections_limit{cluster="db",member="a"}`:                           151,
		`fettle_mysql_server_id{cluster="db",member="b"}`:                                   2,
		`fettle_mysql_read_only{cluster="db",member="a"}`:                                   0,
		`fettle_mysql_read_only{cluster="db",member="b"}`:                                   1,
		`fettle_mysql_super_read_only{cluster="db",member="a"}`:                             0,
		`fettle_mysql_semisync_source_enabled{cluster="db",member="a"}`:                     1,
		`fettle_mysql_semisync_source_on{cluster="db",member="a"}`:                          0,
		`fettle_mysql_semisync_unacknowledged_total{cluster="db",member="a"}`:               4,
		`fettle_mysql_group_state{cluster="db",member="a",state="ONLINE"}`:                  1,
		`fettle_mysql_group_state{cluster="db",member="a",state="ERROR"}`:                   0,
		`fettle_mysql_group_majority{cluster="db",member="a"}`:                              1,
		`fettle_mysql_group_members_unreachable{cluster="db",member="a"}`:                   1,
		`fettle_mysql_group_apply_queue_transactions{cluster="db",member="a"}`:              2,
		`fettle_mysql_question_denied{cluster="db",member="b",question="binlog"}`:           1,
		`fettle_mysql_question_denied{cluster="db",member="b",question="group"}`:            0,
		`fettle_mysql_errant_transactions{cluster="db",member="b"}`:                         1,
		`fettle_mysql_heartbeat_age_seconds{cluster="db",member="b"}`:                       2,
		`fettle_mysql_galera_primary{cluster="db",member="b"}`:                              1,
		`fettle_mysql_galera_ready{cluster="db",member="b"}`:                                0,
		`fettle_mysql_galera_paused_seconds_total{cluster="db",member="b"}`:                 7,
		`fettle_mysql_channels{cluster="db",member="b"}`:                                    1,
		`fettle_mysql_channel_receiving{channel="x",cluster="db",member="b"}`:               1,
		`fettle_mysql_channel_applying{channel="x",cluster="db",member="b"}`:                0,
		`fettle_mysql_channel_alive{channel="x",cluster="db",member="b"}`:                   1,
		`fettle_mysql_channel_source_listed{channel="x",cluster="db",member="b"}`:           1,
		`fettle_mysql_channel_apply_error{channel="x",cluster="db",member="b"}`:             1062,
		`fettle_mysql_channel_missing_transactions{channel="x",cluster="db",member="b"}`:    9,
		`fettle_mysql_channel_unapplied_bytes{channel="x",cluster="db",member="b"}`:         900,
		`fettle_mysql_channel_heartbeats_total{channel="x",cluster="db",member="b"}`:        5,
		`fettle_mysql_channel_silent_seconds{channel="x",cluster="db",member="b"}`:          12,
		`fettle_mysql_channel_transaction_age_seconds{channel="x",cluster="db",member="b"}`: 8,
	} {
		if value, ok := got[series]; !ok || value != want {
			t.Errorf("%s is %v (there: %v), want %v", series, value, ok, want)
		}
	}
	for series := range got {
		if strings.Contains(series, `member="c"`) || strings.Contains(series, "behind_seconds") {
			t.Errorf("%s is told, and was not read", series)
		}
	}
	nobody := gathered(t, newMySQL(Host{}), blind(cluster.Cluster{Name: "db", Kind: cluster.KindMySQL, Members: []cluster.Member{{Name: "a"}}}))
	if len(nobody) != 1 || nobody[`fettle_mysql_primaries{cluster="db"}`] != 0 {
		t.Errorf("of a cluster that could not be seen: %v", nobody)
	}
}

// Channels without metrics of their own are counted, never silently left out.
func TestMySQLManyChannels(t *testing.T) {
	m := &mysql.Member{Unread: 3}
	for i := range mostChannels + 2 {
		m.Channels = append(m.Channels, mysql.Channel{Name: fmt.Sprint("c", i), Applier: "Yes"})
	}
	got := gathered(t, newMySQL(Host{}), cluster.View{Cluster: "db", Kind: cluster.KindMySQL, Members: []cluster.MemberView{{Name: "a", Reachable: true, Detail: m}}})
	told := 0
	for series := range got {
		if strings.HasPrefix(series, "fettle_mysql_channel_applying{") {
			told++
		}
	}
	if all, left := got[`fettle_mysql_channels{cluster="db",member="a"}`], got[`fettle_mysql_channels_left_out{cluster="db",member="a"}`]; all != 21 || left != 5 || told != mostChannels {
		t.Errorf("%v channels, %v left out, %d told of", all, left, told)
	}
}

// speaking listens, and says a banner to whoever connects.
func speaking(t *testing.T, banner string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			_, _ = conn.Write([]byte(banner))
		}
	}()
	return l.Addr().String()
}

// What answers in a member's place and is none, or is sick, costs that member alone: a
// bounded reason, one line of the log for each change, and no word of the password.
func TestMySQLBadInput(t *testing.T) {
	const canary = "canary-5e1f-word"
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	answers := []mysqltest.Answer{
		{To: "SELECT VERSION()", Columns: []string{"version", "id"}, Rows: [][]any{{"8.4.6", "7"}}},
		{To: "SET SESSION"},
		{To: "PROCESSLIST", Columns: []string{"ID"}},
		{To: "gtid_executed", Columns: []string{"written"}, Rows: [][]any{{""}}},
		{To: "SHOW ", Columns: []string{"Variable_name", "Value"}},
	}
	standIn := func(password string) *mysqltest.StandIn {
		s, err := mysqltest.NewStandIn("8.4.6", "fettle", password, answers...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	good, other, flooding, dripping, frozen := standIn(canary), standIn("another"), standIn(canary), standIn(canary), standIn(canary)
	flooding.Behave(mysqltest.Flooding)
	dripping.Behave(mysqltest.Dripping)
	frozen.Behave(mysqltest.Frozen)
	at := func(s *mysqltest.StandIn) string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }
	members := []struct{ name, address, reason, why string }{
		{"good", at(good), "", ""},
		{"password", at(other), cluster.BadAuth, "Access denied for user 'fettle'"},
		{"web", web.Listener.Addr().String(), cluster.Timeout, "a server of this kind speaks first"},
		{"ssh", speaking(t, "SSH-2.0-OpenSSH_9.2p1\r\n"), cluster.BadProtocol, "no MariaDB or MySQL: it says \\\"SSH-2\\\""},
		{"redis", speaking(t, "-ERR unknown command\r\n"), cluster.BadProtocol, "no MariaDB or MySQL"},
		{"nonsense", speaking(t, "\x05\x00\x00\x00\x0axxxx"), cluster.BadProtocol, ""},
		{"flooding", at(flooding), cluster.TooLarge, "more than 1048576 bytes"},
		{"dripping", at(dripping), cluster.Timeout, ""},
		{"frozen", at(frozen), cluster.Timeout, ""},
		{"closed", servertest.FreeAddress(t), cluster.Refused, "connection refused"},
	}
	c := cluster.Cluster{Name: "db", Kind: cluster.KindMySQL, Read: cluster.Login{Username: "fettle", PasswordFile: file}}
	for _, m := range members {
		c.Members = append(c.Members, cluster.Member{Name: m.name, Endpoint: "mysql://" + m.address})
	}
	d, err := mysql.New(c, mysql.Options{Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	var log bytes.Buffer
	table := []Entry{{Name: "member", Default: true, New: newMember}, {Name: "sync", Default: true, New: newSync}, {Name: "mysql", Default: true, New: newMySQL}}
	e, err := newExporter(Options{Sources: []Source{{Cluster: c, Viewer: d}}, Log: slog.New(slog.NewTextHandler(&log, nil))}, table)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		page := scraped(t, e, "", "10")
		for _, m := range members {
			labels := fmt.Sprintf(`{cluster="db",member=%q}`, m.name)
			up := boolean(m.reason == "")
			for _, series := range []string{"fettle_member_reachable", "fettle_sync_up"} {
				if want := fmt.Sprintf("%s%s %v\n", series, labels, up); !strings.Contains(page, want) {
					t.Errorf("no %s", want)
				}
			}
			if m.reason == "" {
				continue
			}
			if want := fmt.Sprintf("fettle_member_failure{cluster=\"db\",member=%q,reason=%q} 1\n", m.name, m.reason); !strings.Contains(page, want) {
				t.Errorf("no %s", want)
			}
			if strings.Contains(page, "fettle_mysql_read_only"+labels) || strings.Contains(page, "fettle_sync_lag_seconds"+labels) {
				t.Errorf("%s: a value that was not read", m.name)
			}
		}
		if strings.Contains(page, canary) {
			t.Error("the password stands in a metric")
		}
	}
	for _, m := range members {
		lines := 0
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, "member="+m.name+" ") {
				lines++
				if !strings.Contains(line, m.why) || !strings.Contains(line, "reason="+m.reason+" ") {
					t.Errorf("%s: the log says %s", m.name, line)
				}
			}
		}
		if want := int(boolean(m.reason != "")); lines != want {
			t.Errorf("%s: %d lines of the log, want %d", m.name, lines, want)
		}
	}
	if strings.Contains(log.String(), canary) {
		t.Error("the password stands in the log")
	}
}
