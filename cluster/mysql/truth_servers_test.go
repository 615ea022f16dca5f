//go:build servers

package mysql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/mysql"
	"github.com/fettle-io/fettle/internal/mysqltest"
)

// said is a View as the table in docs/collectors/mysql.md writes it, a part for each
// member: up, running, primary, then the lag in seconds, bytes and entries, which is "-"
// where it is not told and "+" where it is more than 0.
func said(v cluster.View) string {
	var parts []string
	for _, m := range v.Members {
		s := m.Sync
		parts = append(parts, fmt.Sprint(bit(s.Up), bit(s.Running), bit(s.Role == cluster.Primary))+" "+lag(s.Seconds)+lag(s.Bytes)+lag(s.Entries))
	}
	return strings.Join(parts, ", ")
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func lag(n *float64) string {
	switch {
	case n == nil:
		return "-"
	case *n > 0:
		return "+"
	}
	return "0"
}

// becomes looks until the View says so, or one of several.
func becomes(t *testing.T, d *mysql.Driver, want ...string) cluster.View {
	t.Helper()
	var v cluster.View
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if v = d.View(patience(t)); slices.Contains(want, said(v)) {
			return v
		}
	}
	t.Fatalf("the View stays %s, want %q: %+v", said(v), want, v)
	return v
}

func detail(t *testing.T, v cluster.View, name string) *mysql.Member {
	t.Helper()
	m, _ := v.Member(name)
	d, ok := m.Detail.(*mysql.Member)
	if !ok {
		t.Fatalf("%s has no detail: %+v", name, m)
	}
	return d
}

const bothHealthy = "1 1 1 ---, 1 1 0 000"

func TestTruthBothHealthy(t *testing.T) {
	p := healthy(t)
	p.write(t)
	v := becomes(t, looking(t, p.inventory()), bothHealthy)
	m, _ := v.Member("b")
	if m.Sync.Source != "a" || !strings.Contains(m.Version, "MariaDB") {
		t.Errorf("%+v, version %s", m.Sync, m.Version)
	}
	c := detail(t, v, "b").Channels[0]
	if c.Source != "a" || *c.Unreceived != 0 || *c.Unapplied != 0 || *c.UnreadBytes != 0 || *c.UnappliedBytes != 0 || *c.Period != 0.5 || len(detail(t, v, "b").Denied) != 0 {
		t.Errorf("%+v", c)
	}
}

