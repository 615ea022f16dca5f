package mysql

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	protocol "github.com/go-sql-driver/mysql"

	"github.com/fettle-io/fettle/cluster"
)

func inventory() cluster.Cluster {
	c := cluster.Cluster{Name: "db", Kind: cluster.KindMySQL}
	for i, name := range []string{"a", "b", "c"} {
		c.Members = append(c.Members, cluster.Member{Name: name, Host: "h" + name, Endpoint: fmt.Sprintf("mysql://10.0.0.%d:3306", i+1)})
	}
	return c
}

func is(n float64) *float64 { return &n }

// primary is a MariaDB server that follows nobody and has written n transactions.
func primary(id uint64, n int) *Member {
	return &Member{
		Version: Version{MariaDB, 10, 11, 0}, ServerID: id, Written: fmt.Sprintf("0-%d-%d", id, n),
		Binlog: &Binlog{Coordinates: Coordinates{"bin.1", float64(100 * n)}},
	}
}

// replica follows the server with that id and has replayed n.
func replica(id, of uint64, n int) *Member {
	m := primary(id, 0)
	m.Written, m.Applied = "", fmt.Sprintf("0-%d-%d", of, n)
	m.Channels = []Channel{{
		Host: "elsewhere", Port: 1, SourceID: of, Receiver: "Yes", Applier: "Yes", Behind: is(0), Delay: is(0), Period: is(30), Heartbeats: is(0),
		Received: m.Applied, Read: Coordinates{"bin.1", float64(100 * n)}, Executed: Coordinates{"bin.1", float64(100 * n)},
	}}
	return m
}

func change(m *Member, with func(*Member)) *Member {
	with(m)
	return m
}

func readOnly(m *Member) { m.ReadOnly = true }

// scene is looks in a row, a minute apart; nil: the member does not answer.
type scene [][3]*Member

var errGone = errors.New("gone")

// play tells of the last look, for each member: role, running, seconds, bytes, entries.
func play(s scene, every time.Duration) string {
	h, now := newHistory(), time.Unix(1000, 0)
	var parts []string
	for _, members := range s {
		now = now.Add(every)
		looks := make([]look, 3)
		for i, m := range members {
			if looks[i] = (look{err: errGone}); m != nil {
				looks[i] = look{member: m}
			}
		}
		parts = nil
		for _, m := range assemble(inventory(), looks, h, now).Members {
			role := "?"
			if m.Sync.Role != "" {
				role = string(m.Sync.Role[:1])
			}
			parts = append(parts, fmt.Sprintf("%s%d", role, map[bool]int{true: 1}[m.Sync.Running])+lag(m.Sync.Seconds)+lag(m.Sync.Bytes)+lag(m.Sync.Entries))
		}
	}
	return strings.Join(parts, " ")
}

func lag(n *float64) string {
	if n == nil {
		return ",-"
	}
	return fmt.Sprintf(",%g", *n)
}

