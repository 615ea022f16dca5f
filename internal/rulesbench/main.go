// Command rulesbench measures what the rules cost Prometheus where there are
// 10,000 instances: its own engine evaluates every group over generated series,
// on two processors, and each group has to take less than a tenth of its
// interval.
//
// Every instance has all series of a recorded host, and one of every other metric
// that a rule names, whatever system it is of: more than any real machine. The
// samples are decoded from chunks as Prometheus keeps them, 15 s apart, what is
// recorded each five minutes; finding the series in an index and writing down the
// results is not measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/fettle-io/fettle/rules"
)

const (
	share         = 0.1              // of its interval, which a group may take
	usualInterval = 15 * time.Second // of a group that has none of its own
	rounds        = 3
)

var errMissed = errors.New("a group takes more than a tenth of its interval")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "rulesbench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	instances := flag.Int("instances", 10000, "how many machines there are")
	catalogue := flag.String("metrics", "rules/testdata/metrics.txt", "the list of metrics")
	recorded := flag.String("recording", "rules/testdata/healthy/busy.txt", "the recorded host")
	only := flag.String("group", "", "the one `GROUP` to measure, instead of all")
	limit := flag.Duration("limit", time.Hour, "how long it may take: 10,000 machines on two idle processors take a few minutes")
	flag.Parse()
	runtime.GOMAXPROCS(2)
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	groups, err := groups()
	if err != nil {
		return err
	}
	f, err := newFleet(*instances, *catalogue, *recorded, groups)
	if err != nil {
		return err
	}
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1 << 30, Timeout: 5 * time.Minute, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{}),
	})
	defer engine.Close() //nolint:errcheck // it has nothing to write
	fmt.Printf("%d instances\n%-24s %5s %9s %9s %9s %8s  %s\n", *instances, "group", "rules", "interval", "took", "cpu", "limit", "")
	missed, busy, series := false, 0.0, 0
	for i, g := range groups {
		if *only != "" && g.Name != *only {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: group %d of %d, %s\n", time.Since(began).Round(time.Second), i+1, len(groups), g.Name)
		interval := time.Duration(g.Interval)
		if interval == 0 {
			interval = usualInterval
		}
		took, cpu, err := f.measure(ctx, engine, g)
		if err != nil {
			return err
		}
		allowed := time.Duration(share * float64(interval))
		verdict := "ok"
		// On a machine that does something else beside, the time that passes says nothing of the rules.
		if min(took, cpu) > allowed {
			verdict, missed = "MISSED", true
		}
		busy += cpu.Seconds() / interval.Seconds()
		fmt.Printf("%-24s %5d %9s %9s %9s %8s  %s\n", g.Name, len(g.Rules), interval, took.Round(time.Millisecond), cpu.Round(time.Millisecond), allowed, verdict)
	}
	for _, all := range f.built {
		series += len(all)
	}
	fmt.Printf("all groups together: %.2f processors of 2; %d series read; measured in %s\n", busy, series, time.Since(began).Round(time.Second))
	if missed {
		return errMissed
	}
	return nil
}

// groups are the shipped ones.
func groups() (all []rulefmt.RuleGroup, err error) {
	names, err := rules.List()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		content, err := fs.ReadFile(rules.FS(), name)
		if err != nil {
			return nil, err
		}
		file, errs := rulefmt.Parse(content, false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		if len(errs) > 0 {
			return nil, errors.Join(errs...)
		}
		all = append(all, file.Groups...)
	}
	return all, nil
}

// measure evaluates a group as Prometheus does, rule by rule: once for the series to
// be made, and then for the medians of the time that passed and of the processor's.
func (f *fleet) measure(ctx context.Context, engine *promql.Engine, g rulefmt.RuleGroup) (took, cpu time.Duration, err error) {
	var passed, used []time.Duration
	for i := range rounds + 1 {
		runtime.GC()
		start, spent := time.Now(), processor()
		for _, rule := range g.Rules {
			q, err := engine.NewInstantQuery(ctx, f, nil, rule.Expr, f.now)
			if err != nil {
				return 0, 0, fmt.Errorf("%s%s: %w", rule.Alert, rule.Record, err)
			}
			result := q.Exec(ctx)
			q.Close()
			if result.Err != nil {
				return 0, 0, fmt.Errorf("%s%s: %w", rule.Alert, rule.Record, result.Err)
			}
		}
		if i > 0 {
			passed, used = append(passed, time.Since(start)), append(used, processor()-spent)
		}
	}
	slices.Sort(passed)
	slices.Sort(used)
	return passed[rounds/2], used[rounds/2], nil
}

// processor is the time that this process has had of all processors.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
