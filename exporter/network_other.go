//go:build !linux

package exporter

import (
	"context"
	"fmt"
	"runtime"

	"github.com/shirou/gopsutil/v3/net"
)

// networkSource is nothing that is kept: gopsutil asks the kernel each time.
type networkSource struct{}

func newNetworkSource(Host) networkSource { return networkSource{} }

// Collect tells the columns that gopsutil has.
func (c *networkCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	all, err := net.IOCountersWithContext(c.host.context(ctx), true)
	if err != nil {
		return fmt.Errorf("read network counters: %w", err)
	}
	devices := make([]networkFigures, len(all))
	for i, d := range all {
		devices[i] = networkFigures{
			name:     d.Name,
			received: [4]uint64{d.BytesRecv, d.PacketsRecv, d.Errin, d.Dropin},
			sent:     [4]uint64{d.BytesSent, d.PacketsSent, d.Errout, d.Dropout},
		}
	}
	return c.tell(runtime.GOOS, devices, emit)
}
