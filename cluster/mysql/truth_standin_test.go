package mysql_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster/mysql"
	"github.com/fettle-io/fettle/internal/mysqltest"
)

// source are the answers of a stand-in that leads and has written n transactions.
func source(n int) []mysqltest.Answer {
	executed := uuidA + ":1-" + strconv.Itoa(n)
	return server("8.4.6", 1, uuidA, executed, row("SHOW BINARY LOG STATUS", "File", "binlog.000007", "Position", strconv.Itoa(100*n), "Executed_Gtid_Set", executed))
}

// replicaOf are those of one that follows it, has received so many and replayed so many;
// what changes is in place of what a healthy one says. beats came over its link.
func replicaOf(received, replayed, beats int, change map[string]any) []mysqltest.Answer {
	executed := uuidA + ":1-" + strconv.Itoa(replayed)
	says := following("", 1, uuidA, uuidA+":1-"+strconv.Itoa(received), executed)
	for column, value := range map[string]any{
		"Read_Source_Log_Pos": strconv.Itoa(100 * received), "Relay_Source_Log_File": "binlog.000007", "Exec_Source_Log_Pos": strconv.Itoa(100 * replayed), "Seconds_Behind_Source": "0", "SQL_Delay": "0",
	} {
		says[slices.Index(followingColumns, column)] = value
	}
	for column, value := range change {
		says[slices.Index(followingColumns, column)] = value
	}
	return server("8.4.6", 2, uuidB, executed,
		mysqltest.Answer{To: "SHOW REPLICA STATUS", Columns: followingColumns, Rows: [][]any{says}},
		mysqltest.Answer{To: "replication_connection_status", Columns: []string{"channel", "period", "received"}, Rows: [][]any{{"", "30.000", strconv.Itoa(beats)}}},
		mysqltest.Answer{To: "replication_applier_status_by_worker", Columns: []string{"channel", "workers", "working", "errno", "applying"}, Rows: [][]any{{"", "4", "4", "0", nil}}})
}

// The cells of the truth table with MySQL 8.4, against stand-ins: what each says is in the
// shapes of the manual. MariaDB's cells are against real servers.
func TestTruthMySQL84(t *testing.T) {
	const healthy = "1 1 1 ---, 1 1 0 000"
	for _, tc := range []struct {
		name string
		then func(a, b *mysqltest.StandIn) // two minutes after it was healthy
		want string
	}{
		{"both healthy", func(a, b *mysqltest.StandIn) { a.Say(source(60)...); b.Say(replicaOf(60, 60, 9, nil)...) }, healthy},
		{"idle primary", func(_, b *mysqltest.StandIn) { b.Say(replicaOf(50, 50, 9, nil)...) }, healthy},
		{"primary frozen", func(a, _ *mysqltest.StandIn) { a.Behave(mysqltest.Frozen) }, "0 0 0 ---, 1 0 0 ---"},
		{"replica cut off, without a word", func(a, _ *mysqltest.StandIn) { a.Say(source(60)...) }, "1 1 1 ---, 1 0 0 -++"},
		{"replica cut off, connection ended", func(a, b *mysqltest.StandIn) {
			a.Say(source(60)...)
			b.Say(replicaOf(50, 50, 5, map[string]any{"Replica_IO_Running": "Connecting", "Last_IO_Errno": "2003", "Seconds_Behind_Source": nil})...)
		}, "1 1 1 ---, 1 0 0 -++"},
		{"replay paused", func(a, b *mysqltest.StandIn) {
			a.Say(source(60)...)
			b.Say(replicaOf(60, 50, 9, map[string]any{"Seconds_Behind_Source": "120"})...)
		}, "1 1 1 ---, 1 1 0 +++"},
		{"applier stopped", func(a, b *mysqltest.StandIn) {
			a.Say(source(60)...)
			b.Say(replicaOf(60, 50, 9, map[string]any{"Replica_SQL_Running": "No", "Seconds_Behind_Source": nil})...)
		}, "1 1 1 ---, 1 0 0 -++"},
		{"receiver stopped", func(a, b *mysqltest.StandIn) {
			a.Say(source(60)...)
			b.Say(replicaOf(50, 50, 5, map[string]any{"Replica_IO_Running": "No", "Seconds_Behind_Source": nil})...)
		}, "1 1 1 ---, 1 0 0 -++"},
		{"replication reset", func(a, b *mysqltest.StandIn) {
			a.Say(source(60)...)
			b.Say(server("8.4.6", 2, uuidB, uuidA+":1-50")...)
		}, "1 1 1 ---, 1 0 0 ---"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, all := standIns(t, source(50), replicaOf(50, 50, 5, nil))
			now := time.Now()
			d := driver(t, c, mysql.Options{Timeout: time.Second, Now: func() time.Time { return now }})
			told := func() string {
				text := ""
				for i, m := range d.View(t.Context()).Members {
					if i > 0 {
						text += ", "
					}
					text += fmt.Sprintf("%d %d %d ", digit(m.Sync.Up), digit(m.Sync.Running), digit(m.Sync.Role == "primary"))
					for _, n := range []*float64{m.Sync.Seconds, m.Sync.Bytes, m.Sync.Entries} {
						text += sign(n)
					}
				}
				return text
			}
			if got := told(); got != healthy {
				t.Fatalf("at first %s", got)
			}
			now = now.Add(2 * time.Minute)
			tc.then(all[0], all[1])
			if got := told(); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func digit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sign is - where nothing is told, 0, or + for more.
func sign(n *float64) string {
	switch {
	case n == nil:
		return "-"
	case *n == 0:
		return "0"
	}
	return "+"
}
