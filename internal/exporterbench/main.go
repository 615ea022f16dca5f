// Command exporterbench measures fettle_exporter beside node_exporter: the same
// families of the same machine, scraped in turns, and the CPU time that each scrape
// cost. It prints every figure beside its limit and exits 1 if one is missed.
//
// measure.go starts the programs and scrapes them, machine.go makes up a big host,
// hung_linux.go lets a mount hang under both, endurance.go scrapes ours 100,000 times,
// table.go judges. Absolute figures are the machine's; the limits are ratios.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ours := flag.String("fettle_exporter", "bin/fettle_exporter", "the program of ours")
	theirs := flag.String("node_exporter", ".cache/bin/node_exporter", "the program that it is compared with")
	rounds := flag.Int("rounds", 5, "rounds of each measurement, of which the median counts")
	scrapes := flag.Int("scrapes", 500, "scrapes in a round")
	many := flag.Int("endurance", 100_000, "scrapes after which nothing may have grown; 0: not measured")
	flag.Parse()
	missed, err := bench(ctx, *ours, *theirs, *rounds, *scrapes, *many)
	if err != nil {
		fmt.Fprintf(os.Stderr, "exporterbench: %v\n", err)
		return 1
	}
	if missed > 0 {
		fmt.Printf("%d limits missed\n", missed)
		return 1
	}
	return 0
}

func bench(ctx context.Context, ours, theirs string, rounds, scrapes, many int) (missed int, err error) {
	dir, err := os.MkdirTemp("", "exporterbench")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	big := filepath.Join(dir, "proc")
	if err := writeProc(big, machine{cpus: 128, devices: 200, disks: 40}); err != nil {
		return 0, err
	}
	for _, c := range []comparison{
		{name: "this machine, plain text", cpu: 1.0 / 3},
		{name: "this machine, gzip", gzip: true, cpu: 0.40},
		{name: "128 CPUs, 200 interfaces, 40 disks, plain text", proc: big, cpu: 1.0 / 4},
	} {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
		defer cancel()
		fettle, node, err := c.run(ctx, ours, theirs, rounds, scrapes)
		if err != nil {
			return missed, fmt.Errorf("%s: %w", c.name, err)
		}
		missed += c.print(os.Stdout, fettle, node)
	}
	found, err := hungMount(ctx, os.Stdout, dir, ours, theirs)
	if err != nil {
		return missed, fmt.Errorf("a mount that hangs: %w", err)
	}
	missed += found
	for _, e := range []endurance{{name: "many scrapes, plain text"}, {name: "many scrapes, gzip", gzip: true}} {
		if many == 0 {
			break
		}
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		e.marks = marksUpTo(many)
		all, err := e.run(ctx, ours)
		if err != nil {
			return missed, fmt.Errorf("%s: %w", e.name, err)
		}
		missed += e.print(os.Stdout, all)
	}
	return missed, nil
}