func TestAssemble(t *testing.T) {
	beat := func(m *Member, n float64) *Member { m.Channels[0].Heartbeats = &n; return m }
	for _, tc := range []struct {
		name  string
		looks scene
		want  string
	}{
		{"healthy", scene{{primary(1, 9), replica(2, 1, 9), replica(3, 1, 7)}}, "p1,-,-,- r1,0,0,0 r1,0,200,2"},
		{"nobody answers", scene{{}}, "?0,-,-,- ?0,-,-,- ?0,-,-,-"},
		{"the source does not answer: no link to it is believed", scene{{nil, replica(2, 1, 9), nil}}, "?0,-,-,- r0,-,-,- ?0,-,-,-"},
		{"and is believed again once a heartbeat came over it since", scene{
			{nil, beat(replica(2, 1, 9), 1), nil}, {nil, beat(replica(2, 1, 9), 2), nil},
		}, "?0,-,-,- r1,0,-,- ?0,-,-,-"},
		{"a heartbeat of before it fell silent shows nothing", scene{
			{primary(1, 9), beat(replica(2, 1, 9), 1), nil}, {nil, beat(replica(2, 1, 9), 2), nil},
		}, "?0,-,-,- r0,-,-,- ?0,-,-,-"},
		{"silent for two minutes, with 90 seconds allowed", scene{
			{primary(1, 9), replica(2, 1, 9), nil}, {primary(1, 9), replica(2, 1, 9), nil}, {primary(1, 9), replica(2, 1, 9), nil},
		}, "p1,-,-,- r0,-,0,0 ?0,-,-,-"},
		{"no heartbeats are agreed: silence says nothing", scene{
			{primary(1, 9), change(replica(2, 1, 9), func(m *Member) { m.Channels[0].Period = is(0) }), nil},
			{primary(1, 9), change(replica(2, 1, 9), func(m *Member) { m.Channels[0].Period = is(0) }), nil},
			{primary(1, 9), change(replica(2, 1, 9), func(m *Member) { m.Channels[0].Period = is(0) }), nil},
		}, "p1,-,-,- r1,0,0,0 ?0,-,-,-"},
		{"0 seconds behind what it has read, and it has not read what was there a minute ago", scene{
			{primary(1, 50), beat(replica(2, 1, 9), 1), nil}, {primary(1, 90), beat(replica(2, 1, 10), 2), nil},
		}, "p1,-,-,- r1,-,8000,80 ?0,-,-,-"},
		{"a source that the inventory does not name", scene{{
			change(replica(2, 77, 9), func(m *Member) { m.Channels[0].Behind = is(4) }), change(replica(3, 77, 9), func(*Member) {}), change(replica(4, 77, 9), func(*Member) {}),
		}}, "r1,4,-,- r1,0,-,- r1,0,-,-"},
		{"connecting", scene{{primary(1, 9), change(replica(2, 1, 5), func(m *Member) { m.Channels[0].Receiver, m.Channels[0].Behind = "Connecting", nil }), nil}}, "p1,-,-,- r0,-,400,4 ?0,-,-,-"},
		{"applier stopped", scene{{primary(1, 9), change(replica(2, 1, 5), func(m *Member) { m.Channels[0].Applier, m.Channels[0].Behind = "No", nil }), nil}}, "p1,-,-,- r0,-,400,4 ?0,-,-,-"},
		{"a primary that takes no writes", scene{{change(primary(1, 9), readOnly), replica(2, 1, 9), nil}}, "p0,-,-,- r1,0,0,0 ?0,-,-,-"},
		{"a chain: each beside its own source", scene{{primary(1, 9), change(replica(2, 1, 7), func(m *Member) { m.Written = "0-1-7" }), replica(3, 2, 4)}}, "p1,-,-,- r1,0,200,2 r1,0,0,3"},
		{"a domain that the replica leaves out", scene{{
			change(primary(1, 9), func(m *Member) { m.Written += ",5-1-1000" }), change(replica(2, 1, 9), func(m *Member) { m.Channels[0].Ignored = []string{"5"} }),
			change(replica(3, 1, 9), func(m *Member) { m.Channels[0].Only = []string{"0"} }),
		}}, "p1,-,-,- r1,0,0,0 r1,0,0,0"},
		{"two sources: both must be known", scene{{
			primary(1, 9), primary(2, 5), change(replica(3, 1, 9), func(m *Member) {
				c := m.Channels[0]
				c.Name, c.SourceID, c.Behind = "two", 2, is(8)
				m.Applied = "0-1-9"
				m.Channels = append(m.Channels, c)
			}),
		}}, "p1,-,-,- p1,-,-,- r1,8,0,0"},
		{"a ring: the one that takes writes leads", scene{{
			change(replica(1, 2, 9), func(m *Member) { m.Written = "0-1-9" }), change(replica(2, 1, 9), readOnly), nil,
		}}, "p1,-,-,- r1,0,0,0 ?0,-,-,-"},
		{"MariaDB after MySQL: their transactions cannot be compared", scene{{
			change(primary(1, 9), func(m *Member) { m.Version.Flavor = MySQL }), replica(2, 1, 9), nil,
		}}, "p1,-,-,- r1,0,0,- ?0,-,-,-"},
	} {
		if got := play(tc.looks, time.Minute); got != tc.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

// A source that refuses this program's login is none that hangs.
func TestARefusalIsASignOfLife(t *testing.T) {
	refused := look{err: fmt.Errorf("log in: %w", &protocol.MySQLError{Number: 1045})}
	v := assemble(inventory(), []look{refused, {member: replica(2, 1, 9)}, {err: refused.err}}, newHistory(), time.Unix(1000, 0))
	if s := v.Members[1].Sync; !s.Running || s.Entries != nil || lag(s.Seconds) != ",0" {
		t.Errorf("%+v", s)
	}
}

// Of a group that may not be asked for, nothing is made up.
func TestGroupDenied(t *testing.T) {
	m := change(primary(1, 9), func(m *Member) {
		m.Version.Flavor, m.Group, m.ReadOnly, m.Denied = MySQL, &Group{}, true, []string{QuestionGroup}
	})
	if got := play(scene{{m, nil, nil}}, time.Minute); got != "?0,-,-,- ?0,-,-,- ?0,-,-,-" || m.Orphaned {
		t.Errorf("%s, orphaned %v", got, m.Orphaned)
	}
}

// Who follows nobody is the primary, or was forgotten.
func TestOrphans(t *testing.T) {
	reset := func(id, of uint64, n int) *Member { // MariaDB keeps the position
		m := primary(id, 0)
		m.Written, m.Applied = fmt.Sprintf("0-%d-%d", of, n), fmt.Sprintf("0-%d-%d", of, n)
		return m
	}
	const alone = "p1,-,-,- ?0,-,-,- ?0,-,-,-"
	for _, tc := range []struct {
		name  string
		looks scene
		want  string
	}{
		{"alone", scene{{primary(1, 9), nil, nil}}, alone},
		{"alone, and takes no writes", scene{{change(primary(1, 9), readOnly), nil, nil}}, "r0,-,-,- ?0,-,-,- ?0,-,-,-"},
		{"two beside a third that follows the first", scene{{primary(1, 9), primary(2, 9), replica(3, 1, 9)}}, "p1,-,-,- r0,-,-,- r1,0,0,0"},
		{"reset, as earlier looks show", scene{{primary(1, 9), replica(2, 1, 9), nil}, {primary(1, 9), primary(2, 0), nil}}, "p1,-,-,- r0,-,-,- ?0,-,-,-"},
		{"reset, as its position shows", scene{{primary(1, 9), reset(2, 1, 9), nil}}, "p1,-,-,- r0,-,-,- ?0,-,-,-"},
		{"both copied the other once: the later one counts", scene{{change(primary(1, 90), func(m *Member) { m.Applied = "0-2-50" }), reset(2, 1, 80), nil}}, "p1,-,-,- r0,-,-,- ?0,-,-,-"},
		{"two that have nothing to do with each other: nobody can say who leads", scene{{primary(1, 9), primary(2, 9), nil}}, "?0,-,-,- ?0,-,-,- ?0,-,-,-"},
		{"promoted after its source died", scene{{primary(1, 9), replica(2, 1, 9), nil}, {nil, replica(2, 1, 9), nil}, {nil, reset(2, 1, 9), nil}}, "?0,-,-,- p1,-,-,- ?0,-,-,-"},
		{"reset first: it stays an orphan when its source dies", scene{{primary(1, 9), replica(2, 1, 9), nil}, {primary(1, 9), reset(2, 1, 9), nil}, {nil, reset(2, 1, 9), nil}}, "?0,-,-,- r0,-,-,- ?0,-,-,-"},
		{"promoted, and its old source takes no writes", scene{{primary(1, 9), replica(2, 1, 9), nil}, {change(primary(1, 9), readOnly), reset(2, 1, 9), nil}}, "r0,-,-,- p1,-,-,- ?0,-,-,-"},
		{"the only replica does not answer: it still counts", scene{{primary(1, 9), replica(2, 1, 9), primary(3, 9)}, {primary(1, 9), nil, primary(3, 9)}}, "p1,-,-,- ?0,-,-,- r0,-,-,-"},
		{"Galera: all take writes", scene{{
			change(primary(1, 9), func(m *Member) { m.Galera = &Galera{Primary: true, Ready: true, Connected: true} }),
			change(primary(2, 9), func(m *Member) { m.Galera = &Galera{Primary: true, Ready: true, Connected: true} }),
			change(primary(3, 9), func(m *Member) { m.Galera = &Galera{} }),
		}}, "p1,-,-,- p1,-,-,- ?0,-,-,-"},
	} {
		if got := play(tc.looks, time.Minute); got != tc.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

func TestSourceOf(t *testing.T) {
	c := inventory()
	c.Members[2].Endpoint = "unix:///run/c.sock"
	h := newHistory()
	for _, tc := range []struct {
		name string
		ids  map[string]identity
		c    Channel
		want string
	}{
		{"by address", nil, Channel{Host: "10.0.0.2", Port: 3306}, "b"},
		{"by host", nil, Channel{Host: "HB", Port: 3306}, "b"},
		{"another port", nil, Channel{Host: "10.0.0.2", Port: 3307}, ""},
		{"itself is nobody's source", nil, Channel{Host: "10.0.0.1", Port: 3306}, ""},
		{"who it is counts before its address", map[string]identity{"b": {serverID: 2}, "c": {serverID: 3}}, Channel{Host: "10.0.0.2", Port: 3306, SourceID: 3}, "c"},
		{"the same server_id twice", map[string]identity{"b": {serverID: 3}, "c": {serverID: 3}}, Channel{Host: "10.0.0.9", SourceID: 3}, ""},
		{"by UUID", map[string]identity{"b": {serverID: 3, uuid: "x"}, "c": {serverID: 3, uuid: "y"}}, Channel{SourceID: 3, SourceUUID: "y"}, "c"},
		{"nothing is known of it", nil, Channel{}, ""},
	} {
		h.ids = tc.ids
		if got := h.source(c, "a", tc.c); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// With GTIDs a replica that connects anew says that it has read up to the head of the file.
func TestPlaceIsNotKnownYet(t *testing.T) {
	source, m := primary(1, 9), replica(2, 1, 7)
	m.Channels[0].Read.Position = 4
	assemble(inventory(), []look{{member: source}, {member: m}, {err: errGone}}, newHistory(), time.Unix(1000, 0))
	if c := m.Channels[0]; lag(c.UnreadBytes)+lag(c.UnappliedBytes)+lag(c.Missing) != ",-,-,2" {
		t.Errorf("%+v", c)
	}
}

func TestBytesTo(t *testing.T) {
	b := &Binlog{Coordinates: Coordinates{"bin.3", 50}}
	all := &Binlog{Coordinates: b.Coordinates, Logs: []Log{{"bin.1", 1000}, {"bin.2", 200}, {"bin.3", 50}}}
	for _, tc := range []struct {
		b    *Binlog
		from Coordinates
		want string
	}{
		{b, Coordinates{"bin.3", 20}, ",30"},
		{b, Coordinates{"bin.3", 70}, ",0"}, // asked later
		{b, Coordinates{"bin.2", 20}, ",-"}, // its size is not known
		{all, Coordinates{"bin.2", 20}, ",230"},
		{all, Coordinates{"bin.1", 900}, ",350"},
		{all, Coordinates{"bin.0", 1}, ",-"}, // purged
		{all, Coordinates{}, ",-"},
		{nil, Coordinates{"bin.3", 20}, ",-"},
	} {
		if got := lag(tc.b.bytesTo(tc.from)); got != tc.want {
			t.Errorf("%+v from %+v: %s, want %s", tc.b, tc.from, got, tc.want)
		}
	}
}

func rowOf(values map[string]string) row {
	var r row
	for column, text := range values {
		r.columns, r.cells = append(r.columns, column), append(r.cells, cell{text: text})
	}
	return r
}

func TestHeartbeatTable(t *testing.T) {
	rows := func(age time.Duration, ids ...uint64) []row {
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		var all []row
		for i, id := range ids {
			all = append(all, rowOf(map[string]string{
				"server_id": fmt.Sprint(id), "ts": now.Add(-age - time.Duration(i)*time.Hour).Format("2006-01-02T15:04:05.000000"),
				"now": now.Add(2 * time.Hour).Format("2006-01-02 15:04:05.000000"), "utc": now.Format("2006-01-02 15:04:05.000000"),
			}))
		}
		return all
	}
	source := heartbeatOf(rows(time.Second, 1, 9), true)
	if source.Age != 1 || source.Writer != 1 {
		t.Fatalf("%+v", source)
	}
	if local := heartbeatOf(rows(time.Second, 1), false); local.Age != 7201 {
		t.Errorf("%+v", local)
	}
	for _, tc := range []struct {
		name            string
		source, replica *Heartbeat
		want            string
	}{
		{"three seconds behind", source, heartbeatOf(rows(4*time.Second, 1), true), ",3"},
		{"nothing behind, asked later", source, heartbeatOf(rows(0, 1), true), ",0"},
		{"nobody writes any more: nothing to measure with", heartbeatOf(rows(time.Minute, 1), true), heartbeatOf(rows(time.Minute, 1), true), ",-"},
		{"the replica has only another's", source, heartbeatOf(rows(0, 9), true), ",-"},
		{"no rows", source, heartbeatOf(nil, true), ",-"},
		{"no time", source, heartbeatOf([]row{rowOf(map[string]string{"server_id": "1", "ts": "soon", "now": "now"})}, false), ",-"},
	} {
		if got := lag(behind(tc.source, tc.replica)); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
