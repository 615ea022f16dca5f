package repair

import (
	"maps"
	"slices"
	"strings"
)

// labelSet is a set of labels in one string: an open episode keeps its alert's
// labels, and in a storm there are a hundred thousand of them.
type labelSet string

// Names and values are followed by a byte that valid UTF-8 does not have.
const labelEnd = "\xff"

func packLabels(labels map[string]string) labelSet {
	size := 0
	for name, value := range labels {
		size += len(name) + len(value) + 2
	}
	var b strings.Builder
	b.Grow(size)
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(name)
		b.WriteString(labelEnd)
		b.WriteString(labels[name])
		b.WriteString(labelEnd)
	}
	return labelSet(b.String())
}

func (s labelSet) unpack() map[string]string {
	labels := map[string]string{}
	for rest := string(s); rest != ""; {
		var name, value string
		name, rest, _ = strings.Cut(rest, labelEnd)
		value, rest, _ = strings.Cut(rest, labelEnd)
		labels[name] = value
	}
	return labels
}

// get is one label's value, empty where it is not there.
func (s labelSet) get(name string) string {
	for rest := string(s); rest != ""; {
		var have, value string
		have, rest, _ = strings.Cut(rest, labelEnd)
		value, rest, _ = strings.Cut(rest, labelEnd)
		if have == name {
			return value
		}
	}
	return ""
}
