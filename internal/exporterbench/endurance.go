package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// kept is what a program holds after so many scrapes.
type kept struct {
	scrapes                 int
	rss                     int64 // bytes
	descriptors, goroutines int
}

// endurance scrapes ours again and again, everything that it tells by default, and looks
// at the marks (numbers of scrapes, ascending) at what it holds. A program that has its
// buffers holds no more after any further number of scrapes.
type endurance struct {
	name  string
	gzip  bool
	marks []int
}

// marksUpTo are the powers of ten from 1,000, and the end.
func marksUpTo(end int) []int {
	var marks []int
	for n := 1000; n < end; n *= 10 {
		marks = append(marks, n)
	}
	return append(marks, end)
}

func (e endurance) run(ctx context.Context, ours string) ([]kept, error) {
	p, err := start(ctx, []string{ours, "--config.file=" + os.DevNull, "--log.level=error"})
	if err != nil {
		return nil, err
	}
	defer p.stop()
	all := make([]kept, 0, len(e.marks))
	scrapes := 0
	for _, mark := range e.marks {
		for ; scrapes < mark; scrapes++ {
			if err := p.scrape(ctx, e.gzip); err != nil {
				return all, err
			}
		}
		k, err := p.kept(ctx)
		if err != nil {
			return all, err
		}
		k.scrapes = mark
		all = append(all, k)
	}
	return all, nil
}

// kept is what the program holds now.
func (p *program) kept(ctx context.Context) (k kept, err error) {
	if k.rss, err = p.rss(); err != nil {
		return k, err
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		return k, err
	}
	k.descriptors = len(open)
	if err := p.scrape(ctx, false); err != nil {
		return k, err
	}
	for line := range strings.Lines(string(p.body)) {
		if value, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			k.goroutines, err = strconv.Atoi(strings.TrimSpace(value))
			return k, err
		}
	}
	return k, fmt.Errorf("%s: no go_goroutines", p.url)
}

// print writes what was held at each mark, and tells how many of the limits the last of
// them missed. What it is compared with is the mark before, since a few buffers find
// their size within the first scrapes.
func (e endurance) print(w io.Writer, all []kept) (missed int) {
	fmt.Fprintf(w, "\n%s\n%-16s %9s %12s %11s\n", e.name, "", "RSS MiB", "descriptors", "goroutines")
	for _, k := range all {
		fmt.Fprintf(w, "%-16s %9.1f %12d %11d\n", strconv.Itoa(k.scrapes)+" scrapes", float64(k.rss)/(1<<20), k.descriptors, k.goroutines)
	}
	if len(all) < 2 {
		return 0
	}
	last := all[len(all)-1]
	before := slices.MaxFunc(all[:len(all)-1], func(a, b kept) int { return int(a.rss - b.rss) })
	first := all[0]
	return verdicts(w, []held{
		{"RSS in what it was at most before", ratio(last.rss, before.rss), 1.05},
		{"descriptors in those at first", ratio(last.descriptors, first.descriptors), 1},
		{"goroutines in those at first", ratio(last.goroutines, first.goroutines), 1},
	})
}
