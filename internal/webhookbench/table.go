package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one measured number.
type figure struct {
	name  string
	value float64
	unit  string
	limit *limit // nil: for comparison, or to be known
	note  string // how it came about
}

// limit is what a figure is held to.
type limit struct {
	value float64
	rel   relation
}

type relation string

const (
	atLeast relation = "≥"
	below   relation = "<"
	exactly relation = "="
	above   relation = ">"
)

func (l limit) holds(v float64) bool {
	switch l.rel {
	case atLeast:
		return v >= l.value
	case below:
		return v < l.value
	case above:
		return v > l.value
	default:
		return v == l.value
	}
}

func (f figure) missed() bool { return f.limit != nil && !f.limit.holds(f.value) }

func (f figure) said() string { return number(f.value) + unit(f.unit) }

func (f figure) wanted() string {
	if f.limit == nil {
		return ""
	}
	return string(f.limit.rel) + " " + number(f.limit.value) + unit(f.unit)
}

func (f figure) verdict() string {
	switch {
	case f.limit == nil:
		return ""
	case f.missed():
		return "MISSED"
	}
	return "ok"
}

func (f figure) String() string {
	s := f.name + ": " + f.said()
	if f.limit != nil {
		s += " (wanted " + f.wanted() + ": " + f.verdict() + ")"
	}
	if f.note != "" {
		s += "; " + f.note
	}
	return s
}

func unit(u string) string {
	if u == "" || u == "%" {
		return u
	}
	return " " + u
}

// number has thousands apart, and as many decimals as say something.
func number(v float64) string {
	decimals := 0
	switch {
	case v == float64(int64(v)):
	case v < 10:
		decimals = 2
	case v < 100:
		decimals = 1
	}
	whole, rest, _ := strings.Cut(strconv.FormatFloat(v, 'f', decimals, 64), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return whole
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// table is all figures of a run.
type table struct {
	rows []row
	now  string
}

type row struct {
	section string
	figure
}

func (t *table) section(name string) { t.now = name }

func (t *table) add(f figure) { t.rows = append(t.rows, row{t.now, f}) }

// write writes it, and tells whether a figure is outside of its limit.
func (t *table) write(out io.Writer) (missed bool) {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "section\tfigure\tmeasured\tlimit\t\t")
	count := 0
	for _, r := range t.rows {
		if r.missed() {
			count++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\n", r.section, r.name, r.said(), r.wanted(), r.verdict())
	}
	_ = w.Flush()
	if count > 0 {
		fmt.Fprintf(out, "%d of %d figures missed their limit\n", count, len(t.rows))
	}
	return count > 0
}
