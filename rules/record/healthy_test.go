package main

import (
	"io/fs"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/fettle-io/fettle/rules"
)

const (
	lasting = 2 * time.Hour // longer than any "for"
	step    = 30 * time.Second
)

// A host that is well raises nothing that wakes anybody, idle or busy: each
// recording of one, played for two hours, is put before every alert over machines
// and clusters. Those over fettle itself and what watches it are left out, which
// were not recorded.
func TestHealthyHostsYieldNoWarning(t *testing.T) {
	paths, err := filepath.Glob("../testdata/healthy/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"idle", "busy", "working"} {
		if !slices.Contains(paths, "../testdata/healthy/"+want+".txt") {
			t.Errorf("there is no recording of one that is %s: %v", want, paths)
		}
	}
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{})})
	defer engine.Close() //nolint:errcheck // it has nothing to write
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			host := replay(t, path, lasting)
			recorded, played := host.recorded, host.played
			asked, seen := 0, []string{}
			groups := ruleGroups(t)
			for _, g := range groups {
				for _, rule := range g.Rules {
					if rule.Record != "" {
						host.record(t, engine, rule)
					}
				}
			}
			for _, g := range groups {
				for _, rule := range g.Rules {
					if rule.Alert == "" {
						continue
					}
					asked++
					for _, s := range firing(host.query(t, engine, rule.Expr, step), time.Duration(rule.For)) {
						seen = append(seen, rule.Alert)
						if rule.Labels["severity"] != "info" {
							t.Errorf("%s (%s) fires on a healthy host: %s", rule.Alert, rule.Labels["severity"], s)
						}
					}
				}
			}
			t.Logf("%d samples of %d metrics, played for %s as %d; %d alerts asked; info: %v", recorded, len(host.series), lasting, played, asked, slices.Compact(seen))
			if asked < 80 || recorded < 50_000 {
				t.Errorf("only %d alerts over %d samples", asked, recorded)
			}
		})
	}
}

// The replay sees a host that is not well: the same one with its memory gone, for
// as long as the alert waits and no shorter.
func TestReplaySeesWhatIsWrong(t *testing.T) {
	host := replay(t, "../testdata/healthy/busy.txt", lasting)
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{})})
	defer engine.Close() //nolint:errcheck // it has nothing to write
	n := int(lasting/step) + 1
	for instance, low := range map[string]int{"ill": 30, "briefly": 4} {
		available := slices.Repeat([]float64{90}, n)
		for i := range low {
			available[100+i] = 10
		}
		for name, values := range map[string][]float64{"fettle_node_memory_available_bytes": available, "fettle_node_memory_total_bytes": slices.Repeat([]float64{100}, n)} {
			host.add(labels.FromStrings(model.MetricNameLabel, name, "instance", instance), values, step)
		}
	}
	for _, g := range ruleGroups(t) {
		for _, rule := range g.Rules {
			if rule.Alert != "FettleMemoryHigh" {
				continue
			}
			got := firing(host.query(t, engine, rule.Expr, step), time.Duration(rule.For))
			if len(got) != 1 || got[0].Get("instance") != "ill" {
				t.Errorf("it sees %v", got)
			}
			return
		}
	}
	t.Error("there is no FettleMemoryHigh")
}

// ruleGroups are those over what was recorded.
func ruleGroups(t *testing.T) (all []rulefmt.RuleGroup) {
	t.Helper()
	names, err := rules.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if slices.Contains([]string{"fettle.rules.yml", "stages.rules.yml", "monitors.rules.yml"}, name) {
			continue
		}
		content, err := fs.ReadFile(rules.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		file, errs := rulefmt.Parse(content, false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		all = append(all, file.Groups...)
	}
	return all
}

// record adds what a recording rule makes.
func (r *replayed) record(t *testing.T, engine *promql.Engine, rule rulefmt.Rule) {
	t.Helper()
	for _, s := range r.query(t, engine, rule.Expr, step) {
		b := labels.NewBuilder(s.Metric).Set(model.MetricNameLabel, rule.Record)
		for name, value := range rule.Labels {
			b.Set(name, value)
		}
		values := make([]float64, int(r.end.Sub(r.start)/step)+1)
		for i := range values {
			values[i] = math.NaN()
		}
		for _, p := range s.Floats {
			values[time.UnixMilli(p.T).Sub(r.start)/step] = p.F
		}
		r.add(b.Labels(), values, step)
	}
}

// firing returns the series that are there without a break for as long as "for" says.
func firing(matrix promql.Matrix, lasts time.Duration) (series []labels.Labels) {
	for _, s := range matrix {
		from := s.Floats[0].T
		for i, p := range s.Floats {
			if i > 0 && p.T-s.Floats[i-1].T > step.Milliseconds() {
				from = p.T
			}
			if time.Duration(p.T-from)*time.Millisecond >= lasts {
				series = append(series, s.Metric)
				break
			}
		}
	}
	return series
}
