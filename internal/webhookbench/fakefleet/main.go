// Command fakefleet is `fettle serve` over a fake fleet: the same program but for
// one more action, fake-restart, whose targets exist in this process only, and for
// a look at the whole inventory that asks them. For benches: journal, webhook,
// engine, guards and API are the shipped ones.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/app"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fakefleet:", err)
		os.Exit(1)
	}
}

type options struct {
	config, applies, processor, heap string
	failing                          int
	stuck                            bool
}

func run(ctx context.Context, args []string) (err error) {
	var o options
	flags := flag.NewFlagSet("fakefleet", flag.ContinueOnError)
	flags.StringVar(&o.config, "config.file", "", "fettle.yml")
	flags.IntVar(&o.failing, "failing", 0, "how many targets fail: the first ones")
	flags.BoolVar(&o.stuck, "stuck", false, "an Apply fails, and changes nothing")
	flags.StringVar(&o.applies, "applies", "", "at the end, write here when each Apply began: a line with the target and Unix nanoseconds")
	flags.StringVar(&o.processor, "cpuprofile", "", "write a profile of the processor time here")
	flags.StringVar(&o.heap, "heapprofile", "", "at SIGUSR1 and at the end, write a profile of the memory here")
	if err := flags.Parse(args); err != nil {
		return err
	}
	clock, err := journal.SystemClock()
	if err != nil {
		return fmt.Errorf("read the clocks: %w", err)
	}
	f := newFleet(clock, o.failing, o.stuck)
	a, err := app.New(ctx, app.Options{
		ConfigFile: o.config, Version: "fakefleet", Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Actions: func(table map[string]repair.ActionSpec) map[string]repair.ActionSpec {
			table = maps.Clone(table)
			table[actionName] = repair.ActionSpec{
				Name: actionName, Sees: schema, Kind: cluster.KindService, Does: repair.Takes,
				Disturbs: cluster.DisturbsUnit, Action: f,
			}
			return table
		},
		Survey: f.survey,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Stop(), o.writeApplies(f)) }()
	profiled, err := o.profile()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, profiled()) }()
	usr := make(chan os.Signal, 1)
	signal.Notify(usr, syscall.SIGUSR1)
	defer signal.Stop(usr)
	a.Start()
	for {
		select {
		case <-usr:
			if err := o.writeHeap(); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// profile begins to profile the processor time; stop ends that.
func (o options) profile() (stop func() error, err error) {
	if o.processor == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(o.processor)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return errors.Join(f.Close(), o.writeHeap())
	}, nil
}

func (o options) writeHeap() error {
	if o.heap == "" {
		return nil
	}
	f, err := os.Create(o.heap)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
}

func (o options) writeApplies(f *fleet) error {
	if o.applies == "" {
		return nil
	}
	return os.WriteFile(o.applies, f.applied(), 0o600)
}
