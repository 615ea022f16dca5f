package exporter

import (
	"bytes"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// dialect is a text format that is written from rows.
type dialect int

const (
	plainText dialect = iota
	openMetrics
	dialects
)

// dialectOf is the dialect of a format; false for protobuf, and where names are to be
// escaped as if they had dots, which changes each of ours.
func dialectOf(format expfmt.Format) (dialect, bool) {
	if format.ToEscapingScheme() == model.DotsEscaping {
		return 0, false
	}
	switch format.FormatType() {
	case expfmt.TypeTextPlain:
		return plainText, true
	case expfmt.TypeOpenMetrics:
		return openMetrics, true
	default:
		return 0, false
	}
}

// text writes f, of which there are rows. It says what expfmt would, at a fraction of
// the cost: the names and labels of the rows are written already, and only the values
// are new.
func (f family) text(to *bytes.Buffer, d dialect) {
	to.Write(f.headings[d])
	for _, r := range f.rows {
		to.Write(r.name)
		value := appendValue(to.AvailableBuffer(), *r.value)
		if d == openMetrics && !bytes.ContainsAny(value, "e.") {
			value = append(value, ".0"...)
		}
		to.Write(value)
		to.WriteByte('\n')
	}
}

// appendValue writes a value as expfmt does. Most are small whole numbers, of which the
// shortest form need not be looked for.
func appendValue(to []byte, value float64) []byte {
	if n := int64(value); n >= 0 && n < 1e6 && float64(n) == value { // a negative zero too: it is written as 0
		return strconv.AppendInt(to, n, 10)
	}
	return strconv.AppendFloat(to, value, 'g', -1, 64)
}

// headings are the lines before the series of f, in each dialect.
func headings(f *dto.MetricFamily) [dialects][]byte {
	name, kind, help := f.GetName(), strings.ToLower(f.GetType().String()), f.GetHelp()
	lines := func(name, kind, help string) []byte {
		return []byte("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
	}
	// OpenMetrics knows a counter by its name without the suffix.
	short, openKind := name, kind
	if f.GetType() == dto.MetricType_COUNTER {
		var suffixed bool
		if short, suffixed = strings.CutSuffix(name, "_total"); !suffixed {
			openKind = "unknown"
		}
	}
	return [dialects][]byte{
		plainText:   lines(name, kind, strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(help)),
		openMetrics: lines(short, openKind, strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(help)),
	}
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
