package config

import (
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// rootly warns of playbooks that run commands.
func (f *finder) rootly() {
	if name := execPlaybook(f.playbooks); name != "" {
		f.add(true, strictyaml.Path{"playbooks"}, "playbook %s runs commands (action exec): with it fettle is as powerful as root on this host, and so is whoever may write playbooks; disable it where that is too much", name)
	}
}
