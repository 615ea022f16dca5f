package exporter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// page is what one scrape serves, as the messages that the encoders take. It is
// kept and filled again by a later scrape: the same series as before cost no more
// than their values. That is most of what a scrape costs, on a host with a few
// thousand series. One scrape at a time has it.
type page struct {
	parts    map[*running]*part
	own      part
	told     []told   // of the chosen collectors
	samples  []sample // that own was filled with
	kept     kept
	families []family // what is served
	answer
}

// kept is the families of parts, by name.
type kept struct {
	families []family
	of       []sorting
}

// sorting is a part as it was sorted last.
type sorting struct {
	part   *part
	sorted int
}

func newPage(collectors []*running) *page {
	p := &page{parts: make(map[*running]*part, len(collectors))}
	for _, c := range collectors {
		p.parts[c] = &part{}
	}
	return p
}

// arrange lists the families of the chosen collectors and those of other, by name.
func (p *page) arrange(chosen []*running, other []*dto.MetricFamily) {
	of := []sorting{{&p.own, p.own.sorted}}
	passed := slices.Clone(other)
	for _, c := range chosen {
		part := p.parts[c]
		of = append(of, sorting{part, part.sorted})
		passed = append(passed, part.passed...)
	}
	p.kept.keep(of)
	slices.SortStableFunc(passed, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	p.families = p.families[:0]
	rest := p.kept.families
	for _, f := range passed {
		first := 0
		for first < len(rest) && rest[first].message.GetName() < f.GetName() {
			first++
		}
		p.families = append(append(p.families, rest[:first]...), family{message: f})
		rest = rest[first:]
	}
	p.families = append(p.families, rest...)
}

// keep sorts the families of these parts. Most often they are as they were: to sort a few
// hundred names at each scrape costs as much as to write them.
func (k *kept) keep(of []sorting) {
	if slices.Equal(of, k.of) {
		return
	}
	k.of, k.families = of, nil
	for _, s := range of {
		k.families = append(k.families, s.part.families...)
	}
	slices.SortFunc(k.families, func(a, b family) int { return strings.Compare(a.message.GetName(), b.message.GetName()) })
}

// family is all series of one metric. Those that somebody else made have no rows.
type family struct {
	message  *dto.MetricFamily
	headings [dialects][]byte
	rows     []*row
}

// part is the samples of one collector on a page.
type part struct {
	series   []*row // in the order in which they were emitted
	families []family
	sorted   int                 // how often they were
	passed   []*dto.MetricFamily // as they were handed over
	twice    error               // the series that there were more than once
}

// row is one series that is kept, with the message that tells its value.
type row struct {
	metric *Metric
	labels []string
	value  *float64
	told   *dto.Metric
	name   []byte // with the labels, in both text formats
}

// is tells that r is the series of a.
func (r *row) is(a sample) bool { return r.metric == a.metric && slices.Equal(r.labels, a.labels) }

// fill puts samples on the page, in place of those that are there. The error names
// series that are there twice: the first of them counts.
func (p *part) fill(samples []sample) error {
	same := len(samples) == len(p.series)
	for i, s := range samples {
		if i < len(p.series) && p.series[i].is(s) {
			*p.series[i].value = s.value
			continue
		}
		if same = false; i < len(p.series) {
			p.series = p.series[:i]
		}
		p.series = append(p.series, s.kept())
	}
	if !same {
		p.series = slices.Clip(p.series[:len(samples)])
		p.sort()
	}
	return p.twice
}

// sort makes the families of the series: by name, each by its labels.
func (p *part) sort() {
	sorted := slices.Clone(p.series)
	slices.SortStableFunc(sorted, compare)
	p.sorted++
	p.families, p.twice = nil, nil
	for i, s := range sorted {
		if i > 0 && compare(sorted[i-1], s) == 0 {
			if p.twice == nil { // the first says enough: there may be very many
				p.twice = fmt.Errorf("%s%.256v is there twice", s.metric.Name, s.labels)
			}
			continue
		}
		if n := len(p.families); n == 0 || p.families[n-1].message.GetName() != s.metric.Name {
			message := s.metric.family()
			p.families = append(p.families, family{message: message, headings: headings(message)})
		}
		f := &p.families[len(p.families)-1]
		f.message.Metric = append(f.message.Metric, s.told)
		f.rows = append(f.rows, s)
	}
}

func compare(a, b *row) int {
	return cmp.Or(strings.Compare(a.metric.Name, b.metric.Name),
		slices.CompareFunc(a.told.GetLabel(), b.told.GetLabel(), func(a, b *dto.LabelPair) int { return strings.Compare(a.GetValue(), b.GetValue()) }))
}

// sample is one value that a collector emitted.
type sample struct {
	metric *Metric
	value  float64
	labels []string
}

// mostLabel bytes are told of a label's value: of what servers call themselves and what
// they have, each may be as long as their whole answer.
const mostLabel = 1024

// kept makes a row of s, with a value of its own. Label values come from the
// kernel (mount points may hold any byte) and from servers, so what is not UTF-8 is
// replaced, and what is too long is cut.
func (s sample) kept() *row {
	value := s.value
	k := &row{metric: s.metric, labels: slices.Clone(s.labels), value: &value, told: &dto.Metric{}}
	for i, name := range s.metric.Labels {
		valid := s.labels[i]
		if len(valid) > mostLabel {
			valid = strings.ToValidUTF8(valid[:mostLabel-len("…")], "") + "…"
		}
		valid = strings.ToValidUTF8(valid, "\uFFFD")
		k.told.Label = append(k.told.Label, &dto.LabelPair{Name: &name, Value: &valid})
	}
	slices.SortFunc(k.told.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	if s.metric.Type == prometheus.CounterValue {
		k.told.Counter = &dto.Counter{Value: &value}
	} else {
		k.told.Gauge = &dto.Gauge{Value: &value}
	}
	k.name = named(s.metric.Name, k.told.Label)
	return k
}

// family is the metric without a series.
func (m *Metric) family() *dto.MetricFamily {
	kind := dto.MetricType_GAUGE
	if m.Type == prometheus.CounterValue {
		kind = dto.MetricType_COUNTER
	}
	return &dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: &kind}
}
