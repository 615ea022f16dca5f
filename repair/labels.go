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

// each calls fn with each label, in order of their names.
func (s labelSet) each(fn func(name, value string)) {
	for rest := string(s); rest != ""; {
		var name, value string
		name, rest, _ = strings.Cut(rest, labelEnd)
		value, rest, _ = strings.Cut(rest, labelEnd)
		fn(name, value)
	}
}

func (s labelSet) unpack() map[string]string {
	labels := map[string]string{}
	s.each(func(name, value string) { labels[name] = value })
	return labels
}

// labels appends a set of labels, unless it is empty.
func (o *object) labels(name string, s labelSet) {
	if s == "" {
		return
	}
	o.name(name)
	o.buf = append(o.buf, '{')
	s.each(func(name, value string) {
		if o.buf[len(o.buf)-1] != '{' {
			o.buf = append(o.buf, ',')
		}
		o.quote(name)
		o.buf = append(o.buf, ':')
		o.quote(value)
	})
	o.buf = append(o.buf, '}')
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
