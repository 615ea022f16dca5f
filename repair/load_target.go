package repair

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// otherwise reads what names the target where an alert has no label for the member.
func (l *playbookLoader) otherwise(ref *TargetRef) {
	t := l.file.Target
	for _, part := range []struct {
		key, written string
		into         *Value
	}{{"instance", t.Instance, &ref.Instance}, {"unit", t.Unit, &ref.Unit}} {
		at := keyPath("target", part.key)
		if part.written == "" && !l.doc.Has(at) {
			continue
		}
		if *part.into = l.value(at, part.written); part.into.Label == "" && !l.doc.Bad(at) {
			l.doc.Errorf(at, "%s comes from the alert: write a declared label, %s: $%s", part.key, part.key, part.key)
		}
	}
	if t.Unit != "" && t.Instance == "" {
		l.doc.Errorf(keyPath("target", "unit"), "a unit alone names no machine: write instance as well")
	}
	if t.Unnamed != "" && t.Unnamed != OneDown {
		l.doc.Errorf(keyPath("target", "unnamed"), "unknown value %s; known here: %s", strictyaml.Clip(string(t.Unnamed)), OneDown)
	}
	if t.Unnamed != "" && t.Kind != cluster.KindEtcd {
		l.doc.Errorf(keyPath("target", "unnamed"), "only a cluster with a quorum shows which of its members is down: write it for kind etcd, or leave it out")
	}
	if (t.Instance != "" || t.Unnamed != "") && ref.Member.Label == "" && !l.doc.Bad(keyPath("target", "member")) {
		l.doc.Errorf(keyPath("target", "member"), "the member is always %s: instance and unnamed are for alerts that lack its label", strictyaml.Clip(t.Member))
	}
	ref.Unnamed = t.Unnamed
}

// seeks checks that some step can look at the whole cluster before its target is known.
func (l *playbookLoader) seeks(p *Playbook) {
	if _, ok := p.seeking(l.actions); p.Target.Unnamed != "" && len(p.Steps) > 0 && !ok {
		l.doc.Errorf(keyPath("target", "unnamed"), "none of the steps looks at the cluster by itself, and so nothing shows which member is down")
	}
}

// seeking is the action whose look shows the whole cluster, whatever the target.
func (p *Playbook) seeking(actions map[string]ActionSpec) (ActionSpec, bool) {
	for _, s := range p.Steps {
		if spec, ok := actions[s.Action]; ok && spec.Bind == nil && spec.Kind == p.Target.Kind {
			return spec, true
		}
	}
	return ActionSpec{}, false
}
