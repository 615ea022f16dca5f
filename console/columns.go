package console

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/promql"
)

const (
	columnsHeight = 160
	columnsMost   = 24
	seriesMost    = 8 // more are gathered under "others"
)

// columns are counts over time, one upon the other.
type columns struct {
	Width, Height int
	Columns       []column
	Names         []string // of the series, in order: the class of each is its index or its outcome
	Classes       []string
	Highest       string
	Step          string
}

type column struct {
	From   time.Time
	Counts []string // by Names
	Boxes  []box
}

type box struct {
	X, Y, Width, Height int
	Class, Says         string
}

// tally is counts in steps, by name.
type tally struct {
	from  time.Time
	step  time.Duration
	steps int
	of    map[string][]float64
}

func (t tally) add(name string, at time.Time, n float64) {
	i := int(at.Sub(t.from) / t.step)
	if at.Before(t.from) || i >= t.steps {
		return
	}
	if t.of[name] == nil {
		t.of[name] = make([]float64, t.steps)
	}
	t.of[name][i] += n
}

// newOutcomes counts ended runs by outcome, over the last day at most; nil: there are none.
func newOutcomes(runs []api.Run, now time.Time) *columns {
	oldest := now
	for _, r := range runs {
		if !r.Ended.IsZero() && now.Sub(r.Ended) < 24*time.Hour && r.Ended.Before(oldest) {
			oldest = r.Ended
		}
	}
	if oldest.Equal(now) {
		return nil
	}
	step := time.Minute
	for _, s := range []time.Duration{5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour} {
		if now.Sub(oldest) >= step*(columnsMost-1) {
			step = s
		}
	}
	end := now.Truncate(step).Add(step)
	t := tally{from: end.Add(-columnsMost * step), step: step, steps: columnsMost, of: map[string][]float64{}}
	for _, r := range runs {
		if !r.Ended.IsZero() {
			t.add(r.Outcome, r.Ended, 1)
		}
	}
	return t.draw()
}

// newAsked draws what Prometheus counted, named by labels; nil: nothing was.
func newAsked(series []promql.Series, asked time.Time, labels ...string) *columns {
	if asked.IsZero() {
		return nil
	}
	steps := int(rangeOver / rangeStep)
	to := asked.Truncate(time.Minute)
	t := tally{from: to.Add(-rangeOver), step: rangeStep, steps: steps, of: map[string][]float64{}}
	for _, s := range series {
		names := make([]string, 0, len(labels))
		for _, l := range labels {
			if v := s.Labels[l]; v != "" && !slices.Contains(names, v) {
				names = append(names, v)
			}
		}
		for _, v := range s.Values { // each counts the step before it
			if v.Value > 0 && !math.IsInf(v.Value, 0) {
				t.add(clipped(strings.Join(names, ": "), shortMost), v.At.Add(-rangeStep), v.Value)
			}
		}
	}
	return t.draw()
}

// gathered keeps the largest series and adds the others up.
func (t tally) gathered() []string {
	sums := map[string]float64{}
	for name, counts := range t.of {
		for _, n := range counts {
			sums[name] += n
		}
	}
	names := slices.SortedFunc(maps.Keys(t.of), func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b))
	})
	if len(names) <= seriesMost {
		return names
	}
	others := make([]float64, t.steps)
	for _, name := range names[seriesMost-1:] {
		for i, n := range t.of[name] {
			others[i] += n
		}
	}
	t.of["others"] = others
	return append(names[:seriesMost-1:seriesMost-1], "others")
}

func (t tally) draw() *columns {
	if len(t.of) == 0 {
		return nil
	}
	c := &columns{Width: drawWidth, Height: columnsHeight, Names: t.gathered(), Step: strings.TrimSuffix(t.step.String(), "0s")}
	highest := 0.0
	for i := range t.steps {
		sum := 0.0
		for _, name := range c.Names {
			sum += t.of[name][i]
		}
		highest = max(highest, sum)
	}
	c.Highest = count(highest)
	for i, name := range c.Names {
		c.Classes = append(c.Classes, classOf(name, i))
	}
	width := drawWidth / t.steps
	for i := range t.steps {
		col, y := column{From: t.from.Add(time.Duration(i) * t.step)}, float64(columnsHeight)
		for j, name := range c.Names {
			n := t.of[name][i]
			col.Counts = append(col.Counts, count(n))
			if n == 0 {
				continue
			}
			height := max(2, n/highest*(columnsHeight-4))
			y -= height
			col.Boxes = append(col.Boxes, box{
				X: i*width + 1, Y: int(y), Width: width - 2, Height: int(math.Ceil(height)), Class: c.Classes[j],
				Says: name + " " + count(n) + ", from " + when(col.From),
			})
		}
		c.Columns = append(c.Columns, col)
	}
	return c
}

// classOf is what a series is drawn as: an outcome as that outcome, else by its place.
func classOf(name string, i int) string {
	switch name {
	case "repaired", "noop", "observed", "blocked", "failed", "unknown":
		return name
	}
	return "series" + strconv.Itoa(i)
}

// count is a number of events: what Prometheus extrapolates is no whole number.
func count(n float64) string {
	if n == math.Trunc(n) {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'f', 1, 64)
}
