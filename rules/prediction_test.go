package rules_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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

// A prediction is run over four weeks of series of which it is known whether they end
// at the limit, and when. The recordings of five minutes are generated, the alerts are
// the shipped ones, evaluated by Prometheus' own engine.
const (
	weeks    = 4
	sample   = 5 * time.Minute
	perHour  = 12
	perDay   = 24 * perHour
	backtest = weeks * 7 * perDay // samples
)

// past is one generated series, and what there was to predict in it.
type past struct {
	kind   string
	values []float64
	full   int // the sample at which the limit is reached; 0: never
}

// shape makes the level at each sample; speed is how many samples a growth takes that
// the alert is made for.
type shape func(r *rand.Rand, speed int) (level func(i int) float64, grows int)

// still is a level that goes nowhere.
func still(r *rand.Rand, _ int) (func(int) float64, int) {
	base := 0.4 + 0.45*r.Float64()
	return func(int) float64 { return base }, 0
}

// saw rises and falls back with a period: log rotation, compaction, a cleaning.
func saw(period int, height float64) shape {
	return func(r *rand.Rand, _ int) (func(int) float64, int) {
		base, phase := 0.5+0.15*r.Float64(), r.IntN(period)
		return func(i int) float64 { return base + height*float64((i+phase)%period)/float64(period) }, 0
	}
}

// weekly rises on five days and is cleaned on the weekend.
func weekly(r *rand.Rand, _ int) (func(int) float64, int) {
	base, daily := 0.42+0.06*r.Float64(), 0.06+0.03*r.Float64()
	return func(i int) float64 {
		day := float64(i%(7*perDay)) / float64(perDay)
		return base + daily*min(day, 5)*min(1, max(0, (6-day)*4))
	}, 0
}

// daily follows the working hours.
func daily(r *rand.Rand, _ int) (func(int) float64, int) {
	base, height := 0.5+0.05*r.Float64(), 0.15+0.1*r.Float64()
	return func(i int) float64 {
		height := height
		if i/perDay%7 >= 5 {
			height /= 3
		}
		return base - height*math.Cos(2*math.Pi*float64(i%perDay)/float64(perDay))
	}, 0
}

// steps are copies of something large.
func steps(n int) shape {
	return func(r *rand.Rand, speed int) (func(int) float64, int) {
		base, at := 0.4+0.1*r.Float64(), 8*perDay+r.IntN(4*perDay)
		return func(i int) float64 {
			level := base
			for k := range n {
				if i > at+k*speed/2 {
					level += 0.35 / float64(n)
				}
			}
			return level
		}, 0
	}
}

// plateau is a cache that fills and then stays.
func plateau(r *rand.Rand, speed int) (func(int) float64, int) {
	at, to := 9*perDay+r.IntN(3*perDay), 0.3+0.1*r.Float64()
	return func(i int) float64 {
		if i < at {
			return 0.45
		}
		return 0.45 + to*(1-math.Exp(-float64(i-at)/float64(speed)*4))
	}, 0
}

// restarted leaks, and is restarted with each deployment.
func restarted(r *rand.Rand, speed int) (func(int) float64, int) {
	period, phase := speed/4+r.IntN(speed/4), r.IntN(speed)
	return func(i int) float64 { return 0.45 + 0.4*float64((i+phase)%period)/float64(period) }, 0
}

// leak grows without end from some day on, on top of another shape.
func leak(of shape) shape {
	return func(r *rand.Rand, speed int) (func(int) float64, int) {
		level, _ := of(r, speed)
		at, takes := 8*perDay+r.IntN(3*perDay), float64(speed)*(0.8+1.2*r.Float64())
		first := level(at)
		return func(i int) float64 {
			return 0.35/first*level(i) + 0.65*max(0, float64(i-at))/takes
		}, at
	}
}

func small(of shape, height float64) shape {
	return func(r *rand.Rand, speed int) (func(int) float64, int) {
		level, _ := of(r, speed)
		return func(i int) float64 { return 0.5 + (level(i)-0.5)*height }, 0
	}
}

