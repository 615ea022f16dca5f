package exporter

import (
	"bytes"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// text writes f, of which there are rows, in the text format. It says what expfmt
// would, at a fraction of the cost: the names and labels of the rows are written
// already, and only the values are new.
func (f family) text(to *bytes.Buffer) {
	to.Write(f.heading)
	for _, r := range f.rows {
		to.Write(r.name)
		to.Write(strconv.AppendFloat(to.AvailableBuffer(), *r.value, 'g', -1, 64))
		to.WriteByte('\n')
	}
}

// heading are the lines before the series of f.
func heading(f *dto.MetricFamily) []byte {
	kind := strings.ToLower(f.GetType().String())
	return []byte("# HELP " + f.GetName() + " " + strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(f.GetHelp()) +
		"\n# TYPE " + f.GetName() + " " + kind + "\n")
}

// named is the line of a series up to its value.
func named(name string, labels []*dto.LabelPair) []byte {
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	line := []byte(name)
	for i, l := range labels {
		before := byte(',')
		if i == 0 {
			before = '{'
		}
		line = append(line, before)
		line = append(line, l.GetName()...)
		line = append(line, `="`...)
		line = append(line, escape.Replace(l.GetValue())...)
		line = append(line, '"')
	}
	if len(labels) > 0 {
		line = append(line, '}')
	}
	return append(line, ' ')
}
