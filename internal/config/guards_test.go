package config

import (
	"reflect"
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

func TestWindowsAreRead(t *testing.T) {
	c, err := parse(t, "good.yml")
	if err != nil {
		t.Fatal(err)
	}
	windows := c.Windows()
	if len(windows) != 2 {
		t.Fatalf("%d windows", len(windows))
	}
	for i := range windows {
		windows[i].Zone = time.FixedZone(windows[i].Zone.String(), 0)
	}
	want := []repair.Window{
		{Clusters: []string{"demo"}, Days: [7]bool{false, true, true, true, true, true, false}, From: 1320, To: 360, Zone: time.FixedZone("Europe/Berlin", 0)},
		{Tiers: []repair.Tier{repair.P2}, Playbooks: []string{"etcd-member-restart"}, Days: [7]bool{true, false, false, false, false, false, true}, To: 1440, Zone: time.FixedZone("UTC", 0), Starts: true},
	}
	if !reflect.DeepEqual(windows, want) {
		t.Errorf("got  %+v\nwant %+v", windows, want)
	}
	if list := Default().Windows(); len(list) > 0 {
		t.Errorf("without a file: %v", list)
	}
}

// A share is rounded down, and never to nothing.
func TestLimitsAreRead(t *testing.T) {
	c, err := parse(t, "good.yml")
	if err != nil {
		t.Fatal(err)
	}
	want := []repair.Limit{
		{Name: "demo", Members: []string{"demo/m1", "demo/m2"}, AtMost: 1},
		{Name: "rack-1", Group: true, Members: []string{"demo/m1", "demo/m2"}, AtMost: 1},
	}
	if got := c.Limits(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	const cluster = `clusters: [{name: web, kind: service, members: [{name: a, unit: a.service, host: h}, {name: b, unit: b.service, host: h}, {name: c, unit: c.service, host: h}]}]
guards: {blast_radius: {groups: [{name: all, members: ["web/*"], at_most: `
	for in, want := range map[string]int{"34%": 1, "66%": 1, "67%": 2, "100%": 3, "1": 1, "7": 7, "33%": 0, "0": 0, "0%": 0} {
		c, err := Parse("f.yml", []byte(cluster+in+`}]}}`))
		if (err != nil) != (want == 0) {
			t.Errorf("%s: %v", in, err)
		}
		if err == nil && c.Limits()[0].AtMost != want {
			t.Errorf("%s of three is %d, want %d", in, c.Limits()[0].AtMost, want)
		}
	}
}
