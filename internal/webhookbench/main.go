// Command webhookbench measures fettle's webhook, journal and engine on this
// machine, beside the peers that do a part of it, and prints each figure with its
// limit. It is what `make bench-webhook` runs; docs/benchmarks.md says how each
// figure is taken.
//
// Every server is a process of its own: `fettle serve` as it is shipped, or, where
// targets are looked at and repaired, the same program over a fake fleet
// (fakefleet). Whoever wants to read it begins with sections, then acknowledge.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// bench is one run of the whole.
type bench struct {
	short     bool
	root      string // fettle's source tree
	work      string // what the servers write; removed at the end
	fettle    string // the program under test
	fakefleet string
	profiles  string // where the fake fleet's profiles go; empty: none
	out       io.Writer
	table     table
	began     time.Time
	before    usage
	started   []*server
}

// section is one part of a run.
type section struct {
	name, about string
	run         func(*bench, context.Context) error
}

// sections are run in this order.
func sections() []section {
	return []section{
		{"machine", "what this machine can do", (*bench).machine},
		{"acknowledge", "durable acknowledgements", (*bench).acknowledge},
		{"peers", "the same POST at the peers", (*bench).peers},
		{"journal", "the journal beside raw write+fdatasync", (*bench).journal},
		{"apply", "from received to the first Apply", (*bench).apply},
		{"failures", "what goes wrong at the peers", (*bench).failures},
		{"storm", "100,000 alerts over 10,000 failing targets", (*bench).storm},
		{"million", "a million known fingerprints", (*bench).million},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	missed, err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "webhookbench:", err)
		os.Exit(1)
	case missed:
		os.Exit(1)
	}
}

// run is the program; missed tells that a figure is outside of its limit.
func run(ctx context.Context, args []string, out io.Writer) (missed bool, err error) {
	b := &bench{out: out, began: time.Now(), before: usageNow()}
	flags := flag.NewFlagSet("webhookbench", flag.ContinueOnError)
	flags.BoolVar(&b.short, "short", false, "one quick round of everything: the figures say little")
	flags.StringVar(&b.root, "root", ".", "fettle's source tree")
	flags.StringVar(&b.fettle, "fettle", "bin/fettle", "the fettle under test")
	flags.StringVar(&b.fakefleet, "fakefleet", ".cache/webhookbench/fakefleet", "the fake fleet")
	flags.StringVar(&b.profiles, "profiles", "", "keep the fake fleet's profiles in this folder")
	dir := flags.String("dir", ".cache/webhookbench", "where the journals are written: a disk, not memory")
	only := flags.String("only", "", "these sections alone, with commas: "+strings.Join(names(), ", "))
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	for _, path := range []*string{&b.root, &b.fettle, &b.fakefleet, dir} {
		if *path, err = filepath.Abs(*path); err != nil {
			return false, err
		}
	}
	if b.profiles != "" {
		if b.profiles, err = filepath.Abs(b.profiles); err != nil {
			return false, err
		}
		if err := os.MkdirAll(b.profiles, 0o700); err != nil {
			return false, err
		}
	}
	wanted, err := choose(*only)
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(*dir, 0o700); err != nil {
		return false, err
	}
	if b.work, err = os.MkdirTemp(*dir, "run-"); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.work)) }()
	for _, s := range wanted {
		fmt.Fprintf(out, "\n== %s: %s\n", s.name, s.about)
		b.table.section(s.name)
		if err := errors.Join(s.run(b, ctx), b.killStarted()); err != nil {
			if ctx.Err() != nil {
				return false, err
			}
			b.say("not finished: %s", err) // what the others measure is worth as much
			b.table.add(figure{name: "errors that ended it early", value: 1, limit: &limit{0, exactly}})
		}
	}
	fmt.Fprintln(out)
	b.elsewhere()
	fmt.Fprintf(out, "\n== all figures (after %s)\n", time.Since(b.began).Round(time.Second))
	return b.table.write(out), b.score(ctx)
}

func names() []string {
	var all []string
	for _, s := range sections() {
		all = append(all, s.name)
	}
	return all
}

// choose returns the sections of a list of names; empty: all.
func choose(list string) ([]section, error) {
	if list == "" {
		return sections(), nil
	}
	wanted := strings.Split(list, ",")
	for _, name := range wanted {
		if !slices.Contains(names(), name) {
			return nil, fmt.Errorf("no section %q: want one of %s", name, strings.Join(names(), ", "))
		}
	}
	return slices.DeleteFunc(sections(), func(s section) bool { return !slices.Contains(wanted, s.name) }), nil
}

// say prints one line of progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.out, "  %s\n", fmt.Sprintf(format, args...))
}

// figure takes one figure and prints it beside its limit.
func (b *bench) figure(f figure) {
	b.table.add(f)
	b.say("%s", f)
}

// rounds is how often a figure is taken; the median counts.
func (b *bench) rounds() int {
	if b.short {
		return 1
	}
	return 3
}

// lasts is how long one round lasts.
func (b *bench) lasts() time.Duration {
	if b.short {
		return 2 * time.Second
	}
	return 8 * time.Second
}
