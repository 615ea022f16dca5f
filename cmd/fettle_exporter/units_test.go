package main

import (
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
