package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/inventory"
)

// Which members this machine leaves to others is said once, and one that may be its own
// is a warning.
func TestLeftOut(t *testing.T) {
	clusters := []cluster.Cluster{
		{Name: "edge", Kind: cluster.KindKeepalived, Members: []cluster.Member{
			{Name: "here", Host: "one", Endpoint: "unix:///run/bus"}, {Name: "there", Host: "two", Endpoint: "unix:///run/bus"}, {Name: "like", Host: "one.example", Endpoint: "unix:///run/bus"},
		}},
		{Name: "ha", Kind: cluster.KindPacemaker, Members: []cluster.Member{{Name: "unsaid", Endpoint: "file:///a"}}},
		{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "w", Host: "two", Unit: "w.service"}, {Name: "asked", Host: "two", Endpoint: "http://two"}}},
		{Name: "tuned", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "m", Host: "two", Endpoint: "http://two:2381"}}},
		{Name: "main", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "m", Host: "two", Endpoint: "http://two:2379"}}},
	}
	var names []string
	left := leftOut(inventory.Exporter{Clusters: clusters, Values: []inventory.Value{{Cluster: "tuned", Sysctl: "vm.swappiness"}}}, func(host string) bool { return host == "one" })
	for _, m := range left {
		names = append(names, m.String())
	}
	if got := strings.Join(names, " "); got != "edge/there edge/like web/w tuned/m" {
		t.Errorf("left out: %s", got)
	}
	var log bytes.Buffer
	to := slog.New(slog.NewTextHandler(&log, nil))
	machine := inventory.ThisMachine([]string{"one"})
	note(left, nil, machine, to)
	if text := log.String(); strings.Count(text, "\n") != 4 || strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "member=like host=one.example this_machine=one") {
		t.Error(text)
	}
	log.Reset()
	note(left, left, machine, to) // a reload that changes nothing
	left[0].Member.Host = "three"
	note(left[:1], left[1:], machine, to)
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "host=three") {
		t.Error(text)
	}
}
