package main

import (
	"fmt"
	"io"
	"time"
)

// print writes both programs' figures and tells how many limits ours missed.
func (c comparison) print(w io.Writer, fettle, node figures) (missed int) {
	fmt.Fprintf(w, "\n%s\n%-16s %8s %10s %10s %10s %9s %8s\n", c.name, "", "series", "CPU/scrape", "median", "p99", "RSS MiB", "bytes")
	for _, p := range []struct {
		name string
		figures
	}{{"fettle_exporter", fettle}, {"node_exporter", node}} {
		fmt.Fprintf(w, "%-16s %8d %10s %10s %10s %9.1f %8d\n", p.name, p.series, micros(p.cpu), micros(p.median), micros(p.p99), float64(p.rss)/(1<<20), p.size)
	}
	return verdicts(w, c.limits(fettle, node))
}

// verdicts writes each value beside its limit, and tells how many are beyond.
func verdicts(w io.Writer, limits []held) (missed int) {
	for _, l := range limits {
		verdict := "ok"
		if l.value > l.limit {
			verdict = "MISSED"
			missed++
		}
		fmt.Fprintf(w, "  %-42s %6.3f  (at most %.3f) %s\n", l.name, l.value, l.limit, verdict)
	}
	return missed
}

func micros(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }

// held is a ratio that is held to a limit.
type held struct {
	name         string
	value, limit float64
}

func (c comparison) limits(fettle, node figures) []held {
	limits := []held{
		{"CPU time in that of node_exporter", ratio(fettle.cpu, node.cpu), c.cpu},
		// Fewer series would be cheaper.
		{"series of node_exporter in those of ours", ratio(node.series, fettle.series), 1.1},
	}
	if c.proc == "" { // memory and latency are promised of a usual host
		limits = append(limits,
			held{"RSS in that of node_exporter", ratio(fettle.rss, node.rss), 1},
			held{"p99 in the median of node_exporter", ratio(fettle.p99, node.median), 1})
	}
	return limits
}

func ratio[N ~int | ~int64](a, b N) float64 { return float64(a) / float64(b) }
