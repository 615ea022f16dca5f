package config_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/repair"
)

// powerful is a configuration with local and other members, and playbooks on them.
func powerful(run bool) (config.Config, []*repair.Playbook) {
	c := config.Config{Hosts: []string{"here"}, Clusters: []cluster.Cluster{
		{Name: "main", Kind: cluster.KindEtcd, Members: []cluster.Member{
			{Name: "m1", Host: "here", Unit: `etcd-m1\x2dx.service`},
			{Name: "m2", Host: "there", Unit: "etcd.service"},
			{Name: "m3", Host: "here", Commands: cluster.Commands{Status: []string{"/x"}}, Unit: "commanded.service"},
		}},
		{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "w1", Host: "here", Unit: "web.service"}}},
		{Name: "other", Kind: cluster.KindService, Members: []cluster.Member{{Name: "o1", Host: "here", Unit: "other.service"}}},
	}}
	label := repair.Value{Label: "x"}
	playbooks := []*repair.Playbook{
		{Name: "etcd", Target: repair.TargetRef{Kind: cluster.KindEtcd, Cluster: label, Member: label}, Steps: []repair.Step{{Action: "member-end-hung"}, {Action: "member-start"}}},
		{Name: "web", Target: repair.TargetRef{Kind: cluster.KindService, Cluster: repair.Value{Literal: "web"}, Member: label}, Steps: []repair.Step{{Action: "service-restart"}}},
	}
	if run {
		playbooks = append(playbooks, &repair.Playbook{Name: "clean", Target: repair.TargetRef{Kind: cluster.KindService, Cluster: label, Member: label}, Steps: []repair.Step{{Name: "vacuum", Action: repair.ActionExec, Exec: &repair.Exec{Argv: []string{"/bin/true"}}}}})
	}
	return c, playbooks
}

func polkit(t *testing.T, run bool) string {
	t.Helper()
	c, playbooks := powerful(run)
	text, err := config.Polkit(c, playbooks, "fettle")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const aTransient = "fettle-018f6a00-0000-7000-8000-000000000001-0-1.service"

// The text has the few forms that it is made of and no other line, whatever engine
// reads it.
func TestPolkitIsPlain(t *testing.T) {
	line := regexp.MustCompile(`^(|//.*|polkit\.addRule\(function\(action, subject\) \{|\}\);| *\};?| *return polkit\.Result\.(YES|NOT_HANDLED);|  if \(.*\) \{|  var [a-z]+ = (\{|action\.lookup\("[a-z]+"\);)|    "([^"\\]|\\\\)+": \["[a-z-]+"(,"[a-z-]+")*\],)$`)
	for l := range strings.Lines(polkit(t, true)) {
		if l = strings.TrimSuffix(l, "\n"); !line.MatchString(strings.TrimPrefix(l, "  //")) && !strings.HasPrefix(strings.TrimSpace(l), "//") {
			t.Errorf("line %q", l)
		}
	}
	c, playbooks := powerful(false)
	for _, unit := range []string{"", `a".service`, "a\n.service", "a'.service", "a/b.service", "a", "</script>.service"} {
		c.Clusters[1].Members[0].Unit = unit
		if text, err := config.Polkit(c, playbooks, "fettle"); err == nil && unit != "" {
			t.Errorf("unit %q: %s", unit, text)
		}
	}
	for _, user := range []string{"", "a b", `x" || true || "`, "Root", "-x"} {
		if _, err := config.Polkit(config.Config{}, nil, user); err == nil {
			t.Errorf("user %q was taken", user)
		}
	}
}

func TestTransientUnits(t *testing.T) {
	form := regexp.MustCompile(config.TransientUnits)
	for _, name := range []string{aTransient, "fettle-018f6a00-0000-7000-8000-000000000001-15-100000.service"} {
		if !form.MatchString(name) {
			t.Errorf("%s does not fit", name)
		}
	}
}

// A playbook that runs commands is told of.
func TestCheckWarnsOfCommands(t *testing.T) {
	for _, run := range []bool{false, true} {
		c, playbooks := powerful(run)
		told := 0
		for _, p := range config.Check(c, playbooks) {
			if strings.Contains(p.What, "as powerful as root") && strings.Contains(p.What, "playbook clean runs commands") && p.Warning {
				told++
			}
		}
		if (told == 1) != run {
			t.Errorf("with commands %v: told %d times", run, told)
		}
	}
}

// A command runs here: a target elsewhere is told of, unless it is reached from here.
func TestCheckWarnsOfCommandsElsewhere(t *testing.T) {
	for _, fromHere := range []bool{false, true} {
		c, playbooks := powerful(true)
		c.Clusters[2].Members[0].Host = "there"
		playbooks[2].Steps[0].Exec.FromHere = fromHere
		told := 0
		for _, p := range config.Check(c, playbooks) {
			if strings.Contains(p.What, "step vacuum of playbook clean runs a command on this machine, and other/o1 is on host \"there\"") && p.Warning {
				told++
			}
		}
		if (told == 0) != fromHere {
			t.Errorf("from here %v: told %d times", fromHere, told)
		}
	}
}
