//go:build servers

package postgres

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/postgrestest"
)

// One cluster serves all tests that leave it as they found it: a, b which follows a,
// and c which follows b.
var three struct {
	once sync.Once
	dir  string
	c    *postgrestest.Cluster
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if three.c != nil {
		if err := three.c.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if three.dir != "" {
		if err := os.RemoveAll(three.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// patience bounds every wait of a test.
func patience(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func shared(t testing.TB) *postgrestest.Cluster {
	t.Helper()
	three.once.Do(func() {
		if three.dir, three.err = os.MkdirTemp("", "fettle-postgres-test"); three.err == nil {
			three.c, three.err = started(three.dir)
		}
	})
	must(t, three.err)
	return three.c
}

func started(dir string) (*postgrestest.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := postgrestest.Start(ctx, dir, postgrestest.Options{})
	if err != nil {
		return nil, err
	}
	b, err := c.Standby(ctx, "b", c.Servers[0])
	if err == nil {
		_, err = c.Standby(ctx, "c", b)
	}
	return c, err
}

func driver(t testing.TB, c *postgrestest.Cluster) *Driver {
	t.Helper()
	inv, err := c.Inventory("db")
	must(t, err)
	d, err := New(inv, Options{})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// told is a View in short, a member a line: its role, up or down, running or stopped,
// bytes and seconds behind, and what it follows.
func told(v cluster.View) string {
	var text strings.Builder
	for _, m := range v.Members {
		role := m.Sync.Role
		if role == "" {
			role = "-"
		}
		fmt.Fprintf(&text, "%s %s %s %s %s %s", m.Name, role, word(m.Sync.Up, "up", "down"), word(m.Sync.Running, "running", "stopped"), size(m.Sync.Bytes), size(m.Sync.Seconds))
		if m.Sync.Source != "" {
			text.WriteString(" <" + m.Sync.Source)
		}
		text.WriteString("\n")
	}
	return text.String()
}

func word(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

func size(n *float64) string {
	switch {
	case n == nil:
		return "-"
	case *n == 0:
		return "0"
	}
	return ">0"
}

// await looks until the View is as wanted, and returns it.
func await(t *testing.T, d *Driver, want string) cluster.View {
	t.Helper()
	want = strings.ReplaceAll(strings.TrimPrefix(want, "\n"), "\t", "")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx := patience(t); ; {
		v := d.View(t.Context())
		if told(v) == want {
			return v
		}
		select {
		case <-ctx.Done():
			t.Fatalf("want\n%sgot\n%s%+v", want, told(v), v)
		case <-tick.C:
		}
	}
}

const healthy = `
	a primary up running - -
	b replica up running 0 0 <a
	c replica up running 0 0 <b
	`

// TestTruthTable is the table of docs/collectors/postgres.md, a cell each.
func TestTruthTable(t *testing.T) {
	c := shared(t)
	d := driver(t, c)
	a, b := c.Servers[0], c.Servers[1]
	write := func(t *testing.T) { must(t, a.Write(patience(t), 200)) }
	sql := func(t *testing.T, s *postgrestest.Server, statements ...string) {
		for _, one := range statements {
			_, err := s.SQL(patience(t), one)
			must(t, err)
		}
	}
	for _, tc := range []struct {
		name         string
		break_, mend func(t *testing.T)
		want         string
	}{
		{name: "both healthy", break_: write, want: healthy},
		{
			name:   "replica cut off",
			break_: func(t *testing.T) { b.Link.Cut(); write(t) },
			mend:   func(*testing.T) { b.Link.Join() },
			want: `
			a primary up running - -
			b replica up stopped >0 >0
			c replica up running >0 >0 <b
			`,
		},
		{
			name:   "replica behind a network that loses everything",
			break_: func(t *testing.T) { b.Link.Hold(); write(t) },
			mend:   func(*testing.T) { b.Link.Join() },
			want: `
			a primary up running - -
			b replica up stopped >0 >0 <a
			c replica up running >0 >0 <b
			`,
		},
		{
			name:   "primary frozen",
			break_: func(t *testing.T) { must(t, a.Freeze()) },
			mend:   func(t *testing.T) { must(t, a.Thaw()) },
			want: `
			a - down stopped - -
			b replica up stopped - -
			c replica up running - - <b
			`,
		},
		{
			name:   "primary killed",
			break_: func(t *testing.T) { must(t, a.Kill()) },
			mend:   func(t *testing.T) { must(t, a.Start(patience(t))) },
			want: `
			a - down stopped - -
			b replica up stopped - -
			c replica up running - - <b
			`,
		},
		{
			name:   "standby killed",
			break_: func(t *testing.T) { must(t, b.Kill()); write(t) },
			mend:   func(t *testing.T) { must(t, b.Start(patience(t))) },
			want: `
			a primary up running - -
			b - down stopped - -
			c replica up stopped >0 >0
			`,
		},
		{
			name:   "standby frozen",
			break_: func(t *testing.T) { must(t, b.Freeze()); write(t) },
			mend:   func(t *testing.T) { must(t, b.Thaw()) },
			want: `
			a primary up running - -
			b - down stopped - -
			c replica up stopped >0 >0
			`,
		},
		{
			name:   "replay paused",
			break_: func(t *testing.T) { sql(t, b, "SELECT pg_wal_replay_pause()"); write(t) },
			mend:   func(t *testing.T) { sql(t, b, "SELECT pg_wal_replay_resume()") },
			want: `
			a primary up running - -
			b replica up stopped >0 >0 <a
			c replica up running 0 0 <b
			`,
		},
		{
			name: "receiver stopped",
			break_: func(t *testing.T) {
				sql(t, b, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
				write(t)
			},
			mend: func(t *testing.T) { sql(t, b, "ALTER SYSTEM RESET primary_conninfo", "SELECT pg_reload_conf()") },
			want: `
			a primary up running - -
			b replica up stopped >0 >0
			c replica up running >0 >0 <b
			`,
		},
		{
			name: "slot dropped",
			break_: func(t *testing.T) {
				b.Link.Cut()
				sql(t, a, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 'b'")
				waitFor(t, "the slot is dropped", func() bool {
					_, err := a.SQL(patience(t), "SELECT pg_drop_replication_slot('b')")
					return err == nil
				})
				b.Link.Join()
				write(t)
			},
			mend: func(t *testing.T) { sql(t, a, "SELECT pg_create_physical_replication_slot('b')") },
			want: `
			a primary up running - -
			b replica up stopped >0 >0
			c replica up running >0 >0 <b
			`,
		},
		{
			name: "primary made read-only",
			break_: func(t *testing.T) {
				sql(t, a, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
			},
			mend: func(t *testing.T) {
				sql(t, a, "SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
			},
			want: `
			a primary up stopped - -
			b replica up running 0 0 <a
			c replica up running 0 0 <b
			`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			await(t, d, healthy)
			if tc.mend != nil {
				defer func() {
					tc.mend(t)
					await(t, d, healthy)
				}()
			}
			tc.break_(t)
			await(t, d, tc.want)
		})
	}
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx := patience(t); !is(); {
		select {
		case <-ctx.Done():
			t.Fatal("did not come: " + what)
		case <-tick.C:
		}
	}
}