func generate(r *rand.Rand, kind string, s shape, speed int) past {
	level, grows := s(r, speed)
	p := past{kind: kind}
	for i := range backtest {
		v := level(i) + 0.004*r.NormFloat64()
		if v >= 1 && grows > 0 {
			p.full = i
			break
		}
		p.values = append(p.values, min(1, max(0, v)))
	}
	return p
}

// predictions are the alerts that are run, with how long their growth takes, and how
// well they have to do.
func predictions() []prediction {
	return []prediction{
		{alert: "FettleFilesystemFullInDays", metric: "instance_filesystem:space_used:ratio5m", speed: 8 * perDay, step: 2 * time.Hour, lead: 24 * time.Hour},
		{alert: "FettleMemoryLeaking", metric: "instance:memory_used:ratio5m", speed: 6 * perDay, step: 2 * time.Hour, lead: 24 * time.Hour},
		{alert: "FettleRaftDatabaseFilling", metric: "member:database_used:ratio5m", speed: 3 * perDay, step: time.Hour, lead: 6 * time.Hour},
		{alert: "FettleConnectionsRunningOut", metric: "member:connections_used:ratio5m", speed: 16 * perHour, step: 30 * time.Minute, lead: time.Hour},
	}
}

type prediction struct {
	alert, metric string
	speed         int
	step          time.Duration
	lead          time.Duration // the median has to be at least this
}

// each kind with its shape, in order; those that grow are to be predicted.
func kinds() []struct {
	name string
	shape
} {
	return []struct {
		name string
		shape
	}{
		{"leak", leak(still)},
		{"leak under a daily load", leak(small(daily, 0.3))},
		{"leak under log rotation", leak(small(saw(perDay, 0.3), 0.5))},
		{"steady", still},
		{"sawtooth of an hour", saw(perHour, 0.3)},
		{"sawtooth of a day", saw(perDay, 0.3)},
		{"weekly cycle", weekly},
		{"daily load", daily},
		{"one large copy", steps(1)},
		{"three copies", steps(3)},
		{"cache that fills", plateau},
		{"restarted with each deployment", restarted},
	}
}

const seeds = 6

// TestBacktest holds how often each prediction is right, how often it cries wolf, and
// how early it is, and prints that into docs/prediction.md.
func TestBacktest(t *testing.T) {
	var table strings.Builder
	table.WriteString("\n| alert | foreseen | median warning | shortest | false alarms | of them in |\n|---|---|---|---|---|---|\n")
	for _, p := range predictions() {
		r := rand.New(rand.NewPCG(16, uint64(p.speed)))
		var all []past
		for _, k := range kinds() {
			for range seeds {
				all = append(all, generate(r, k.name, k.shape, p.speed))
			}
		}
		hits, ends, alarms, calm := 0, 0, 0, 0
		var leads []time.Duration
		wrong := map[string]int{}
		for i, firing := range p.run(t, all) {
			switch full := all[i].full; {
			case full > 0:
				ends++
				if len(firing) > 0 {
					hits++
					leads = append(leads, time.Duration(full)*sample-firing[0])
				}
			default:
				calm++
				if len(firing) > 0 {
					alarms++
					wrong[all[i].kind]++
				}
			}
		}
		slices.Sort(leads)
		var where []string
		for _, k := range kinds() {
			if n := wrong[k.name]; n > 0 {
				where = append(where, fmt.Sprintf("%s (%d)", k.name, n))
			}
		}
		if ends == 0 || calm == 0 || len(leads) == 0 {
			t.Fatalf("%s: %d series end at the limit, %d do not, %d were foreseen", p.alert, ends, calm, len(leads))
		}
		fmt.Fprintf(&table, "| [%[1]s](alerts/%[1]s.md) | %d of %d | %s | %s | %d of %d | %s |\n", p.alert, hits, ends,
			hours(leads[len(leads)/2]), hours(leads[0]), alarms, calm, strings.Join(where, ", "))
		t.Logf("%s: %d of %d foreseen, median %s, shortest %s; %d of %d false: %v", p.alert, hits, ends, leads[len(leads)/2], leads[0], alarms, calm, where)
		if hits*10 < ends*9 {
			t.Errorf("%s: %d of %d were foreseen, want nine in ten", p.alert, hits, ends)
		}
		if alarms*20 > calm {
			t.Errorf("%s: %d false alarms in %d series, want at most one in twenty: %v", p.alert, alarms, calm, where)
		}
		if median := leads[len(leads)/2]; median < p.lead {
			t.Errorf("%s: half of the warnings came less than %s before the end, want %s", p.alert, median, p.lead)
		}
	}
	overloadRow(t, &table)
	generated(t, "../prediction.md", table.String()+"\n")
}

