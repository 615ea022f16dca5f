//go:build faults

package faults

import (
	"flag"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/scorecard"
)

var soakFor = flag.Duration("soak", time.Minute, "how long TestSoak runs: make soak takes 20 minutes")

// slope is the growth a minute of values that are a minute apart, by least squares,
// and its standard error.
func slope(values []float64) (growth, err float64) {
	n := float64(len(values))
	if n < 3 {
		return 0, math.Inf(1)
	}
	var mx, my, xx, xy, rest float64
	for i, y := range values {
		mx, my = mx+float64(i)/n, my+y/n
	}
	for i, y := range values {
		dx := float64(i) - mx
		xx, xy = xx+dx*dx, xy+dx*(y-my)
	}
	growth = xy / xx
	for i, y := range values {
		off := y - my - growth*(float64(i)-mx)
		rest += off * off
	}
	return growth, math.Sqrt(rest / (n - 2) / xx)
}

func TestSlope(t *testing.T) {
	for _, c := range []struct {
		values      []float64
		growth, err float64
	}{
		{[]float64{7}, 0, math.Inf(1)}, {[]float64{3, 3, 3}, 0, 0}, {[]float64{1, 3, 5, 7}, 2, 0}, {[]float64{4, 0, 4, 0, 4}, 0, .8},
	} {
		growth, err := slope(c.values)
		if math.Abs(growth-c.growth) > 1e-9 || err != c.err && math.Abs(err-c.err) > 1e-2 {
			t.Errorf("%v: %v ± %v, want %v ± %v", c.values, growth, err, c.growth, c.err)
		}
	}
}

// A fleet that breaks all the time, the same alerts again and again, and a fettle that
// repairs: after a first half, in which it finds its size, resident memory (the least
// of each minute, which is after a collection) does not grow, as far as that can be
// told: a collector's size swings by more than an hour's leak.
func TestSoak(t *testing.T) {
	f := newFleet(t, 40)
	s := configure(t, f, options{settings: "settle: 10ms, cooldown: 0, attempts: 0, live_runs: 25"})
	s.start()
	var strangers []notice
	for i := range 200 {
		strangers = append(strangers, other(fmt.Sprint(i)))
	}
	begin, done := time.Now(), 0
	var least []float64 // MiB, by minute
	for last := -1; time.Since(begin) < *soakFor; {
		next := time.Now().Add(2 * time.Second)
		s.round(f, f.names[done%20:done%20+10])
		done += 10
		s.send(strangers...)
		mib := float64(s.kilobytes("VmRSS")) / 1024
		if minute := int(time.Since(begin).Minutes()); minute > last {
			last, least = minute, append(least, mib)
			t.Logf("minute %d: %d runs, %s", minute, done, s.vitals())
		}
		least[len(least)-1] = min(least[len(least)-1], mib)
		time.Sleep(time.Until(next))
	}
	settled := least[len(least)/2:]
	growth, unsure := slope(settled)
	growth, unsure = growth*60, unsure*60
	end := s.vitals()
	s.restarted(f, done)
	s.shutdown()
	s.verify()
	figure := fmt.Sprintf("%s, %d runs: resident memory %+.1f ± %.1f MiB an hour, by the least of each minute of the second half; at the end %s", *soakFor, done, growth, unsure, end)
	t.Log(figure)
	if !t.Failed() && len(settled) >= 10 {
		scorecard.Row(t, 20, figure) // also where it is missed
	}
	if growth-2*unsure >= 1 {
		t.Errorf("resident memory grows: %.1f", settled)
	}
}
