package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

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

// plain is the text of a table without what only sets it.
func plain(text string) string { return strings.ReplaceAll(strings.TrimPrefix(text, "\n"), "\t", "") }

func at[T any](n T) *T { return &n }

// abc is the inventory of the tables below.
var abc = cluster.Cluster{Name: "db", Kind: cluster.KindPostgres, Members: []cluster.Member{ //nolint:gochecknoglobals // read only
	{Name: "a", Endpoint: "postgres://10.0.0.1:5432"}, {Name: "b", Endpoint: "postgres://10.0.0.2:5432"}, {Name: "c", Endpoint: "unix:///run/c/.s.PGSQL.5433"},
}}

func primary(position uint64, change ...func(*Member)) look {
	m := &Member{Version: 150018, System: "7", Now: 1000, Timeline: 1, Current: &position}
	for _, f := range change {
		f(m)
	}
	return look{seen: m, asked: time.Unix(1000, 0)}
}

// standby follows a, and its last transaction was committed 30 s ago.
func standby(replayed uint64, change ...func(*Member)) look {
	m := &Member{Version: 150018, System: "7", Now: 1000, Recovery: true, Timeline: 1, Received: &replayed, Replayed: &replayed, ReplayedAt: at(970.0), ReceiverTimeout: 60,
		Receiver: &Receiver{Status: "streaming", Timeline: 1, Host: "10.0.0.1", Port: 5432, Silent: at(1.0)}}
	for _, f := range change {
		f(m)
	}
	return look{seen: m, asked: time.Unix(1000, 0)}
}

func lost() look {
	return look{err: line.Because(cluster.Refused, errors.New("refused"))}
}

func onTimeline(n uint32) func(*Member) { return func(m *Member) { m.Timeline = n } }
func silent(s float64) func(*Member)    { return func(m *Member) { m.Receiver.Silent = &s } }
func cutOff(m *Member)                  { m.Receiver = nil }

// The truth table of docs/collectors/postgres.md without a server; the same cells are
// in servers_test.go with real ones.
func TestAssemble(t *testing.T) {
	for _, tc := range []struct {
		name  string
		looks []look
		want  string
	}{
		{"both healthy", []look{primary(500), standby(500), standby(500)}, `
			a primary up running - -
			b replica up running 0 0 <a
			c replica up running 0 0 <a
			`},
		{"behind, and asked late", []look{primary(500), standby(400), standby(600)}, `
			a primary up running - -
			b replica up running >0 >0 <a
			c replica up running 0 0 <a
			`},
		{"cut off: behind, with everything, and ahead of a primary that lost what it had", []look{primary(500), standby(400, cutOff), standby(500, cutOff)}, `
			a primary up running - -
			b replica up stopped >0 >0
			c replica up stopped - -
			`},
		{"ahead of a primary that lost what it had", []look{primary(500), standby(600, cutOff), lost()}, `
			a primary up running - -
			b replica up stopped - -
			c - down stopped - -
			`},
		{"silent for as long as heartbeats allow, and for longer", []look{primary(500), standby(400, silent(45)), standby(400, silent(45.1))}, `
			a primary up running - -
			b replica up running >0 >0 <a
			c replica up stopped >0 >0 <a
			`},
		{"without a receiver's timeout no silence is too long", []look{primary(500), standby(500, silent(4500), func(m *Member) { m.ReceiverTimeout = 0 }), lost()}, `
			a primary up running - -
			b replica up running 0 0 <a
			c - down stopped - -
			`},
		{"primary gone", []look{lost(), standby(500), standby(400, cutOff)}, `
			a - down stopped - -
			b replica up running - - <a
			c replica up stopped - -
			`},
		{"paused, with and without anything to replay", []look{primary(500), standby(400, func(m *Member) { m.Paused = true }), standby(500, func(m *Member) { m.Paused = true })}, `
			a primary up running - -
			b replica up stopped >0 >0 <a
			c replica up stopped - - <a
			`},
		{"the receiver waits", []look{primary(500), standby(400, func(m *Member) { m.Receiver.Status = "waiting" }), lost()}, `
			a primary up running - -
			b replica up stopped >0 >0 <a
			c - down stopped - -
			`},
		{"promoted: each standby is compared on its own timeline", []look{primary(900), primary(500, onTimeline(2)), standby(400, onTimeline(2), func(m *Member) { m.Receiver.Host = "10.0.0.2" })}, `
			a primary up running - -
			b primary up running - -
			c replica up running >0 >0 <b
			`},
		{"another timeline, and none known", []look{primary(500), standby(400, onTimeline(2)), standby(400, onTimeline(0))}, `
			a primary up running - -
			b replica up running - - <a
			c replica up running - - <a
			`},
		{"another system", []look{primary(500), standby(400, func(m *Member) { m.System = "8" }), lost()}, `
			a primary up running - -
			b replica up running - - <a
			c - down stopped - -
			`},
		{"two primaries on one timeline", []look{primary(500), primary(500), standby(400)}, `
			a primary up running - -
			b primary up running - -
			c replica up running - - <a
			`},
		{"read-only", []look{primary(500, func(m *Member) { m.ReadOnly = true }), lost(), lost()}, `
			a primary up stopped - -
			b - down stopped - -
			c - down stopped - -
			`},
		{"nothing replayed yet", []look{primary(500), standby(400, func(m *Member) { m.Replayed = nil }), lost()}, `
			a primary up running - -
			b replica down running - - <a
			c - down stopped - -
			`},
		{"a source known by its socket, and by its list of standbys alone", []look{
			primary(500, func(m *Member) { m.StandbyRows = []Standby{{Name: "b", State: "streaming"}} }),
			standby(500, func(m *Member) { m.Receiver.Host = "proxy" }),
			standby(500, func(m *Member) { m.Receiver.Host, m.Receiver.Port = "/run/c", 5433 }),
		}, `
			a primary up running - -
			b replica up running 0 0 <a
			c replica up running 0 0 <c
			`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := assemble(abc, tc.looks, &memory{}, time.Unix(1000, 0))
			if got := told(v); got != plain(tc.want) {
				t.Errorf("got\n%swant\n%s", got, plain(tc.want))
			}
		})
	}
}

