//go:build linux

package exporter

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fettle-io/fettle/cluster"
)

// loaded is a unit as systemd lists it; its object is numbered by its place.
func loaded(i int, name, active, sub string) listedUnit {
	return listedUnit{Name: name, Load: "loaded", Active: active, Sub: sub, Path: fmt.Sprintf("/unit/u%d", i)}
}

func serviceOf(unit string) cluster.Target {
	return cluster.Target{Cluster: cluster.Cluster{Name: "web", Kind: cluster.KindService}, Member: cluster.Member{Name: "w1", Unit: unit}}
}

// unitsOn is the collector on the machine behind b.
func unitsOn(t *testing.T, b *fakeBus, u Units) *unitCollector {
	t.Helper()
	u.bus = b.address
	c := newUnit(Host{Units: u}).(*unitCollector)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestUnits(t *testing.T) {
	const escaped = `dev-disk\x2dby\x2did-a\x22\x0a.mount`
	b := startFakeBus(t,
		loaded(0, "web.service", "active", "running"),
		loaded(1, "dead.service", "failed", "failed"),
		loaded(2, "again.service", "activating", "auto-restart"),
		loaded(3, "old.service", "reloading", "reload-signal"),
		loaded(4, "nightly.timer", "active", "waiting"),
		loaded(5, "boot.timer", "active", "waiting"),
		loaded(6, "never.timer", "inactive", "dead"),
		loaded(7, escaped, "active", "mounted"),
		loaded(8, "odd.service", "strange", "Not A Word\n"),
		loaded(9, "basic.target", "active", "active"), // not allowed
		loaded(10, "run-r1.service", "active", "running"),
		listedUnit{Name: "named.service", Load: "not-found", Active: "inactive", Sub: "dead", Path: "/unit/u11"},
		loaded(12, "evil{} \".service", "active", "running"),
	)
	now, err := monotonic()
	if err != nil {
		t.Fatal(err)
	}
	inAnHour := uint64((now + time.Hour) / time.Microsecond)
	maps.Copy(b.properties, map[string]any{
		"web.service UnitFileState": "enabled", "web.service ActiveEnterTimestamp": uint64(1_700_000_000_500_000),
		"web.service NRestarts": uint32(3), "web.service MemoryCurrent": uint64(4096),
		"dead.service UnitFileState": "", "dead.service NRestarts": uint32(5), "dead.service MemoryCurrent": uint64(1),
		"dead.service ActiveEnterTimestamp": uint64(1),
		"again.service NRestarts":           errors.New("org.freedesktop.DBus.Error.UnknownObject"), // gone since
		"old.service MemoryCurrent":         uint64(math.MaxUint64), "old.service ActiveEnterTimestamp": uint64(0),
		"nightly.timer NextElapseUSecRealtime": uint64(1_800_000_000_000_000), "nightly.timer NextElapseUSecMonotonic": uint64(0),
		"nightly.timer LastTriggerUSec":     uint64(1_700_000_000_000_000),
		"boot.timer NextElapseUSecRealtime": uint64(math.MaxUint64), "boot.timer NextElapseUSecMonotonic": inAnHour,
		"boot.timer LastTriggerUSec":         uint64(0),
		"never.timer NextElapseUSecRealtime": uint64(0), "never.timer NextElapseUSecMonotonic": uint64(math.MaxUint64),
		"odd.service UnitFileState": "en\"abled",
	})
	before := float64(time.Now().Add(time.Hour).Unix())
	got := gathered(t, unitsOn(t, b, Units{}))
	between(t, got, `fettle_unit_timer_next_elapse_timestamp_seconds{unit="boot.timer"}`, before-2, before+10)
	delete(got, `fettle_unit_timer_next_elapse_timestamp_seconds{unit="boot.timer"}`)

	want := map[string]float64{
		"fettle_unit_manager_reachable":                                          1,
		"fettle_unit_left_out":                                                   1,
		`fettle_unit_start_type{start_type="enabled",unit="web.service"}`:        1,
		`fettle_unit_start_type{start_type="other",unit="odd.service"}`:          1,
		`fettle_unit_start_time_seconds{unit="web.service"}`:                     1_700_000_000.5,
		`fettle_unit_restarts_total{unit="web.service"}`:                         3,
		`fettle_unit_restarts_total{unit="dead.service"}`:                        5,
		`fettle_unit_memory_bytes{unit="web.service"}`:                           4096,
		`fettle_unit_timer_next_elapse_timestamp_seconds{unit="nightly.timer"}`:  1_800_000_000,
		`fettle_unit_timer_last_trigger_timestamp_seconds{unit="nightly.timer"}`: 1_700_000_000,
	}
	for unit, is := range map[string][2]string{
		"web.service": {"active", "running"}, "dead.service": {"failed", "failed"}, "again.service": {"activating", "auto-restart"},
		"old.service": {"active", "reload-signal"}, "nightly.timer": {"active", "waiting"}, "boot.timer": {"active", "waiting"},
		"never.timer": {"inactive", "dead"}, escaped: {"active", "mounted"}, "odd.service": {"", "other"},
	} {
		for _, state := range unitStates() {
			want[fmt.Sprintf("fettle_unit_state{state=%q,unit=%q}", state, unit)] = boolean(state == is[0])
		}
		want[fmt.Sprintf("fettle_unit_substate{substate=%q,unit=%q}", is[1], unit)] = 1
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if value, ok := got[name]; !ok || value != want[name] {
			t.Errorf("%s is %v (there: %v), want %v", name, value, ok, want[name])
		}
		delete(got, name)
	}
	for name, value := range got {
		t.Errorf("%s %v is not expected", name, value)
	}
}

func TestUnitChoice(t *testing.T) {
	all := []listedUnit{
		loaded(0, "a.service", "active", "running"), loaded(1, "a.service", "failed", "failed"),
		loaded(2, "b.target", "active", "active"), loaded(3, "cb.service", "active", "running"),
		loaded(4, `systemd-fsck@dev-disk\x2dby.service`, "active", "exited"),
	}
	for name, tc := range map[string]struct {
		allow, deny string
		want        []string
	}{
		"defaults":                   {"", "", []string{"a.service", "cb.service", `systemd-fsck@dev-disk\x2dby.service`}},
		"whole names, not parts":     {`b\.service|b\.target`, "", []string{"b.target"}},
		"deny wins":                  {`.+\.service`, `a.*`, []string{"cb.service", `systemd-fsck@dev-disk\x2dby.service`}},
		"a backslash is a character": {`.+\\x2d.+`, "", []string{`systemd-fsck@dev-disk\x2dby.service`}},
	} {
		t.Run(name, func(t *testing.T) {
			var u Units
			var err error
			if tc.allow != "" {
				if u.Allow, err = WholeName(tc.allow); err != nil {
					t.Fatal(err)
				}
			}
			if tc.deny != "" {
				if u.Deny, err = WholeName(tc.deny); err != nil {
					t.Fatal(err)
				}
			}
			chosen, leftOut := u.choice().of(all)
			var names []string
			for _, c := range chosen {
				names = append(names, c.Name)
			}
			if !slices.Equal(names, tc.want) || leftOut != 0 {
				t.Errorf("%v and %d left out, want %v", names, leftOut, tc.want)
			}
		})
	}
	if _, err := WholeName("("); err == nil {
		t.Error("( is a pattern")
	}
}

// A machine with too many units has the same ones told each time.
func TestTooManyUnits(t *testing.T) {
	var all []listedUnit
	for i := range maxUnits + 7 {
		all = append(all, loaded(i, fmt.Sprintf("u%04d.service", i), "active", "running"))
	}
	chosen, leftOut := Units{}.choice().of(all)
	if len(chosen) != maxUnits || leftOut != 7 || chosen[maxUnits-1].Name != "u0499.service" {
		t.Errorf("%d chosen, the last is %s, %d left out", len(chosen), chosen[len(chosen)-1].Name, leftOut)
	}
}

// What the inventory says is here has its state series in every scrape.
func TestUnitMembers(t *testing.T) {
	const reachable, running = `fettle_unit_member_reachable{cluster="web",member="w1"}`, `fettle_unit_member_running{cluster="web",member="w1"}`
	none := Host{Root: t.TempDir(), Units: Units{Members: []cluster.Target{serviceOf("web.service")}}}
	for name, tc := range map[string]struct {
		unit               string
		active             string
		reachable, running float64
		err                string
	}{
		"runs":            {"web.service", "active", 1, 1, ""},
		"reloads":         {"web.service", "reloading", 1, 1, ""},
		"down":            {"web.service", "failed", 1, 0, ""},
		"waits":           {"web.service", "activating", 1, 0, ""},
		"not there":       {"web.service", "inactive", 1, 0, ""},
		"another name":    {"alias.service", "active", 0, 0, "systemd does not list alias.service"},
		"without systemd": {"", "", 0, 0, "not run by systemd"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newUnit(none)
			if tc.unit != "" {
				b := startFakeBus(t, loaded(0, "web.service", tc.active, "x"))
				c = unitsOn(t, b, Units{Members: []cluster.Target{serviceOf(tc.unit)}})
			}
			r := readOnce(t, c)
			got := series(t, registryOf(t, c, r))
			if got[reachable] != tc.reachable || got[running] != tc.running {
				t.Errorf("reachable %v and running %v, want %v and %v", got[reachable], got[running], tc.reachable, tc.running)
			}
			for _, name := range []string{reachable, running} {
				if _, there := got[name]; !there {
					t.Errorf("no %s", name)
				}
			}
			if tc.err == "" && r.err != nil || tc.err != "" && (r.err == nil || !strings.Contains(r.err.Error(), tc.err)) {
				t.Errorf("error %v, want %q", r.err, tc.err)
			}
		})
	}
}

