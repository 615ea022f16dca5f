package main

import (
	"bufio"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/fettle-io/fettle/rules/lint"
)

// fleet is the series of many machines, three to a cluster. It implements
// storage.Queryable.
type fleet struct {
	instances int
	now       time.Time
	hosts     map[string][]pattern // by the metric's name
	built     map[string][]one     // what was asked for once
}

// pattern is a series of one machine: its labels and its values, which are played
// again and again.
type pattern struct {
	labels  labels.Labels
	values  []float64
	counter bool
}

// one is a series of the fleet.
type one struct {
	labels labels.Labels
	of     *pattern
}

// scraped and kept are how far samples are apart, of series and of recordings.
const (
	scraped = 15 * time.Second
	kept    = 5 * time.Minute
)

func newFleet(instances int, catalogue, recording string, groups []rulefmt.RuleGroup) (*fleet, error) {
	f := &fleet{instances: instances, hosts: map[string][]pattern{}, built: map[string][]one{}, now: time.Unix(1_800_000_000, 0)}
	if err := f.recorded(recording); err != nil {
		return nil, err
	}
	file, err := os.Open(catalogue)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	known, err := lint.ReadCatalogue(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", catalogue, err)
	}
	for _, g := range groups {
		for _, r := range g.Rules {
			if r.Record == "" {
				continue
			}
			names, err := lint.Labels(r.Expr, known)
			if err != nil {
				return nil, err
			}
			m := lint.Metric{Name: r.Record, Type: lint.Recorded, Labels: slices.Compact(slices.Sorted(slices.Values(append(names, slices.Collect(maps.Keys(r.Labels))...))))}
			known[r.Record] = m
			f.hosts[r.Record] = append(f.hosts[r.Record], made(m, r.Labels, len(f.hosts[r.Record])))
		}
	}
	for name, m := range known {
		if f.hosts[name] == nil && m.Type != lint.Histogram {
			m.Labels = append([]string{"job", "instance"}, m.Labels...)
			f.hosts[name] = []pattern{made(m, nil, 0)}
		}
	}
	return f, nil
}

// made is a series of a metric that the recorded host does not have: the nth of that
// name, with what its rule says of its labels.
func made(m lint.Metric, fixed map[string]string, nth int) pattern {
	b := labels.NewScratchBuilder(len(m.Labels) + 1)
	b.Add(model.MetricNameLabel, m.Name)
	for _, name := range m.Labels {
		value, said := fixed[name]
		switch {
		case name == "job":
			value = "fettle_exporter"
		case !said:
			value = "a" + strconv.Itoa(nth)
		}
		b.Add(name, value)
	}
	b.Sort()
	return pattern{labels: b.Labels(), values: []float64{0.5, 0.51, 0.5, 0.49}, counter: m.Type == lint.Counter}
}

// recorded reads the series of a host, as rules/record writes them.
func (f *fleet) recorded(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines, p := bufio.NewScanner(file), parser.NewParser(parser.Options{})
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, text, found := strings.Cut(lines.Text(), "} ")
		if !found {
			continue // the line that says when
		}
		lset, err := p.ParseMetric(key + "}")
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		one := pattern{labels: lset}
		name := lset.Get(model.MetricNameLabel)
		one.counter = strings.HasSuffix(name, "_total")
		for field := range strings.FieldsSeq(text) {
			word, _, _ := strings.Cut(field, "x")
			if v, err := strconv.ParseFloat(word, 64); err == nil && !math.IsNaN(v) {
				one.values = append(one.values, v)
			}
		}
		if len(one.values) > 0 {
			f.hosts[name] = append(f.hosts[name], one)
		}
	}
	return lines.Err()
}

// series are those of one metric, of all machines.
func (f *fleet) series(name string) []one {
	if all, ok := f.built[name]; ok {
		return all
	}
	var all []one
	b := labels.NewBuilder(labels.EmptyLabels())
	for i := range f.hosts[name] {
		p := &f.hosts[name][i]
		seen := map[uint64]bool{}
		for n := range f.instances {
			b.Reset(p.labels)
			if p.labels.Has("instance") {
				b.Set("instance", fmt.Sprintf("n%05d:9773", n))
			}
			if p.labels.Has("cluster") {
				b.Set("cluster", fmt.Sprintf("c%04d", n/3))
			}
			lset := b.Labels()
			if hash := lset.Hash(); !seen[hash] {
				seen[hash] = true
				all = append(all, one{lset, p})
			}
		}
	}
	f.built[name] = all
	return all
}

// chunk is the samples of a pattern within a range, as Prometheus keeps them: from
// the beginning of the half hour on, which 120 samples fill.
func (p *pattern) chunk(from, to time.Time, apart time.Duration) (*chunkenc.XORChunk, error) {
	c := chunkenc.NewXORChunk()
	a, err := c.Appender()
	if err != nil {
		return nil, err
	}
	grown := p.values[len(p.values)-1] - p.values[0]
	for at := from.Truncate(120 * apart); !at.After(to); at = at.Add(apart) {
		i := int(at.Unix() / int64(apart.Seconds()))
		v := p.values[i%len(p.values)]
		if p.counter {
			v += grown * float64(i/len(p.values))
		}
		a.Append(0, at.UnixMilli(), v)
	}
	return c, nil
}

// Querier implements storage.Queryable.
func (f *fleet) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: f.find}, nil
}

func (f *fleet) find(_ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var name string
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel {
			name = m.Value
		}
	}
	apart := scraped
	if strings.Contains(name, ":") {
		apart = kept
	}
	set, chunks := &found{at: -1}, map[*pattern]func(chunkenc.Iterator) chunkenc.Iterator{}
	for _, s := range f.series(name) {
		play, there := chunks[s.of]
		if !there {
			if matches(s.labels, matchers) {
				c, err := s.of.chunk(time.UnixMilli(hints.Start), time.UnixMilli(hints.End), apart)
				if err != nil {
					return storage.ErrSeriesSet(err)
				}
				play = c.Iterator
			}
			chunks[s.of] = play
		}
		if play != nil {
			set.all = append(set.all, &storage.SeriesEntry{Lset: s.labels, SampleIteratorFn: play})
		}
	}
	return set
}

// matches asks all matchers: no rule names a cluster or an instance, so that the first series of a
// pattern answers for all.
func matches(lset labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(lset.Get(m.Name)) {
			return false
		}
	}
	return true
}

// found is the series that were asked for.
type found struct {
	all []storage.Series
	at  int
}

func (s *found) Next() bool                        { s.at++; return s.at < len(s.all) }
func (s *found) At() storage.Series                { return s.all[s.at] }
func (s *found) Err() error                        { return nil }
func (s *found) Warnings() annotations.Annotations { return nil }
