package main

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

func TestServicesHere(t *testing.T) {
	members := []cluster.Member{
		{Name: "here", Host: "h1", Unit: "a.service"},
		{Name: "elsewhere", Host: "h2", Unit: "a.service"},
		{Name: "commands", Host: "h1", Commands: cluster.Commands{Status: []string{"/bin/status"}}, Unit: "c.service"},
		{Name: "no-unit", Host: "h1"},
	}
	clusters := []cluster.Cluster{
		{Name: "web", Kind: cluster.KindService, Members: members},
		{Name: "demo", Kind: cluster.KindEtcd, Members: members},
	}
	got := servicesHere(clusters, func(host string) bool { return host == "h1" })
	if len(got) != 1 || got[0].String() != "web/here" {
		t.Errorf("got %v", got)
	}
}

func TestThisMachine(t *testing.T) {
	own, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true, "Given.Example": true, strings.ToUpper(own): true,
		"": false, "other.example": false, "192.0.2.1": false, own + ".other.example": false,
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		cases[a.(*net.IPNet).IP.String()] = true
	}
	here := thisMachine([]string{"given.example"})
	for host, want := range cases {
		if got := here(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

func TestUnitPatterns(t *testing.T) {
	f, err := parse([]string{"--collector.unit.allow=a", "--host.name=x"})
	if err != nil {
		t.Fatal(err)
	}
	u := f.host.Units
	if !u.Allow.MatchString("a") || u.Allow.MatchString("ab") || !u.Deny.MatchString("run-r1.service") {
		t.Errorf("allow %v, deny %v", u.Allow, u.Deny)
	}
	if _, err := parse([]string{"--collector.unit.deny=("}); err == nil || !strings.Contains(err.Error(), "missing closing )") {
		t.Errorf("got %v", err)
	}
}