// Where systemd does not run there is nothing to read, which is no failure.
func TestUnitsWithoutSystemd(t *testing.T) {
	got := gathered(t, newUnit(Host{Root: t.TempDir()}))
	if len(got) != 1 || got["fettle_unit_manager_reachable"] != 0 {
		t.Errorf("got %v", got)
	}
	b := startFakeBus(t)
	b.change(func() { b.alone = true })
	if got := gathered(t, newUnit(Host{Root: t.TempDir(), Units: Units{bus: b.address}})); len(got) != 1 || got["fettle_unit_manager_reachable"] != 0 {
		t.Errorf("a bus alone: %v", got)
	}
	// Where it runs and its bus is not there, it is one.
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "run/systemd/system"), 0o755); err != nil {
		t.Fatal(err)
	}
	if r := readOnce(t, newUnit(Host{Root: root})); r.err == nil || len(r.samples) != 1 {
		t.Errorf("error %v, samples %v", r.err, r.samples)
	}
}

// A bus that takes the call and never answers costs its time-out, and what it holds
// is let go; when it answers again, so does the collector.
func TestMuteBus(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	b := startFakeBus(t, loaded(0, "web.service", "active", "running"))
	c := unitsOn(t, b, Units{Members: []cluster.Target{serviceOf("web.service")}})
	for _, connected := range []bool{false, true} {
		b.change(func() { b.mute = true })
		c.timeout = 50 * time.Millisecond
		r := readOnce(t, c)
		if r.err == nil || !strings.Contains(r.err.Error(), "deadline") {
			t.Errorf("connected %v: error %v", connected, r.err)
		}
		if got := series(t, registryOf(t, c, r)); len(got) != 3 || got["fettle_unit_manager_reachable"] != 0 {
			t.Errorf("connected %v: %v", connected, got)
		}
		b.change(func() { b.mute = false })
		c.timeout = time.Minute
		if got := gathered(t, c); got["fettle_unit_manager_reachable"] != 1 {
			t.Errorf("connected %v, then: %v", connected, got)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// The bus is restarted: the next scrape does not even notice.
func TestBusRestarts(t *testing.T) {
	b := startFakeBus(t, loaded(0, "web.service", "active", "running"))
	c := unitsOn(t, b, Units{})
	for range 3 {
		if got := gathered(t, c); got[`fettle_unit_state{state="active",unit="web.service"}`] != 1 {
			t.Errorf("got %v", got)
		}
		b.hangUp()
	}
	b.change(func() { b.properties["web.service NRestarts"] = errors.New("org.freedesktop.DBus.Error.AccessDenied") })
	if r := readOnce(t, c); r.err == nil || !strings.Contains(r.err.Error(), "NRestarts of web.service") {
		t.Errorf("a refusal: %v", r.err)
	}
}

func TestElapses(t *testing.T) {
	now := time.Unix(1000, 0)
	for name, tc := range map[string]struct {
		wall, since uint64
		want        float64
		ok          bool
	}{
		"never":         {0, 0, 0, false},
		"not again":     {math.MaxUint64, math.MaxUint64, 0, false},
		"on the wall":   {2000e6, math.MaxUint64, 2000, true},
		"since boot":    {0, 150e6, 1050, true},
		"the earlier":   {2000e6, 150e6, 1050, true},
		"the other one": {1010e6, 150e6, 1010, true},
		"over already":  {990e6, 0, 990, true},
		"to the second": {2000_400_000, 0, 2000, true},
	} {
		at, ok := elapses(tc.wall, tc.since, now, 100*time.Second)
		if ok != tc.ok || ok && at != tc.want {
			t.Errorf("%s: %v, %v, want %v, %v", name, at, ok, tc.want, tc.ok)
		}
	}
}
