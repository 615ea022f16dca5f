package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/fettle-io/fettle/internal/durable"
)

// recordSize is a usual record's length, for what is written raw.
const recordSize = 600

// waiters is how many wait for the disk at once, for what is written in groups.
const waiters = 64

// machine prints what everything else depends on.
func (b *bench) machine(context.Context) error {
	b.say("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	for _, fact := range []struct{ file, key string }{{"/proc/sys/kernel/osrelease", ""}, {"/proc/cpuinfo", "model name"}, {"/proc/loadavg", ""}} {
		if data, err := os.ReadFile(fact.file); err == nil {
			b.say("%s: %s", filepath.Base(fact.file), line(string(data), fact.key))
		}
	}
	single, err := b.rawWrites(1)
	if err != nil {
		return err
	}
	b.figure(figure{name: "raw write+fdatasync of 600 bytes, one writer", value: single, unit: "records/s"})
	group, err := b.rawWrites(waiters)
	if err != nil {
		return err
	}
	b.figure(figure{name: "raw group commit of 600 bytes, 64 waiters", value: group, unit: "records/s"})
	return nil
}

// line is the first line of a file, or the value of the first line with key.
func line(text, key string) string {
	for l := range strings.Lines(text) {
		name, value, _ := strings.Cut(l, ":")
		switch {
		case key == "":
			return strings.TrimSpace(l)
		case strings.TrimSpace(name) == key:
			return strings.TrimSpace(value)
		}
	}
	return "not told"
}

// rawWrites is what the disk can do: that many goroutines each want a record
// durable, and one writes what has gathered with one write and one fdatasync. It
// returns records a second.
func (b *bench) rawWrites(waiting int) (rate float64, err error) {
	f, err := os.Create(filepath.Join(b.work, fmt.Sprintf("raw-%d", waiting)))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	record := bytes.Repeat([]byte{'a'}, recordSize)
	queue, done := make(chan chan error, waiting), make(chan struct{})
	var all sync.WaitGroup
	start := time.Now()
	lasts := b.lasts() / 2
	counts := make([]int, waiting)
	for i := range waiting {
		all.Go(func() {
			reply := make(chan error, 1)
			for time.Since(start) < lasts {
				queue <- reply
				if <-reply != nil {
					return
				}
				counts[i]++
			}
		})
	}
	go func() { all.Wait(); close(done) }()
	var group []byte
	var replies []chan error
	for {
		group, replies = group[:0], replies[:0]
		select {
		case <-done:
			sum := 0
			for _, n := range counts {
				sum += n
			}
			return float64(sum) / time.Since(start).Seconds(), err
		case r := <-queue:
			replies, group = append(replies, r), append(group, record...)
		}
		for more := true; more; {
			select {
			case r := <-queue:
				replies, group = append(replies, r), append(group, record...)
			default:
				more = false
			}
		}
		if _, err = f.Write(group); err == nil {
			err = durable.Datasync(f)
		}
		for _, r := range replies {
			r <- err
		}
	}
}