// The lag in seconds is the smaller of two bounds: since when the primary has more, as
// looks saw it, and how old the last replayed commit is.
func TestSeconds(t *testing.T) {
	for _, tc := range []struct {
		name string
		then uint64 // where the primary was 15 s ago; 0: not looked at
		last *float64
		want string
	}{
		{"an idle primary wrote for the first time in an hour", 400, at(-2600.0), "15"},
		{"a busy primary", 300, at(999.5), "0.5"},
		{"both known", 400, at(970.0), "15"},
		{"never seen before it was ahead", 450, at(970.0), "30"},
		{"nothing replayed since the start, first look", 0, nil, "-"},
		{"a commit of another primary's clock", 400, at(1000.5), "15"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			mem := &memory{}
			if tc.then != 0 {
				then := primary(tc.then)
				then.asked = time.Unix(985, 0)
				assemble(abc, []look{then, lost(), lost()}, mem, time.Unix(985, 0))
			}
			v := assemble(abc, []look{primary(500), standby(400, func(m *Member) { m.ReplayedAt = tc.last }), lost()}, mem, time.Unix(1000, 0))
			got := "-"
			if s := v.Members[1].Sync.Seconds; s != nil {
				got = fmt.Sprint(*s)
			}
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

func TestStandbysOfTheInventory(t *testing.T) {
	row := func(pid int, name, slot string, replayed uint64) Standby {
		return Standby{PID: pid, Name: name, Slot: slot, State: "streaming", Sent: at(uint64(500)), Written: &replayed, Flushed: &replayed, Replayed: &replayed, WriteLag: at(0.1), FlushLag: at(0.1), ReplayLag: at(0.1)}
	}
	a := primary(500, func(m *Member) {
		m.StandbyRows = []Standby{row(1, "walreceiver", "slot_b", 400), row(2, "c", "", 300), row(3, "c", "", 500), row(4, "pg_basebackup", "", 0), row(5, "a", "", 0)}
	})
	b := standby(400, func(m *Member) { m.Receiver.Slot = "slot_b" })
	mem := &memory{}
	assemble(abc, []look{a, b, lost()}, mem, time.Unix(1000, 0))
	if got := a.seen; len(got.Standbys) != 2 || got.Standbys["b"].PID != 1 || got.Standbys["c"].PID != 3 || got.Unlisted != 2 {
		t.Fatalf("%+v, %d not listed", got.Standbys, got.Unlisted)
	}
	// Behind, and never seen to move: what was measured may be of another time.
	if s := a.seen.Standbys["b"]; s.WriteLag != nil || s.ReplayLag != nil {
		t.Errorf("%+v", s)
	}
	if s := a.seen.Standbys["c"]; s.WriteLag == nil || s.ReplayLag == nil {
		t.Errorf("%+v", s)
	}
	next := func(rows ...Standby) Standby {
		l := primary(500, func(m *Member) { m.StandbyRows = rows })
		assemble(abc, []look{l, b, lost()}, mem, time.Unix(1015, 0))
		return l.seen.Standbys["b"]
	}
	if s := next(row(1, "b", "", 450)); s.ReplayLag == nil {
		t.Errorf("moved: %+v", s)
	}
	if s := next(row(1, "b", "", 450)); s.ReplayLag != nil {
		t.Errorf("stands still: %+v", s)
	}
	if s := next(row(9, "b", "", 460)); s.ReplayLag != nil {
		t.Errorf("another connection: %+v", s)
	}
}

func TestHistory(t *testing.T) {
	o := origin{"7", 1}
	var h history
	second := func(n int) time.Time { return time.Unix(int64(n), 0) }
	for i := range 5000 {
		h.note(o, uint64(i*10), second(i))
	}
	if len(h.samples) > mostSamples {
		t.Errorf("%d samples", len(h.samples))
	}
	for _, tc := range []struct {
		position uint64
		least    float64
		most     float64
	}{{49990, 0, 0}, {49989, 1, 1}, {48000, 199, 200}, {40000, 999, 1049}, {10000, 3999, 4199}, {0, 4999, 4999}} {
		age := h.age(o, tc.position, second(4999))
		if age == nil || *age < tc.least || *age > tc.most {
			t.Errorf("position %d: %v, want %v to %v", tc.position, *age, tc.least, tc.most)
		}
	}
	if h.age(origin{"7", 2}, 1, second(5000)) != nil {
		t.Error("an age on another timeline")
	}
	h.note(o, 49990, second(6000))
	if age := h.age(o, 49990, second(6001)); *age != 1 {
		t.Errorf("an idle primary: %v", *age)
	}
	h.note(o, 100, second(6002)) // it was set back
	if age := h.age(o, 99, second(6003)); age != nil {
		t.Errorf("of before it was set back: %v", *age)
	}
}

func TestAnswerOfManyElements(t *testing.T) {
	text := `{"allowed":true,"version":160004,"standby":[` + strings.Repeat("{},", mostElements+1) + "{}]}"
	if m, err := parse([]byte(text)); line.Reason(err) != cluster.TooLarge {
		t.Errorf("%v, %v", m, err)
	}
}
