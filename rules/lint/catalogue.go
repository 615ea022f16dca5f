// Package lint finds the expressions that can never do what they say: a metric
// or a label that does not exist, the rate of a gauge, an alert that compares
// nothing. Prometheus accepts all of these and stays silent.
//
// Start with [Expr], and [Alert] for what more an alert needs.
package lint

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Type is a metric's type.
type Type string

// The types that fettle's programs publish.
const (
	Counter   Type = "counter"
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
	// Recorded is what a recording rule makes: compared as a gauge is, with the labels
	// that are listed, or any where none are.
	Recorded Type = "recorded"
)

// Metric is a metric family that exists. Labels are those that its program
// gives; job and instance, which Prometheus adds, are not among them.
type Metric struct {
	Name   string
	Type   Type
	Labels []string
}

// Catalogue is all metric families by name.
type Catalogue map[string]Metric

// ReadCatalogue reads one metric family a line: its name, its type and, if it
// has any, its labels, separated by commas. Empty lines and lines that begin
// with # are skipped.
func ReadCatalogue(r io.Reader) (Catalogue, error) {
	c := Catalogue{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 2 || len(fields) > 3 {
			return nil, fmt.Errorf("line %d: %q: want a name, a type and labels", n, line)
		}
		m := Metric{Name: fields[0], Type: Type(fields[1])}
		if !slices.Contains([]Type{Counter, Gauge, Histogram}, m.Type) {
			return nil, fmt.Errorf("line %d: %s has the type %q: want counter, gauge or histogram", n, m.Name, m.Type)
		}
		if len(fields) == 3 {
			m.Labels = strings.Split(fields[2], ",")
		}
		if _, twice := c[m.Name]; twice {
			return nil, fmt.Errorf("line %d: %s is there twice", n, m.Name)
		}
		c[m.Name] = m
	}
	return c, lines.Err()
}

// series is what a selector can find: the series of one name, their type as a
// function sees it, and the labels that they have.
type series struct {
	counter bool
	labels  []string
	any     bool // may have any label
}

// find returns the series of that name: of a family, of one of a histogram's
// parts, or of those that Prometheus itself makes.
func (c Catalogue) find(name string) (series, bool) {
	switch name {
	case "up":
		return c.published(Metric{Type: Gauge}), true
	case "ALERTS":
		return series{any: true}, true
	}
	if m, ok := c[name]; ok && m.Type != Histogram {
		return c.published(m), true
	}
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		family, found := strings.CutSuffix(name, part)
		m, ok := c[family]
		if !found || !ok || m.Type != Histogram {
			continue
		}
		s := c.published(m)
		if part == "_bucket" {
			s.labels = append(s.labels, "le")
		}
		return s, true
	}
	return series{}, false
}

func (c Catalogue) published(m Metric) series {
	if m.Type == Recorded {
		return series{labels: m.Labels, any: len(m.Labels) == 0}
	}
	return series{
		counter: m.Type != Gauge,
		labels:  append([]string{"job", "instance"}, m.Labels...),
	}
}

func (s series) has(label string) bool { return s.any || slices.Contains(s.labels, label) }
