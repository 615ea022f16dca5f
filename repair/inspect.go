package repair

// Playbooks are those of the running configuration, in its order. They are not
// changed by whoever reads them.
func (e *Engine) Playbooks() []*Playbook { return e.cfg.Playbooks }
