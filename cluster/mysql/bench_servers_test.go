//go:build servers

package mysql_test

import (
	sql "database/sql/driver"
	"errors"
	"io"
	"sync"
	"syscall"
	"testing"

	"github.com/fettle-io/fettle/cluster/mysql"
	"github.com/fettle-io/fettle/internal/mysqltest"
)

func benched(b *testing.B) *pair {
	b.Helper()
	shared.once.Do(func() { shared.err = shared.start() })
	if shared.err != nil {
		b.Fatal(shared.err)
	}
	return &shared.pair
}

// BenchmarkView is one look at a real pair, over connections that are kept.
func BenchmarkView(b *testing.B) {
	d, err := mysql.New(benched(b).inventory(), mysql.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	d.View(b.Context())
	spent(b, func() {
		for _, m := range d.View(b.Context()).Members {
			if !m.Reachable {
				b.Fatalf("%+v", m)
			}
		}
	})
}

// BenchmarkRaw puts the same questions and reads the answers, and does nothing with them:
// what a look costs beside it is the driver's.
func BenchmarkRaw(b *testing.B) {
	p := benched(b)
	var conns []sql.Conn
	for _, s := range []*mysqltest.Server{p.primary, p.replica} {
		conn, err := s.Session(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	spent(b, func() {
		var all sync.WaitGroup
		for _, conn := range conns {
			all.Go(func() {
				for _, statement := range mysql.Statements() {
					if err := drain(b, conn, statement); err != nil {
						b.Error(err)
					}
				}
			})
		}
		all.Wait()
	})
}

func drain(b *testing.B, conn sql.Conn, statement string) error {
	rows, err := conn.(sql.QueryerContext).QueryContext(b.Context(), statement, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	for values := make([]sql.Value, len(rows.Columns())); ; {
		if err := rows.Next(values); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// spent reports the CPU time of this process beside the time.
func spent(b *testing.B, fn func()) {
	b.Helper()
	cpu := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := cpu()
	for b.Loop() {
		fn()
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
}
