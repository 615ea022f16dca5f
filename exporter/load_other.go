//go:build !linux

package exporter

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/shirou/gopsutil/v3/load"
)

// loadSource is nothing that is kept: gopsutil asks the kernel each time.
type loadSource struct{}

func newLoadSource(Host) loadSource { return loadSource{} }

func (c *loadCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	if runtime.GOOS == "windows" { // gopsutil would compute one from the time that it is asked on
		return fmt.Errorf("read load: Windows keeps no average: %w", errors.ErrUnsupported)
	}
	avg, err := load.AvgWithContext(ctx)
	if err != nil {
		return fmt.Errorf("read load: %w", err)
	}
	return c.tell([3]float64{avg.Load1, avg.Load5, avg.Load15}, emit)
}
