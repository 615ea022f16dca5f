package repair

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

// maxLabelValue is the longest label value that may reach a target or an action, in bytes.
const maxLabelValue = 1024

// Resolve turns an alert's labels, which are untrusted, into the target and the steps
// that would be done. Only declared labels are read, and a value that is not of its
// declared type is refused; so is one with a control character, or that begins
// with a dash, whatever the type says. It is pure; the errors name the label and
// never repeat more than 64 bytes of its value. Of an alert that names no member it
// returns an [UnnamedError] where a look at the cluster could tell which one is meant.
func (p *Playbook) Resolve(inv cluster.Inventory, labels map[string]string) (cluster.Target, []PlannedStep, error) {
	return p.resolve(inv, labels, "")
}

// resolve is Resolve with what a look has found for an alert that names no member.
func (p *Playbook) resolve(inv cluster.Inventory, labels map[string]string, found string) (cluster.Target, []PlannedStep, error) {
	values := make(map[string]string, len(p.Labels))
	for _, name := range p.needs(labels) {
		v, err := p.read(labels, name)
		if err != nil {
			return cluster.Target{}, nil, err
		}
		values[name] = v
	}
	of := func(v Value) string {
		if v.Label != "" {
			return values[v.Label]
		}
		return v.Literal
	}
	t, err := p.place(inv, labels, found)
	if err != nil {
		return cluster.Target{}, nil, err
	}
	steps := make([]PlannedStep, len(p.Steps))
	for i, s := range p.Steps {
		if steps[i], err = s.planned(of); err != nil {
			return cluster.Target{}, nil, fmt.Errorf("step %s: %w", s.Name, err)
		}
		if err := steps[i].settleForm(); err != nil {
			return cluster.Target{}, nil, fmt.Errorf("step %s: %w", s.Name, err)
		}
	}
	return t, steps, nil
}

// read is the value of a declared label, which has to be there.
func (p *Playbook) read(labels map[string]string, name string) (string, error) {
	v, ok := labels[name]
	if !ok {
		return "", fmt.Errorf("the alert has no label %q, which playbook %s reads: let the rule keep it", name, p.Name)
	}
	if err := p.Labels[name].check(v); err != nil {
		return "", fmt.Errorf("label %q of the alert: %w", name, err)
	}
	return v, nil
}

// uses are the labels that the playbook may read, sorted: one that is declared
// and not used need not be there.
func (p *Playbook) uses() []string {
	t := p.Target
	return p.with(t.Cluster.Label, t.Member.Label, t.Instance.Label, t.Unit.Label)
}

// needs are those of them that these labels must have.
func (p *Playbook) needs(labels map[string]string) []string {
	if p.names(labels) {
		return p.with(p.Target.Cluster.Label, p.Target.Member.Label)
	}
	return p.with()
}

// with are the labels that steps and verify read, and these, sorted.
func (p *Playbook) with(names ...string) []string {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	for _, s := range p.Steps {
		for _, name := range s.labels() {
			set[name] = true
		}
	}
	if p.Verify != nil {
		for _, name := range p.Verify.Labels {
			set[name] = true
		}
	}
	delete(set, "")
	return slices.Sorted(maps.Keys(set))
}

// check refuses a hostile value, then one that is not of the type.
func (p Param) check(v string) error {
	switch {
	case v == "":
		return fmt.Errorf("it is empty")
	case len(v) > maxLabelValue:
		return fmt.Errorf("%s is longer than %d bytes", strictyaml.Clip(v), maxLabelValue)
	case !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return fmt.Errorf("%s has control characters", strictyaml.Clip(v))
	case v[0] == '-':
		return fmt.Errorf("%s begins with a dash", strictyaml.Clip(v))
	case !p.fits(v):
		return fmt.Errorf("%s is not of its declared type: %s", strictyaml.Clip(v), p.wants())
	}
	return nil
}

// fits tells whether a value is of the type. A type that says nothing fits nothing.
func (p Param) fits(v string) bool {
	if p.Pattern == "" {
		return slices.Contains(p.Enum, v)
	}
	re := p.compiled
	if re == nil {
		var err error
		if re, err = p.compile(); err != nil {
			return false
		}
	}
	return re.MatchString(v)
}

// compile anchors the pattern at both ends, and so that no flag of its own can
// undo that.
func (p Param) compile() (*regexp.Regexp, error) {
	if _, err := regexp.Compile(p.Pattern); err != nil {
		return nil, err // on its own: `a)|(b` would compile inside the anchors
	}
	return regexp.Compile(`\A(?:` + p.Pattern + `)\z`)
}

// narrowerThan tells whether every value of p is surely one of q too.
func (p Param) narrowerThan(q Param) bool {
	if p.Pattern != "" {
		return p.Pattern == q.Pattern
	}
	return !slices.ContainsFunc(p.Enum, func(v string) bool { return !q.fits(v) })
}

// wants is the type in words.
func (p Param) wants() string {
	s := "it must be one of " + strings.Join(p.Enum, ", ")
	if p.Pattern != "" {
		s = "it must match " + p.Pattern
	}
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
