package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/inventory"
)

func TestClocksOfOtherMachines(t *testing.T) {
	conf := inventory.Exporter{
		Clocks: inventory.Clocks{Compare: true, Port: 9999},
		Clusters: []cluster.Cluster{
			{Name: "a", Members: []cluster.Member{{Name: "1", Host: "h1"}, {Name: "2", Host: "h2"}, {Name: "none"}}},
			{Name: "b", Members: []cluster.Member{{Name: "3", Host: "h3"}}},
		},
	}
	here := func(host string) bool { return host == "h1" }
	got := clocksOf(conf, here)
	if len(got.Members) != 2 || got.Members[0].String() != "a/2" || got.Members[1].String() != "b/3" || got.Port != 9999 {
		t.Errorf("got %+v", got)
	}
	conf.Clocks.Compare = false
	if got := clocksOf(conf, here); len(got.Members) != 0 {
		t.Errorf("not to be compared, and got %+v", got)
	}
}

// The program says what its clock says, and compares it with those of machines that
// are not there.
func TestServesItsClock(t *testing.T) {
	p := start(t, "--config.file="+configFile(t, "clusters:\n  - {name: c, kind: service, members: [{name: m, host: 192.0.2.1, unit: a.service}]}\nclocks: {compare: true}\n"))
	var received, replied int64
	if n, err := fmt.Sscan(p.scrape(t, "/-/clock"), &received, &replied); n != 2 || err != nil || replied < received {
		t.Errorf("%d and %d: %v", received, replied, err)
	}
	metrics := p.scrape(t, "/metrics?collect[]=clock")
	if want := `fettle_time_peer_reachable{cluster="c",member="m"} 0`; !strings.Contains(metrics, want) {
		t.Errorf("no %s in\n%s", want, metrics)
	}
}
