package main

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// replayed is recorded series, played again and again: what a host did for some
// minutes it does for hours.
type replayed struct {
	series map[string][]storage.Series // by the metric's name
	start  time.Time
	end    time.Time

	recorded, played int // samples
}

// replay reads a recording and plays it often enough to last.
func replay(t *testing.T, path string, lasting time.Duration) replayed {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		t.Fatal(path, "is empty")
	}
	r := replayed{series: map[string][]storage.Series{}}
	head := strings.Fields(lines.Text())
	if len(head) != 4 {
		t.Fatalf("%s: %q", path, lines.Text())
	}
	var every time.Duration
	if r.start, err = time.Parse(time.RFC3339, head[1]); err == nil {
		every, err = time.ParseDuration(head[3])
	}
	if err != nil {
		t.Fatal(err)
	}
	r.end = r.start.Add(lasting)
	p := parser.NewParser(parser.Options{})
	for lines.Scan() {
		key, text, found := strings.Cut(lines.Text(), "} ")
		if !found {
			t.Fatalf("%s: %q", path, lines.Text())
		}
		lset, err := p.ParseMetric(key + "}")
		if err != nil {
			t.Fatal(err)
		}
		values, err := expand(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if !math.IsNaN(v) {
				r.recorded++
			}
		}
		name := lset.Get(model.MetricNameLabel)
		r.add(lset, looped(values, int(lasting/every)+1, counts(name)), every)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

// counts tells a counter by its name.
func counts(name string) bool {
	return strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "_sum")
}

// expand reads the values of a line.
func expand(text string) (values []float64, err error) {
	for field := range strings.FieldsSeq(text) {
		word, times, repeated := strings.Cut(field, "x")
		n := 1
		if repeated {
			if n, err = strconv.Atoi(times); err != nil {
				return nil, err
			}
			if word != "_" {
				n++
			}
		}
		value := math.NaN()
		if word != "_" {
			if value, err = strconv.ParseFloat(word, 64); err != nil {
				return nil, err
			}
		}
		values = append(values, slices.Repeat([]float64{value}, n)...)
	}
	return values, nil
}

// looped plays values again until there are n; a counter goes on from where it was.
func looped(values []float64, n int, counter bool) []float64 {
	out := make([]float64, 0, n)
	grown, each := 0.0, values[len(values)-1]-values[0]
	for i := 0; len(out) < n; i++ {
		if i == len(values) {
			i = 1 // its first value is the last one of the round before
			if counter && !math.IsNaN(each) {
				grown += each
			}
		}
		out = append(out, values[i%len(values)]+grown)
	}
	return out
}

func (r *replayed) add(lset labels.Labels, values []float64, every time.Duration) {
	var samples []chunks.Sample
	for i, v := range values {
		if !math.IsNaN(v) {
			samples = append(samples, point{at: r.start.Add(time.Duration(i) * every).UnixMilli(), value: v})
		}
	}
	r.played += len(samples)
	name := lset.Get(model.MetricNameLabel)
	r.series[name] = append(r.series[name], storage.NewListSeries(lset, samples))
}

// Querier implements storage.Queryable.
func (r *replayed) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		set := &found{at: -1}
		for name, all := range r.series {
			for _, s := range all {
				if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool {
					if m.Name == model.MetricNameLabel {
						return !m.Matches(name)
					}
					return !m.Matches(s.Labels().Get(m.Name))
				}) {
					set.all = append(set.all, s)
				}
			}
		}
		return set
	}}, nil
}

// query is what an expression gives, each 15 s from the beginning to the end.
func (r *replayed) query(t *testing.T, engine *promql.Engine, expr string, step time.Duration) promql.Matrix {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	q, err := engine.NewRangeQuery(ctx, r, nil, expr, r.start, r.end, step)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	matrix, err := q.Exec(ctx).Matrix()
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	out := make(promql.Matrix, len(matrix)) // Close takes the points back
	for i, s := range matrix {
		out[i] = promql.Series{Metric: s.Metric, Floats: slices.Clone(s.Floats)}
	}
	return out
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

// point is a float and nothing else.
type point struct {
	at    int64
	value float64
}

func (p point) T() int64                    { return p.at }
func (point) ST() int64                     { return 0 }
func (p point) F() float64                  { return p.value }
func (point) H() *histogram.Histogram       { return nil }
func (point) FH() *histogram.FloatHistogram { return nil }
func (point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (p point) Copy() chunks.Sample         { return p }

// What record writes replay reads, with holes and repetitions.
func TestNotation(t *testing.T) {
	r := recording{series: map[string][]float64{}, instance: "x", scrapes: 7, every: time.Second}
	hole := math.NaN()
	want := []float64{1, 1, 1, hole, hole, 2.5, 3}
	r.series[`a_total{instance="x"}`] = want
	path := filepath.Join(t.TempDir(), "r.txt")
	if err := os.WriteFile(path, r.text(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(r.text()), "} ")
	if text != "1x2 _x2 2.5 3\n" {
		t.Errorf("written as %q", text)
	}
	got, err := expand(text)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read as %v, %v", got, err)
	}
	if got := fmt.Sprint(looped([]float64{5, 6, 8}, 7, true)); got != "[5 6 8 9 11 12 14]" {
		t.Errorf("a counter goes on as %s", got)
	}
	if got := fmt.Sprint(looped([]float64{5, 6, 8}, 6, false)); got != "[5 6 8 6 8 6]" {
		t.Errorf("a gauge goes on as %s", got)
	}
	played := replay(t, path, 10*time.Second)
	if len(played.series["a_total"]) != 1 {
		t.Errorf("%v", played.series)
	}
}
