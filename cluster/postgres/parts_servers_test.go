//go:build servers

package postgres

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/fettle-io/fettle/internal/postgrestest"
)

// detail looks at the n-th member until it answers: on a busy machine a look may end
// before it does.
func detail(t *testing.T, d *Driver, n int) (seen *Member) {
	t.Helper()
	waitFor(t, "an answer", func() (ok bool) {
		seen, ok = d.View(t.Context()).Members[n].Detail.(*Member)
		return ok
	})
	return seen
}

func statements(t *testing.T, s *postgrestest.Server, all ...string) {
	t.Helper()
	for _, one := range all {
		_, err := s.SQL(patience(t), one)
		must(t, err)
	}
}

func TestStandbyRow(t *testing.T) {
	c := shared(t)
	d := driver(t, c)
	a, b := c.Servers[0], c.Servers[1]
	await(t, d, healthy)
	var row Standby
	waitFor(t, "the primary has heard of its standby, and that one of its own", func() bool {
		row = detail(t, d, 0).Standbys["b"]
		return row.State == "streaming" && row.Sync == "async" && row.Replayed != nil && row.Replied != nil && len(detail(t, d, 1).Standbys) == 1
	})

	// Paused: the server goes on telling the lag that it measured before, fettle does not.
	statements(t, b, "SELECT pg_wal_replay_pause()")
	must(t, a.Write(patience(t), 50))
	waitFor(t, "flushed, not replayed", func() bool {
		row = detail(t, d, 0).Standbys["b"]
		return row.Flushed != nil && *row.Flushed == *row.Sent && *row.Replayed < *row.Flushed
	})
	detail(t, d, 0)
	if row := detail(t, d, 0).Standbys["b"]; row.ReplayLag != nil {
		t.Errorf("a lag of an earlier time: %v", *row.ReplayLag)
	}
	statements(t, b, "SELECT pg_wal_replay_resume()")

	// A commit that waits for a synchronous standby that is cut off.
	statements(t, a, "ALTER SYSTEM SET synchronous_standby_names = 'b'", "SELECT pg_reload_conf()")
	waitFor(t, "b is synchronous", func() bool { return detail(t, d, 0).Standbys["b"].Sync == "sync" })
	b.Link.Cut()
	ctx, cancel := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for ctx.Err() == nil { // the server's parts learn of the setting one by one: the first commit may not wait
			_ = a.Write(ctx, 1) // ends with the test's end of it
		}
	})
	waitFor(t, "a commit waits", func() bool { return detail(t, d, 0).Sessions.Waiting == 1 })
	statements(t, a, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
	waitFor(t, "no commit waits", func() bool { return detail(t, d, 0).Sessions.Waiting == 0 })
	cancel()
	writer.Wait()
	b.Link.Pass()
	await(t, d, healthy)
}

func TestSlots(t *testing.T) {
	c := shared(t)
	d := driver(t, c)
	a := c.Servers[0]
	await(t, d, healthy)
	statements(t, a, "SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')")
	defer statements(t, a, "SELECT pg_drop_replication_slot('cdc')")
	must(t, a.Write(patience(t), 50))
	seen := detail(t, d, 0)
	if seen.SlotCount != 2 || len(seen.Slots) != 2 || seen.Slots[0].Name != "b" || !seen.Slots[0].Active {
		t.Fatalf("%+v", seen.Slots)
	}
	s := seen.Slots[1]
	if s.Name != "cdc" || !s.Logical || s.Active || s.Status != "reserved" || s.Safe == nil || s.Restart == nil || *s.Restart >= *seen.Current || s.Confirmed == nil || *s.Confirmed >= *seen.Current {
		t.Errorf("%+v at %d", s, *seen.Current)
	}
	if seen.MostConnections != 100 || seen.Sessions.Connections < 1 || seen.TransactionIDs <= 0 || seen.Archives || seen.Started <= 0 || seen.Now < seen.Started {
		t.Errorf("%+v", seen)
	}
}

// A subscription runs, and then cannot apply what comes; a log cannot be archived.
func TestSubscriptionAndArchive(t *testing.T) {
	dir, err := os.MkdirTemp("", "fettle-postgres-test")
	must(t, err)
	defer os.RemoveAll(dir)
	c, err := postgrestest.Start(patience(t), dir, postgrestest.Options{Settings: []string{"archive_mode = on", "archive_command = '/bin/false'"}})
	must(t, err)
	defer func() { must(t, c.Stop()) }()
	a := c.Servers[0]
	b, err := c.Standby(patience(t), "b", a)
	must(t, err)
	d := driver(t, c)
	statements(t, b, "SELECT pg_promote()")
	statements(t, a, "CREATE PUBLICATION p FOR TABLE t", "CREATE TABLE other (n int)", "SELECT pg_switch_wal()")
	statements(t, b, "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 user=replicator dbname=postgres port="+a.Address()[len("127.0.0.1:"):]+"' PUBLICATION p WITH (copy_data = false)")
	waitFor(t, "the subscription runs", func() bool {
		seen := detail(t, d, 1)
		return len(seen.Subscriptions) == 1 && seen.Subscriptions[0].Running && seen.Subscriptions[0].Silent != nil
	})
	if s := detail(t, d, 1).Subscriptions[0]; s.Name != "s" || s.Database != "postgres" || !s.Enabled || s.ApplyErrors == nil || *s.ApplyErrors != 0 || s.SyncErrors == nil {
		t.Errorf("%+v", s)
	}
	waitFor(t, "its publisher has it, and lists no standby", func() bool {
		seen := detail(t, d, 0)
		return seen.StandbysConnected == 1 && seen.Unlisted == 1
	})
	statements(t, b, "ALTER TABLE t DROP COLUMN filler")
	must(t, a.Write(patience(t), 1))
	waitFor(t, "an apply error", func() bool { return *detail(t, d, 1).Subscriptions[0].ApplyErrors > 0 })
	waitFor(t, "a failure to archive", func() bool {
		seen := detail(t, d, 0)
		return seen.Archives && seen.Archiver.Failing() && seen.Archiver.Failed > 0 && seen.Archiver.Archived == 0
	})
}
