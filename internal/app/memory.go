package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// memoryLeast is the memory, in bytes, that fettle may use without collecting
	// garbage more often for it: what a storm of 100,000 alerts leaves open fits in.
	memoryLeast = 160 << 20
	// garbagePercent is how much the heap may grow between two collections while it is
	// small, in percent of what lives in it.
	garbagePercent = 200
	memoryEvery    = time.Second
)

// limitMemory keeps the heap near to what lives in it once there is much of it: a
// machine in trouble has little to spare. GOGC and GOMEMLIMIT in the environment go
// before it.
func limitMemory(context.Context) {
	if os.Getenv("GOMEMLIMIT") == "" {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		// Half as much again: with less, most of the time would go into collecting.
		debug.SetMemoryLimit(max(memoryLeast, int64(live[0].Value.Uint64())/2*3)) //nolint:gosec // far below 2^63
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}
