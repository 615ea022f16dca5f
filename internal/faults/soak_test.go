//go:build faults

package faults

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/scorecard"
)

var soakFor = flag.Duration("soak", time.Minute, "how long TestSoak runs: make soak takes 20 minutes")

// slope is the growth a minute of values that are a minute apart, by least squares.
func slope(values []float64) float64 {
	var sx, sy, sxx, sxy float64
	for i, y := range values {
		x := float64(i)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	n := float64(len(values))
	if d := n*sxx - sx*sx; d != 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}

func TestSlope(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{7}, 0}, {[]float64{3, 3, 3}, 0}, {[]float64{1, 3, 5, 7}, 2}, {[]float64{4, 0, 4, 0, 4}, 0}} {
		if got := slope(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

// A fleet that breaks all the time, the same alerts again and again, and a fettle that
// repairs: after a first quarter, in which it finds its size, resident memory (the
// least of each minute, which is after a collection) does not grow.
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
	settled := least[len(least)/4:]
	growth := slope(settled) * 60
	end := s.vitals()
	s.restarted(f, done)
	s.shutdown()
	s.verify()
	figure := fmt.Sprintf("%s, %d runs: resident memory %+.2f MiB an hour, by the least of each minute after the first quarter; at the end %s", *soakFor, done, growth, end)
	t.Log(figure)
	if len(settled) >= 10 {
		if growth >= 1 {
			t.Errorf("resident memory grows by %.2f MiB an hour: %.1f", growth, settled)
		} else if !t.Failed() {
			scorecard.Row(t, 20, figure)
		}
	}
}
