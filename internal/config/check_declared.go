package config

import (
	"slices"

	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
)

// rootly warns of playbooks that run commands.
func (f *finder) rootly() {
	if name := execPlaybook(f.playbooks); name != "" {
		f.add(true, strictyaml.Path{"playbooks"}, "playbook %s runs commands (action exec): with it fettle is as powerful as root on this host, and so is whoever may write playbooks; disable it where that is too much", name)
	}
}

// elsewhere warns of commands that would run on another machine than their targets.
func (f *finder) elsewhere() {
	for _, p := range f.playbooks {
		i := slices.IndexFunc(p.Steps, func(s repair.Step) bool { return s.Exec != nil && !s.Exec.FromHere })
		if i < 0 {
			continue
		}
		for _, t := range f.c.named(p) {
			if !f.c.Local(t.Member.Host) {
				f.add(true, strictyaml.Path{"playbooks"}, "step %s of playbook %s runs a command on this machine, and %s is on host %s: there it ends blocked(agent); a command that reaches it from here says from_here: true", p.Steps[i].Name, p.Name, t, strictyaml.Clip(t.Member.Host))
				break
			}
		}
	}
}
