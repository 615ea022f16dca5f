//go:build servers

package postgres

import (
	"context"
	"fmt"
	"os"
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
	d, err := New(inv, Options{Timeout: 2 * time.Second})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// await looks until the View is as wanted, and returns it.
func await(t *testing.T, d *Driver, want string) cluster.View {
	t.Helper()
	want = plain(want)
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
		name           string
		broken, mended func(t *testing.T)
		want           string
	}{
		{name: "both healthy", broken: write, want: healthy},
		{
			name:   "replica cut off",
			broken: func(t *testing.T) { b.Link.Cut(); write(t) },
			mended: func(*testing.T) { b.Link.Pass() },
			want: `
			a primary up running - -
			b replica up stopped >0 >0
			c replica up running >0 >0 <b
			`,
		},
		{
			name:   "replica behind a network that loses everything",
			broken: func(t *testing.T) { b.Link.Hold(); write(t) },
			mended: func(*testing.T) { b.Link.Pass() },
			want: `
			a primary up running - -
			b replica up stopped >0 >0 <a
			c replica up running >0 >0 <b
			`,
		},
		{
			name:   "primary frozen",
			broken: func(t *testing.T) { must(t, a.Freeze()) },
			mended: func(t *testing.T) { must(t, a.Thaw()) },
			want: `
			a - down stopped - -
			b replica up stopped - -
			c replica up running - - <b
			`,
		},
		{
			name:   "primary killed",
			broken: func(t *testing.T) { must(t, a.Kill()) },
			mended: func(t *testing.T) { must(t, a.Start(patience(t))) },
			want: `
			a - down stopped - -
			b replica up stopped - -
			c replica up running - - <b
			`,
		},
		{
			name:   "standby killed",
			broken: func(t *testing.T) { must(t, b.Kill()); write(t) },
			mended: func(t *testing.T) { must(t, b.Start(patience(t))) },
			want: `
			a primary up running - -
			b - down stopped - -
			c replica up stopped >0 >0
			`,
		},
		{
			name:   "standby frozen",
			broken: func(t *testing.T) { must(t, b.Freeze()); write(t) },
			mended: func(t *testing.T) { must(t, b.Thaw()) },
			want: `
			a primary up running - -
			b - down stopped - -
			c replica up stopped >0 >0
			`,
		},
		{
			name:   "replay paused",
			broken: func(t *testing.T) { sql(t, b, "SELECT pg_wal_replay_pause()"); write(t) },
			mended: func(t *testing.T) { sql(t, b, "SELECT pg_wal_replay_resume()") },
			want: `
			a primary up running - -
			b replica up stopped >0 >0 <a
			c replica up running 0 0 <b
			`,
		},
		{
			name: "receiver stopped",
			broken: func(t *testing.T) {
				sql(t, b, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
				write(t)
			},
			mended: func(t *testing.T) { sql(t, b, "ALTER SYSTEM RESET primary_conninfo", "SELECT pg_reload_conf()") },
			want: `
			a primary up running - -
			b replica up stopped >0 >0
			c replica up running >0 >0 <b
			`,
		},
		{
			name: "slot dropped",
			broken: func(t *testing.T) {
				b.Link.Cut()
				sql(t, a, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 'b'")
				waitFor(t, "the slot is dropped", func() bool {
					_, err := a.SQL(patience(t), "SELECT pg_drop_replication_slot('b')")
					return err == nil
				})
				b.Link.Pass()
				write(t)
			},
			mended: func(t *testing.T) { sql(t, a, "SELECT pg_create_physical_replication_slot('b')") },
			want: `
			a primary up running - -
			b replica up stopped >0 >0
			c replica up running >0 >0 <b
			`,
		},
		{
			name: "primary made read-only",
			broken: func(t *testing.T) {
				// What a role has for itself does not count, neither fettle's nor another's.
				sql(t, a, "ALTER ROLE postgres SET default_transaction_read_only = off", "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
			},
			mended: func(t *testing.T) {
				sql(t, a, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()", "ALTER ROLE postgres RESET default_transaction_read_only")
			},
			want: `
			a primary up stopped - -
			b replica up running 0 0 <a
			c replica up running 0 0 <b
			`,
		},
	} {
		if !t.Run(tc.name, func(t *testing.T) {
			await(t, d, healthy)
			if tc.mended != nil {
				defer func() {
					tc.mended(t)
					await(t, d, healthy)
				}()
			}
			tc.broken(t)
			await(t, d, tc.want)
		}) {
			return // what is broken would break the others
		}
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

// Healthy and idle: the last commit grows old, and nobody is behind.
func TestIdlePrimary(t *testing.T) {
	c := shared(t)
	must(t, c.Servers[0].Write(patience(t), 1)) // the last commit, whatever ran before
	inv, err := c.Inventory("db")
	must(t, err)
	d, err := New(inv, Options{Timeout: 20 * time.Second}) // patient: every look has to be right
	must(t, err)
	defer func() { must(t, d.Close()) }()
	at := *await(t, d, healthy).Members[0].Detail.(*Member).Current
	waitFor(t, "the last commit is two seconds old", func() bool {
		v := d.View(t.Context())
		if a := v.Members[0].Detail.(*Member); *a.Current != at { // a server that is idle writes of itself, too
			at = *await(t, d, healthy).Members[0].Detail.(*Member).Current
			return false
		}
		if told(v) != plain(healthy) {
			t.Fatal(told(v))
		}
		b := v.Members[1].Detail.(*Member)
		return b.CommitAge != nil && *b.CommitAge > 2
	})
}

// Nothing was written since the link broke: that the standby has everything is true,
// and is told by nobody, since a broken link is never 0.
func TestCutOffFromAnIdlePrimary(t *testing.T) {
	c := shared(t)
	d := driver(t, c)
	await(t, d, healthy)
	link := c.Servers[1].Link
	link.Cut()
	defer func() {
		link.Pass()
		await(t, d, healthy)
	}()
	var s *cluster.Sync
	waitFor(t, "the receiver is gone", func() bool { // and the look has come to an answer
		s = d.View(t.Context()).Members[1].Sync
		return s.Up && !s.Running
	})
	if size(s.Bytes) == "0" || size(s.Seconds) == "0" {
		t.Errorf("%+v", s)
	}
}

// A standby is promoted while the primary lives: two primaries, and each standby is
// compared with the one whose timeline it is on.
func TestPromoted(t *testing.T) {
	dir, err := os.MkdirTemp("", "fettle-postgres-test")
	must(t, err)
	defer os.RemoveAll(dir)
	c, err := started(dir)
	must(t, err)
	defer func() { must(t, c.Stop()) }()
	d := driver(t, c)
	a, b := c.Servers[0], c.Servers[1]
	await(t, d, healthy)
	_, err = b.SQL(patience(t), "SELECT pg_promote()")
	must(t, err)
	v := await(t, d, `
		a primary up running - -
		b primary up running - -
		c replica up running 0 0 <b
		`)
	if one, two := v.Members[0].Detail.(*Member).Timeline, v.Members[1].Detail.(*Member).Timeline; one != 1 || two != 2 {
		t.Errorf("timelines %d and %d", one, two)
	}
	must(t, b.Kill())
	must(t, a.Write(patience(t), 200))
	await(t, d, `
		a primary up running - -
		b - down stopped - -
		c replica up stopped - -
		`)
}
