//go:build !linux

package exporter

import (
	"context"
	"errors"
	"fmt"

	"github.com/shirou/gopsutil/v3/net"
)

// networkSource is nothing that is kept: gopsutil asks the kernel each time.
type networkSource struct{}

func newNetworkSource(Host) networkSource { return networkSource{} }

// Collect tells the columns that gopsutil has.
func (c *networkCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	devices, err := net.IOCountersWithContext(c.host.context(ctx), true)
	if err != nil {
		return fmt.Errorf("read network counters: %w", err)
	}
	if len(devices) == 0 { // not even the loopback
		return errors.New("read network counters: no device")
	}
	for _, d := range devices {
		if c.skip.MatchString(d.Name) {
			continue
		}
		for i, v := range []uint64{d.BytesRecv, d.PacketsRecv, d.Errin, d.Dropin} {
			emit(c.columns[i], float64(v), d.Name)
		}
		for i, v := range []uint64{d.BytesSent, d.PacketsSent, d.Errout, d.Dropout} {
			emit(c.columns[sent+i], float64(v), d.Name)
		}
	}
	return nil
}
