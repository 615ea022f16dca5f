package repair_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

func sortedLines(lines []string) string {
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

var inventory = cluster.Inventory{Clusters: []cluster.Cluster{
	{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "w1", Host: "a"}, {Name: "w2", Host: "b"}}},
	{Name: "demo", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "w1"}}},
}}

func load(t *testing.T) *repair.Playbook {
	t.Helper()
	data, err := os.ReadFile("testdata/service-scale.yml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := repair.LoadPlaybook("service-scale.yml", data, actions, parse)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestResolve(t *testing.T) {
	p := load(t)
	target, steps, err := p.Resolve(inventory, map[string]string{"instance": "w2", "mode": "fast", "zone": "-rf"})
	if err != nil {
		t.Fatal(err)
	}
	if target.String() != "web/w2" || target.Member.Host != "b" {
		t.Errorf("target %+v", target)
	}
	if len(steps) != 2 || steps[0].With["mode"] != "fast" || steps[0].With["zone"] != "north" || len(steps[0].With) != 2 || len(steps[1].With) != 0 {
		t.Errorf("steps %+v", steps)
	}
}

// Labels are untrusted: what is not of the declared type reaches nothing.
func TestResolveRefuses(t *testing.T) {
	p := load(t)
	long := strings.Repeat("w", 5000)
	for name, tc := range map[string]struct{ instance, mode, want string }{
		"not in the inventory":   {"w3", "fast", "cluster \"web\" has no member \"w3\" in the inventory: declare it under `clusters` in fettle.yml"},
		"anchored at the end":    {"w1;reboot", "fast", `label "instance" of the alert: "w1;reboot" is not of its declared type: it must match \w+|[a-z]+\.example`},
		"anchored at the start":  {"$(x)w1", "fast", `label "instance" of the alert: "$(x)w1" is not of its declared type: it must match \w+|[a-z]+\.example`},
		"each branch anchored":   {"w1;a.example", "fast", `label "instance" of the alert: "w1;a.example" is not of its declared type: it must match \w+|[a-z]+\.example`},
		"enum":                   {"w1", "faster", `label "mode" of the alert: "faster" is not of its declared type: it must be one of slow, fast`},
		"newline":                {"w1\n", "fast", `label "instance" of the alert: "w1\n" has control characters`},
		"NUL":                    {"w1\x00", "fast", `label "instance" of the alert: "w1\x00" has control characters`},
		"escape":                 {"\x1b[2Jw1", "fast", `label "instance" of the alert: "\x1b[2Jw1" has control characters`},
		"direction mark":         {"w1\u202e", "fast", `label "instance" of the alert: "w1\u202e" has control characters`},
		"not UTF-8":              {"w1\xff", "fast", `label "instance" of the alert: "w1\xff" has control characters`},
		"leading dash":           {"-w1", "fast", `label "instance" of the alert: "-w1" begins with a dash`},
		"template":               {"{{ .Labels }}", "fast", `label "instance" of the alert: "{{ .Labels }}" is not of its declared type: it must match \w+|[a-z]+\.example`},
		"empty":                  {"", "fast", `label "instance" of the alert: it is empty`},
		"long, and bounded":      {long, "fast", `label "instance" of the alert: "` + long[:64] + `…" is longer than 1024 bytes`},
		"a path is another name": {"../w1", "fast", `label "instance" of the alert: "../w1" is not of its declared type: it must match \w+|[a-z]+\.example`},
	} {
		t.Run(name, func(t *testing.T) {
			target, with, err := p.Resolve(inventory, map[string]string{"instance": tc.instance, "mode": tc.mode})
			if err == nil {
				t.Fatalf("resolved to %s with %v", target, with)
			}
			if err.Error() != tc.want {
				t.Errorf("got  %s\nwant %s", err, tc.want)
			}
			if with != nil || target.Member.Name != "" {
				t.Errorf("something reached: %v, %v", target, with)
			}
		})
	}
	_, _, err := p.Resolve(inventory, map[string]string{"instance": "w1"})
	if want := `the alert has no label "mode", which playbook service-scale reads: let the rule keep it`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	p.Target.Cluster = repair.Value{Literal: "demo"}
	_, _, err = p.Resolve(inventory, map[string]string{"instance": "w1", "mode": "slow"})
	if want := `cluster "demo" is of kind etcd, the playbook wants service`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