// An idle link is no silent one: heartbeats come over it.
func TestTruthIdlePrimary(t *testing.T) {
	p := healthy(t)
	execute(t, p.replica, "STOP SLAVE", "CHANGE MASTER TO MASTER_HEARTBEAT_PERIOD=1", "START SLAVE")
	d := driver(t, p.inventory(), mysql.Options{}) // patient: every look has to be right
	first := *detail(t, becomes(t, d, bothHealthy), "b").Channels[0].Heartbeats
	for {
		v := d.View(patience(t))
		if got := said(v); got != bothHealthy {
			t.Fatalf("after %v heartbeats %s", *detail(t, v, "b").Channels[0].Heartbeats-first, got)
		}
		if *detail(t, v, "b").Channels[0].Heartbeats >= first+4 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestTruthPrimaryFrozen(t *testing.T) {
	p := healthy(t)
	d := looking(t, p.inventory())
	becomes(t, d, bothHealthy)
	if err := p.primary.Freeze(); err != nil {
		t.Fatal(err)
	}
	v := becomes(t, d, "0 0 0 ---, 1 0 0 ---")
	c := detail(t, v, "b").Channels[0]
	if c.Receiver != "Yes" || c.Applier != "Yes" || c.Behind == nil || *c.Behind != 0 {
		t.Logf("here the server itself noticed: %+v", c)
	}
	if m, _ := v.Member("a"); m.Error != cluster.Timeout {
		t.Errorf("%+v", m)
	}
	// So it is for who has never seen the pair whole.
	becomes(t, looking(t, p.inventory()), "0 0 0 ---, 1 0 0 ---")
}

// Nothing comes through, and nobody is told: the server says Yes, Yes and 0.
func TestTruthReplicaCutOffWithoutAWord(t *testing.T) {
	p := healthy(t)
	d := looking(t, p.inventory())
	becomes(t, d, bothHealthy)
	p.relay.Hold()
	p.write(t)
	v := becomes(t, d, "1 1 1 ---, 1 0 0 -++")
	if c := detail(t, v, "b").Channels[0]; c.Alive || c.Silent < 1.5 || *c.Unreceived != 1 || *c.Unapplied != 0 {
		t.Errorf("%+v", c)
	}
	p.relay.Pass()
	becomes(t, d, bothHealthy)
}

func TestTruthReplicaCutOff(t *testing.T) {
	p := healthy(t)
	d := looking(t, p.inventory())
	p.relay.Cut()
	p.write(t)
	// With GTIDs the server forgets its place in the source's file once it connects anew.
	v := becomes(t, d, "1 1 1 ---, 1 0 0 --+", "1 1 1 ---, 1 0 0 -++")
	if c := detail(t, v, "b").Channels[0]; c.Receiver == "Yes" || *c.Missing != 1 {
		t.Errorf("%+v", c)
	}
	p.relay.Pass()
	becomes(t, d, bothHealthy)
}

// A lock holds the applier: its server still says that it runs.
func TestTruthReplayPaused(t *testing.T) {
	p := healthy(t)
	d := looking(t, p.inventory())
	p.write(t)
	becomes(t, d, bothHealthy) // a replica that has just connected anew knows no place in the source's file yet
	lock, err := p.replica.Session(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := mysqltest.Run(patience(t), lock, "FLUSH TABLES WITH READ LOCK"); err != nil {
		t.Fatal(err)
	}
	p.write(t)
	v := becomes(t, d, "1 1 1 ---, 1 1 0 +++")
	if c := detail(t, v, "b").Channels[0]; *c.Unreceived != 0 || *c.Unapplied != 1 || *c.UnreadBytes != 0 || *c.UnappliedBytes == 0 {
		t.Errorf("%+v", c)
	}
}

// A replica that waits on purpose is not behind for as long as it waits no longer.
func TestTruthDelayed(t *testing.T) {
	p := healthy(t)
	execute(t, p.replica, "STOP SLAVE", "CHANGE MASTER TO MASTER_DELAY=3600", "START SLAVE")
	d := looking(t, p.inventory())
	p.write(t)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		v := becomes(t, d, "1 1 1 ---, 1 1 0 0++")
		c := detail(t, v, "b").Channels[0]
		if *c.Delay == 3600 && *c.Unapplied == 1 && *c.Unreceived == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", c)
		}
	}
}

func TestTruthApplierStopped(t *testing.T) {
	p := healthy(t)
	d := looking(t, p.inventory())
	execute(t, p.replica, "STOP SLAVE SQL_THREAD")
	p.write(t)
	becomes(t, d, "1 1 1 ---, 1 0 0 -++")
	// Over the end of a file of the binary log: the bytes are told from the next look on.
	execute(t, p.primary, "FLUSH BINARY LOGS")
	p.write(t)
	v := becomes(t, d, "1 1 1 ---, 1 0 0 -++")
	if m, _ := v.Member("b"); *m.Sync.Entries != 2 {
		t.Errorf("%v entries", *m.Sync.Entries)
	}
}

func TestTruthReceiverStopped(t *testing.T) {
	p := healthy(t)
	d := looking(t, p.inventory())
	execute(t, p.replica, "STOP SLAVE IO_THREAD")
	p.write(t)
	v := becomes(t, d, "1 1 1 ---, 1 0 0 -++")
	if c := detail(t, v, "b").Channels[0]; c.Receiver != "No" || c.Applier != "Yes" || *c.Unreceived != 1 {
		t.Errorf("%+v", c)
	}
}

// The row is gone, and with it everything that the server says of its replication.
func TestTruthReplicationReset(t *testing.T) {
	p := healthy(t)
	d := looking(t, p.inventory())
	becomes(t, d, bothHealthy)
	execute(t, p.replica, "STOP SLAVE", "RESET SLAVE ALL")
	const reset = "1 1 1 ---, 1 0 0 ---"
	if v := becomes(t, d, reset); !detail(t, v, "b").Orphaned || detail(t, v, "a").Orphaned {
		t.Error("the wrong one is orphaned")
	}
	becomes(t, looking(t, p.inventory()), reset) // also for who has not seen it follow
	execute(t, p.replica, "SET GLOBAL read_only = ON")
	becomes(t, looking(t, p.inventory()), reset)
}

// One stopped channel of many, also beyond those that have metrics of their own.
func TestTruthManyChannels(t *testing.T) {
	p := healthy(t)
	d := looking(t, p.inventory())
	becomes(t, d, bothHealthy)
	var add, remove []string
	for i := range 17 {
		add = append(add, fmt.Sprintf("CHANGE MASTER 'z%02d' TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='nobody', MASTER_HEARTBEAT_PERIOD=0.5", i, i+1))
		remove = append(remove, fmt.Sprintf("RESET SLAVE 'z%02d' ALL", i))
	}
	t.Cleanup(func() { execute(t, p.replica, remove...) })
	execute(t, p.replica, add...)
	v := becomes(t, d, "1 1 1 ---, 1 0 0 ---")
	if m := detail(t, v, "b"); len(m.Channels) != 18 || m.Unread != 0 {
		t.Errorf("%d channels, %d unread", len(m.Channels), m.Unread)
	}
}

func TestTruthFailover(t *testing.T) {
	p := healthy(t)
	d := looking(t, p.inventory())
	becomes(t, d, bothHealthy)
	execute(t, p.replica, "STOP SLAVE", "RESET SLAVE ALL")
	execute(t, p.replica, "INSERT INTO d.t VALUES (2)")
	execute(t, p.primary, fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='replicates', MASTER_PASSWORD='r',"+
		" MASTER_USE_GTID=current_pos, MASTER_HEARTBEAT_PERIOD=0.5", p.replica.Port), "START SLAVE", "SET GLOBAL read_only = ON")
	v := becomes(t, d, "1 1 0 000, 1 1 1 ---")
	if m, _ := v.Member("a"); m.Sync.Source != "b" {
		t.Errorf("%+v", m.Sync)
	}
	// Back: the old primary leads again.
	execute(t, p.primary, "STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = OFF")
	execute(t, p.replica, p.follow(), "START SLAVE")
	becomes(t, d, bothHealthy)
}

// The heartbeat table tells how old the replica's data are, also over a broken link.
func TestTruthHeartbeatTable(t *testing.T) {
	p := healthy(t)
	c := p.inventory()
	c.MySQL.HeartbeatTable = "d.heartbeat"
	d := looking(t, c)
	const beat = "REPLACE INTO d.heartbeat SELECT REPLACE(NOW(6) + INTERVAL %d MICROSECOND, ' ', 'T'), @@server_id"
	execute(t, p.primary, "SET STATEMENT binlog_format='ROW' FOR "+fmt.Sprintf(beat, 0))
	becomes(t, d, bothHealthy)
	execute(t, p.replica, "STOP SLAVE SQL_THREAD")
	execute(t, p.primary, "SET STATEMENT binlog_format='ROW' FOR "+fmt.Sprintf(beat, 2_000_000))
	v := becomes(t, d, "1 1 1 ---, 1 0 0 +++")
	if m, _ := v.Member("b"); *m.Sync.Seconds < 2 {
		t.Errorf("%v seconds", *m.Sync.Seconds)
	}
}
