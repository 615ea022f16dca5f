package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is what Linux counts processor time in for programs (USER_HZ).
const clockTick = time.Second / 100

// usage is processor time so far: of the whole machine, of this program and the
// servers that it has ended, and what the machine's host kept for others.
type usage struct{ machine, ours, stolen time.Duration }

// usageNow reads it; zero where the machine does not tell.
func usageNow() usage {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return usage{}
	}
	first, _, _ := strings.Cut(string(data), "\n")
	fields := strings.Fields(first) // cpu user nice system idle iowait irq softirq steal …
	if len(fields) < 9 {
		return usage{}
	}
	ticks := func(i int) time.Duration {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0
		}
		return time.Duration(n) * clockTick
	}
	return usage{
		machine: ticks(1) + ticks(2) + ticks(3) + ticks(6) + ticks(7),
		ours:    ownProcessor() + processorTime(syscall.RUSAGE_CHILDREN),
		stolen:  ticks(8),
	}
}

// elsewhere takes what other programs, and other machines on the same host, took of
// the processors while this one ran: much of it, and the figures say little.
func (b *bench) elsewhere() {
	now, took := usageNow(), time.Since(b.began).Seconds()
	if now == (usage{}) {
		return
	}
	others := (now.machine - b.before.machine) - (now.ours - b.before.ours)
	b.table.section("machine")
	b.figure(figure{name: "processors that other programs used meanwhile", value: max(0, others.Seconds()/took)})
	b.figure(figure{name: "processors that the machine was not given", value: (now.stolen - b.before.stolen).Seconds() / took})
}

// ownProcessor is the processor time of this process.
func ownProcessor() time.Duration { return processorTime(syscall.RUSAGE_SELF) }

func processorTime(who int) time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(who, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
