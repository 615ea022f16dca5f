//go:build servers && linux

package exporter

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/systemdtest"
)

// The collector over a real systemd, each value against what systemctl prints.
func TestUnitsOfSystemd(t *testing.T) {
	const escaped = `odd\x2dname\x22\xc3\xa9.service`
	service := func(argv, more string) string {
		return "[Service]\nExecStart=" + argv + "\n" + more + "\n[Install]\nWantedBy=default.target\n"
	}
	h := systemdtest.Start(t, map[string]string{
		"web.service":     service("/bin/sleep infinity", "MemoryAccounting=yes"),
		"dead.service":    service("/bin/false", ""),
		"again.service":   service("/bin/false", "Restart=always\nRestartSec=10ms") + "[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=1h\n",
		escaped:           service("/bin/sleep infinity", ""),
		"nightly.timer":   "[Timer]\nOnCalendar=*-*-* 03:00:00\nUnit=noop.service\n[Install]\nWantedBy=default.target\n",
		"uptime.timer":    "[Timer]\nOnActiveSec=2h\nUnit=noop.service\n",
		"noop.service":    "[Service]\nType=oneshot\nExecStart=/bin/true\n",
		"never.service":   service("/bin/sleep infinity", ""),
		"run-tmp.service": service("/bin/sleep infinity", ""),
	}, nil)
	systemctl := func(args ...string) string {
		t.Helper()
		out, err := h.Systemctl(args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, unit := range []string{"web.service", "dead.service", "again.service", escaped, "nightly.timer", "uptime.timer", "run-tmp.service"} {
		_, _ = h.Systemctl("start", "--no-block", unit)
	}
	target := func(name, unit string) cluster.Target {
		return cluster.Target{Cluster: cluster.Cluster{Name: "web", Kind: cluster.KindService}, Member: cluster.Member{Name: name, Unit: unit}}
	}
	c := newUnit(Host{Units: Units{bus: h.Address, Members: []cluster.Target{
		target("up", "web.service"), target("down", "dead.service"), target("unloaded", "never.service"), target("none", "none.service"),
	}}}).(*unitCollector)
	c.timeout = 20 * time.Second
	defer c.Close()
	var got map[string]float64
	waitFor(t, "the units to be what they become", func() bool {
		got = gathered(t, c)
		return got[`fettle_unit_state{state="active",unit="web.service"}`] == 1 &&
			got[fmt.Sprintf(`fettle_unit_state{state="active",unit=%q}`, escaped)] == 1 &&
			got[`fettle_unit_state{state="failed",unit="dead.service"}`] == 1 &&
			got[`fettle_unit_state{state="failed",unit="again.service"}`] == 1 &&
			got[`fettle_unit_substate{substate="waiting",unit="nightly.timer"}`] == 1 &&
			got[`fettle_unit_start_time_seconds{unit="uptime.timer"}`] > 0
	})
	show := func(unit, property string) float64 {
		t.Helper()
		return number(t, systemctl("show", "--value", "--timestamp=unix", "-p", property, unit))
	}
	stamp := func(unit, property string) float64 {
		t.Helper()
		at := systemctl("show", "--value", "--timestamp=unix", "-p", property, unit)
		return number(t, strings.TrimPrefix(at, "@"))
	}
	equal := func(name string, want float64) {
		t.Helper()
		between(t, got, name, want, want)
	}
	started := stamp("web.service", "ActiveEnterTimestamp")
	between(t, got, `fettle_unit_start_time_seconds{unit="web.service"}`, started, started+1)
	next, err := time.Parse("Mon 2006-01-02 15:04:05 MST", systemctl("show", "--value", "-p", "NextElapseUSecRealtime", "nightly.timer"))
	if err != nil {
		t.Fatal(err)
	}
	equal(`fettle_unit_timer_next_elapse_timestamp_seconds{unit="nightly.timer"}`, float64(next.Unix()))
	begun := stamp("uptime.timer", "ActiveEnterTimestamp")
	between(t, got, `fettle_unit_timer_next_elapse_timestamp_seconds{unit="uptime.timer"}`, begun+7199, begun+7202)
	restarts := show("again.service", "NRestarts")
	if restarts == 0 {
		t.Error("again.service was not restarted")
	}
	equal(`fettle_unit_restarts_total{unit="again.service"}`, restarts)
	const memory = `fettle_unit_memory_bytes{unit="web.service"}`
	switch told, there := got[memory]; systemctl("show", "--value", "-p", "MemoryCurrent", "web.service") {
	case "[not set]": // the machine has no memory controller for it
		if there {
			t.Errorf("%s is %v, and is not counted", memory, told)
		}
	default:
		now := show("web.service", "MemoryCurrent")
		between(t, got, memory, now/4, now*4)
	}
	for name, want := range map[string]float64{
		"fettle_unit_manager_reachable": 1, "fettle_unit_left_out": 0,
		`fettle_unit_substate{substate="running",unit="web.service"}`: 1, `fettle_unit_substate{substate="failed",unit="dead.service"}`: 1,
		`fettle_unit_substate{substate="waiting",unit="nightly.timer"}`:          1,
		fmt.Sprintf(`fettle_unit_substate{substate="running",unit=%q}`, escaped): 1,
		`fettle_unit_start_type{start_type="disabled",unit="web.service"}`:       1,
		`fettle_unit_member_reachable{cluster="web",member="up"}`:                1, `fettle_unit_member_running{cluster="web",member="up"}`: 1,
		`fettle_unit_member_reachable{cluster="web",member="down"}`: 1, `fettle_unit_member_running{cluster="web",member="down"}`: 0,
		`fettle_unit_member_reachable{cluster="web",member="unloaded"}`: 1, `fettle_unit_member_running{cluster="web",member="unloaded"}`: 0,
		`fettle_unit_member_reachable{cluster="web",member="none"}`: 1, `fettle_unit_member_running{cluster="web",member="none"}`: 0,
	} {
		equal(name, want)
	}
	for name := range got {
		if strings.Contains(name, "run-tmp") || strings.Contains(name, "default.target") {
			t.Errorf("%s is told", name)
		}
	}
	t.Logf("%d series", len(got))

	systemctl("stop", "web.service")
	waitFor(t, "the member to be down", func() bool {
		got = gathered(t, c)
		return got[`fettle_unit_member_running{cluster="web",member="up"}`] == 0 && got[`fettle_unit_state{state="active",unit="web.service"}`] == 0
	})
	if _, there := got[`fettle_unit_start_time_seconds{unit="web.service"}`]; there {
		t.Error("a start time of what does not run")
	}
}