func hours(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	}
	if d < 2*time.Hour {
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

// run evaluates the alert over all series and returns when each fires, after its `for`.
func (p prediction) run(t *testing.T, all []past) [][]time.Duration {
	t.Helper()
	store := memoryStore{}
	for i, one := range all {
		store.add(p.metric, fmt.Sprint(i), one.values)
	}
	a := alertNamed(t, p.alert)
	out := make([][]time.Duration, len(all))
	for name, at := range query(t, store, a.Expr, p.step) {
		var i int
		if _, err := fmt.Sscan(name, &i); err != nil {
			t.Fatal(err)
		}
		out[i] = held(at, p.step, time.Duration(a.For))
	}
	return out
}

// Inodes are predicted as space is: what is measured of the one holds for the other.
func TestInodesArePredictedAsSpaceIs(t *testing.T) {
	space, inodes := alertNamed(t, "FettleFilesystemFullInDays"), alertNamed(t, "FettleInodesRunningOut")
	if got := strings.ReplaceAll(inodes.Expr, "inodes_used", "space_used"); got != space.Expr || inodes.For != space.For {
		t.Errorf("got\n%s\nwant\n%s", got, space.Expr)
	}
}

// held are the times at which what was true at these times has been so for that long.
func held(at []time.Duration, step, long time.Duration) (firing []time.Duration) {
	since := time.Duration(0)
	for i, now := range at {
		if i == 0 || now-at[i-1] > step {
			since = now
		}
		if now-since >= long {
			firing = append(firing, now)
		}
	}
	return firing
}

func alertNamed(t *testing.T, name string) located {
	t.Helper()
	for _, a := range alerts(t) {
		if a.Alert == name {
			return a
		}
	}
	t.Fatalf("there is no %s", name)
	return located{}
}

// memoryStore is series by their metric's name.
type memoryStore map[string][]storage.Series

func (m memoryStore) add(metric, name string, values []float64) {
	samples := make([]chunks.Sample, len(values))
	for i, v := range values {
		samples[i] = point{at: int64(i) * sample.Milliseconds(), value: v}
	}
	m[metric] = append(m[metric], storage.NewListSeries(labels.FromStrings(model.MetricNameLabel, metric, "series", name), samples))
}

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

// Querier implements storage.Queryable.
func (m memoryStore) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		for _, one := range matchers {
			if one.Name == model.MetricNameLabel {
				return &seriesSet{all: m[one.Value], at: -1}
			}
		}
		return storage.EmptySeriesSet()
	}}, nil
}

type seriesSet struct {
	all []storage.Series
	at  int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.all) }
func (s *seriesSet) At() storage.Series                { return s.all[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// query returns at which times since the beginning an expression has a value, by series.
func query(t *testing.T, store memoryStore, expr string, step time.Duration) map[string][]time.Duration {
	t.Helper()
	out := map[string][]time.Duration{}
	for name, points := range values(t, store, expr, step) {
		for _, p := range points {
			out[name] = append(out[name], time.Duration(p.T)*time.Millisecond)
		}
	}
	return out
}

func values(t *testing.T, store memoryStore, expr string, step time.Duration) map[string][]promql.FPoint {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 200e6, Timeout: 5 * time.Minute, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{}),
	})
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	q, err := engine.NewRangeQuery(context.Background(), store, nil, expr, time.UnixMilli(0).Add(2*24*time.Hour), time.UnixMilli(0).Add((backtest-1)*sample), step)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	matrix, err := q.Exec(t.Context()).Matrix()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]promql.FPoint{}
	for _, s := range matrix {
		out[s.Metric.Get("series")] = slices.Clone(s.Floats)
	}
	return out
}
