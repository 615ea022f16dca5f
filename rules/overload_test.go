package rules_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// machine is the load of a machine over four weeks: it follows the working hours, more
// each week, and has bursts that no day before had.
func machine(r *rand.Rand, busy bool) []float64 {
	base, height, growth := 0.15+0.1*r.Float64(), 0.25+0.05*r.Float64(), 0.0
	if busy {
		height, growth = 0.6+0.08*r.Float64(), 0.05
	}
	burst := r.IntN(backtest)
	out := make([]float64, backtest)
	for i := range out {
		day, hour := i/perDay, float64(i%perDay)/float64(perHour)
		level := height + growth*float64(day)/7
		if day%7 >= 5 {
			level /= 2
		}
		// A rise within an hour at nine, a fall at five: shifts, shops, reports.
		v := base + level/(1+math.Exp(-(hour-9)*5))/(1+math.Exp((hour-17)*5)) + 0.01*r.NormFloat64()
		if i >= burst && i < burst+perHour {
			v += 0.5
		}
		out[i] = min(1, max(0, v))
	}
	return out
}

// overloadRow runs the prediction from earlier days over generated machines.
func overloadRow(t *testing.T, table *strings.Builder) {
	t.Helper()
	const cpu, ahead = "instance:cpu_used:ratio5m", "instance:cpu_expected:ratio5m"
	r := rand.New(rand.NewPCG(16, 7))
	store := memoryStore{}
	var all [][]float64
	for i := range 4 * seeds {
		all = append(all, machine(r, i%2 == 0))
		store.add(cpu, fmt.Sprint(i), all[i])
	}
	for name, points := range values(t, store, recordingNamed(t, ahead), sample) {
		expected := make([]float64, backtest)
		for i := range expected {
			expected[i] = math.NaN()
		}
		for _, p := range points {
			expected[time.Duration(p.T)*time.Millisecond/sample] = p.F
		}
		store.add(ahead, name, expected)
	}
	fires := query(t, store, alertNamed(t, "FettleOverloadAhead").Expr, sample)
	foreseen, overloads, alarms, wolf := 0, 0, 0, 0
	var leads []time.Duration
	for i, load := range all {
		at := fires[fmt.Sprint(i)]
		over := 0
		for k := 9 * perDay; k < backtest; k++ { // the week that is needed is there
			if k+2 >= backtest || load[k]+load[k+1]+load[k+2] < 3*0.9 {
				continue
			}
			if k-over > 4*perHour { // a new overload
				overloads++
				for _, a := range at {
					if before := time.Duration(k)*sample - a; before > 0 && before <= 45*time.Minute {
						foreseen++
						leads = append(leads, before)
						break
					}
				}
			}
			over = k
		}
		for n, a := range at {
			if n > 0 && a-at[n-1] <= time.Hour {
				continue
			}
			alarms++
			from := int(a / sample)
			if slices.Max(load[from:min(from+perHour, backtest)]) < 0.85 {
				wolf++
			}
		}
	}
	slices.Sort(leads)
	if overloads < 20 || len(leads) == 0 || alarms == 0 {
		t.Fatalf("%d overloads, %d foreseen, %d alarms", overloads, foreseen, alarms)
	}
	fmt.Fprintf(table, "| [FettleOverloadAhead](alerts/FettleOverloadAhead.md) | %d of %d | %s | %s | %d of %d | |\n", foreseen, overloads,
		hours(leads[len(leads)/2]), hours(leads[0]), wolf, alarms)
	t.Logf("overload: %d of %d foreseen, median %s, shortest %s; %d of %d false", foreseen, overloads, leads[len(leads)/2], leads[0], wolf, alarms)
	if foreseen*10 < overloads*7 {
		t.Errorf("%d of %d overloads were foreseen, want seven in ten", foreseen, overloads)
	}
	if wolf*5 > alarms {
		t.Errorf("%d of %d alarms were false, want at most one in five", wolf, alarms)
	}
	if median := leads[len(leads)/2]; median < 10*time.Minute {
		t.Errorf("half of the warnings came less than %s before", median)
	}
}

func recordingNamed(t *testing.T, name string) string {
	t.Helper()
	for _, file := range read(t) {
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				if rule.Record == name {
					return rule.Expr
				}
			}
		}
	}
	t.Fatalf("nothing records %s", name)
	return ""
}
