package alert

import (
	"fmt"
	"strings"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"
)

// Matcher is one condition on a label, in Alertmanager's syntax: name="v",
// name!="v", name=~"re", name!~"re" (regular expressions are anchored).
type Matcher struct{ m *labels.Matcher }

// ParseMatcher reads one matcher in Alertmanager's UTF-8 syntax.
func ParseMatcher(s string) (Matcher, error) {
	m, err := parse.Matcher(s)
	if err != nil {
		return Matcher{}, fmt.Errorf("matcher %q: %w", s, err)
	}
	return Matcher{m}, nil
}

// Name is the label that it looks at.
func (m Matcher) Name() string { return m.m.Name }

// String is the matcher in Alertmanager's syntax.
func (m Matcher) String() string { return m.m.String() }

// Matches tells whether the label's value fits; an absent label is the empty value.
func (m Matcher) Matches(labels map[string]string) bool { return m.m.Matches(labels[m.m.Name]) }

// Matchers match when all of them do. None at all matches nothing: a playbook
// without a condition is for no alert.
type Matchers []Matcher

// Matches tells whether all conditions hold.
func (ms Matchers) Matches(labels map[string]string) bool {
	for _, m := range ms {
		if !m.Matches(labels) {
			return false
		}
	}
	return len(ms) > 0
}

// String is the conditions in Alertmanager's syntax.
func (ms Matchers) String() string {
	parts := make([]string, len(ms))
	for i, m := range ms {
		parts[i] = m.String()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
