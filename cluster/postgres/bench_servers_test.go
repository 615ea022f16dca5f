//go:build servers

package postgres

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// BenchmarkView looks at a primary and two standbys.
func BenchmarkView(b *testing.B) {
	d := driver(b, shared(b))
	for b.Loop() {
		if v := d.View(b.Context()); !v.Members[0].Reachable {
			b.Fatalf("%+v", v.Members[0])
		}
	}
}

// raw is what a person would ask to know the same.
const raw = `SELECT * FROM pg_stat_replication; SELECT * FROM pg_stat_wal_receiver; SELECT * FROM pg_replication_slots;
	SELECT * FROM pg_stat_subscription; SELECT subname, subenabled FROM pg_subscription; SELECT * FROM pg_stat_subscription_stats; SELECT * FROM pg_stat_archiver;
	SELECT count(*), min(xact_start) FROM pg_stat_activity; SELECT min(prepared) FROM pg_prepared_xacts;
	SELECT max(age(datfrozenxid)), max(mxid_age(datminmxid)) FROM pg_database; SELECT system_identifier FROM pg_control_system();
	SELECT pg_is_in_recovery(), pg_current_wal_lsn(), pg_walfile_name(pg_current_wal_lsn())`

// BenchmarkServerCPU is the CPU time that a look costs the server, beside that of the
// raw queries: 1.5 times theirs is the limit. The kernel counts it in hundredths of a
// second: run it with -benchtime 2000x.
func BenchmarkServerCPU(b *testing.B) {
	c := shared(b)
	of := map[string]float64{}
	rounds := 0
	for _, who := range []string{"raw", "look"} {
		b.Run(who, func(b *testing.B) {
			inv, err := c.Inventory("db")
			must(b, err)
			dialer, err := newDialer(inv, inv.Members[0], 10*time.Second)
			must(b, err)
			conn, err := dialer.dial(patience(b))
			must(b, err)
			defer conn.close()
			before := cpuSeconds(b, conn.pg)
			for b.Loop() {
				if who == "look" {
					_, err = conn.ask(patience(b))
				} else {
					conn.raw.Allow()
					_, err = conn.pg.Exec(patience(b), raw).ReadAll()
				}
				must(b, err)
			}
			rounds = b.N
			of[who] = (cpuSeconds(b, conn.pg) - before) / float64(b.N) * 1000
			b.ReportMetric(of[who], "server-CPU-ms/op")
		})
	}
	if rounds >= 500 && of["look"] > 1.5*of["raw"] {
		b.Errorf("a look costs %.2f ms of the server's CPU, the raw queries %.2f ms", of["look"], of["raw"])
	}
}

// cpuSeconds is the CPU time of the process behind a connection.
func cpuSeconds(b *testing.B, conn *pgconn.PgConn) float64 {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", conn.PID()))
	must(b, err)
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	total := 0.0
	for _, field := range fields[11:13] { // utime and stime
		ticks, err := strconv.ParseFloat(field, 64)
		must(b, err)
		total += ticks / 100
	}
	return total
}
