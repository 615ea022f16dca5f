package repair

import (
	"maps"
	"slices"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

func (l *playbookLoader) steps() []Step {
	if len(l.file.Steps) == 0 {
		l.doc.Errorf(keyPath("steps"), "the playbook has no steps: name at least one, such as {name: start, action: member-start}")
	}
	if len(l.file.Steps) > maxPlaybookSteps {
		l.doc.Errorf(keyPath("steps"), "the playbook has %d steps: %d is the most", len(l.file.Steps), maxPlaybookSteps)
	}
	steps := make([]Step, len(l.file.Steps))
	for i := range l.file.Steps {
		steps[i] = l.step(i)
	}
	return steps
}

func (l *playbookLoader) step(i int) Step {
	at, s := keyPath("steps", i), l.file.Steps[i]
	switch same := slices.IndexFunc(l.file.Steps[:i], func(o stepYAML) bool { return o.Name == s.Name }); {
	case s.Name == "":
		l.doc.Errorf(at.Join("name"), "step %d has no name: give it one, the journal and `fettle explain` use it", i+1)
	case !playbookName.MatchString(s.Name):
		l.doc.Errorf(at.Join("name"), "step name %s must be lower-case letters, digits and dashes, at most 63, and not begin with a dash", strictyaml.Clip(s.Name))
	case same >= 0:
		l.doc.Errorf(at.Join("name"), "steps %d and %d are both named %s: names are unique in a playbook", same+1, i+1, strictyaml.Clip(s.Name))
	}
	out := Step{Name: s.Name, Action: s.Action, Once: s.Once}
	if s.Deadline != nil {
		if *s.Deadline <= 0 {
			l.doc.Errorf(at.Join("deadline"), "deadline is 0: give it a time such as 60s, or leave it out for the tier's")
		}
		out.Deadline = *s.Deadline
	}
	if s.Attempts != nil {
		if *s.Attempts < 1 || *s.Attempts > maxStepAttempts {
			l.doc.Errorf(at.Join("attempts"), "attempts is %d: it must be 1 to %d", *s.Attempts, maxStepAttempts)
		}
		out.Attempts = *s.Attempts
	}
	known := slices.Collect(maps.Keys(l.actions))
	spec, ok := l.actions[s.Action]
	switch {
	case s.Action == "":
		l.doc.Errorf(at.Join("action"), "step %d has no action; %s", i+1, strictyaml.DidYouMean("", known))
		return out
	case !ok:
		l.doc.Errorf(at.Join("action"), "unknown action %s; %s", strictyaml.Clip(s.Action), strictyaml.DidYouMean(s.Action, known))
		return out
	case spec.Kind != "" && spec.Kind != l.file.Target.Kind && !l.doc.Bad(keyPath("target", "kind")):
		l.doc.Errorf(at.Join("action"), "action %s is for targets of kind %s, and this playbook's target is of kind %s", s.Action, spec.Kind, l.file.Target.Kind)
	}
	l.declared(at, s, &out)
	for _, name := range slices.Sorted(maps.Keys(s.With)) {
		if out.With == nil {
			out.With = make(map[string]Value, len(s.With))
		}
		out.With[name] = l.with(at.Join("with", name), spec, name, s.With[name])
	}
	return out
}

// with reads one parameter of a step. A label may only stand where everything
// that its own type allows is also allowed by the parameter's.
func (l *playbookLoader) with(at strictyaml.Path, spec ActionSpec, name, written string) Value {
	param, ok := spec.Params[name]
	if !ok {
		l.doc.KeyErrorf(at, "action %s has no parameter %s; %s", spec.Name, strictyaml.Clip(name), strictyaml.DidYouMean(name, slices.Collect(maps.Keys(spec.Params))))
		return Value{}
	}
	v := l.value(at, written)
	switch {
	case l.doc.Bad(at):
	case v.Label == "":
		if !param.fits(v.Literal) {
			l.doc.Errorf(at, "%s does not fit parameter %s: %s", strictyaml.Clip(v.Literal), name, param.wants())
		}
	case !l.params[v.Label].narrowerThan(param):
		l.doc.Errorf(at, "label %s can have values that parameter %s refuses: declare it with the same type (%s)", strictyaml.Clip(v.Label), name, param.wants())
	}
	return v
}
