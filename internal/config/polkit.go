package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

var (
	unitName   = regexp.MustCompile(`^[A-Za-z0-9:_.\\@-]{1,247}\.(service|socket|target|mount|path|timer|slice|scope|automount|swap|device)$`)
	systemUser = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,30}$`)
)

// TransientUnits is the form of the names of the units that declared commands run as,
// as a regular expression of JavaScript's and Go's.
const TransientUnits = `^fettle-(look-[a-z0-9]{26}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{1,3}-[0-9]{1,6})\.service$`

// Polkit is a file for /etc/polkit-1/rules.d that lets a user do what the playbooks
// need on this host, and nothing else: for each unit of a local member the verbs of
// their actions, and transient units only where a playbook has an exec step. A name
// that could end a text of the file is an error.
func Polkit(c Config, playbooks []*repair.Playbook, user string) (string, error) {
	if !systemUser.MatchString(user) {
		return "", fmt.Errorf("%q is no user name", user)
	}
	verbs := map[string]map[string]bool{} // by unit
	for _, p := range playbooks {
		for _, t := range c.targets(p) {
			if !unitName.MatchString(t.Member.Unit) {
				return "", fmt.Errorf("%s: %q is no unit name", t, t.Member.Unit)
			}
			for _, s := range p.Steps {
				for _, verb := range unitVerbs(s.Action) {
					if verbs[t.Member.Unit] == nil {
						verbs[t.Member.Unit] = map[string]bool{}
					}
					verbs[t.Member.Unit][verb] = true
				}
			}
		}
	}
	var b strings.Builder
	b.WriteString("// What fettle may ask of systemd on this host: written by `fettle init --polkit` from\n" +
		"// its configuration and playbooks. For /etc/polkit-1/rules.d/50-fettle.rules.\n" +
		"polkit.addRule(function(action, subject) {\n")
	fmt.Fprintf(&b, "  if (subject.user != %s || action.id != \"org.freedesktop.systemd1.manage-units\") {\n    return polkit.Result.NOT_HANDLED;\n  }\n", quoted(user))
	b.WriteString("  var unit = action.lookup(\"unit\");\n  var verb = action.lookup(\"verb\");\n  var verbs = {\n")
	for _, unit := range slices.Sorted(maps.Keys(verbs)) {
		fmt.Fprintf(&b, "    %s: %s,\n", quoted(unit), quoted(slices.Sorted(maps.Keys(verbs[unit]))))
	}
	b.WriteString("  };\n" +
		"  if (unit && verbs.hasOwnProperty(unit) && verbs[unit].indexOf(verb) >= 0) {\n    return polkit.Result.YES;\n  }\n")
	if name := execPlaybook(playbooks); name != "" {
		fmt.Fprintf(&b, "  // Playbook %s has an exec step. A new transient unit comes without a name here, and\n"+
			"  // may run anything as anybody: with this, fettle's user is as powerful as root.\n"+
			"  if (!unit) {\n    return polkit.Result.YES;\n  }\n"+
			"  if (/%s/.test(unit) && [\"start\", \"stop\", \"kill\", \"reset-failed\"].indexOf(verb) >= 0) {\n    return polkit.Result.YES;\n  }\n", name, TransientUnits)
	}
	b.WriteString("  return polkit.Result.NOT_HANDLED;\n});\n")
	return b.String(), nil
}

func quoted(v any) string {
	b, _ := json.Marshal(v) // texts, and JSON is JavaScript
	return string(b)
}

// targets are the members of this host, run by systemd, that a playbook can name.
func (c Config) targets(p *repair.Playbook) []cluster.Target {
	return slices.DeleteFunc(c.named(p), func(t cluster.Target) bool {
		return t.Member.Unit == "" || t.Member.Commands.Declared() || !c.Local(t.Member.Host)
	})
}

// named are the members that a playbook can name.
func (c Config) named(p *repair.Playbook) []cluster.Target {
	var all []cluster.Target
	for _, cl := range c.Clusters {
		if cl.Kind != p.Target.Kind || p.Target.Cluster.Label == "" && p.Target.Cluster.Literal != cl.Name {
			continue
		}
		for _, m := range cl.Members {
			if p.Target.Member.Label != "" || p.Target.Member.Literal == m.Name {
				all = append(all, cluster.Target{Cluster: cl, Member: m})
			}
		}
	}
	return all
}

// unitVerbs are what an action asks of its target's unit. A unit that has failed is
// reset before it is started.
func unitVerbs(action string) []string {
	switch action {
	case "member-start":
		return []string{"start", "reset-failed"}
	case "member-end-hung":
		return []string{"kill"}
	case "service-restart":
		return []string{"restart", "reset-failed"}
	}
	return nil
}

// execPlaybook is the first playbook that runs commands, empty where none does.
func execPlaybook(playbooks []*repair.Playbook) string {
	for _, p := range playbooks {
		if slices.ContainsFunc(p.Steps, func(s repair.Step) bool { return s.Action == repair.ActionExec }) {
			return p.Name
		}
	}
	return ""
}
