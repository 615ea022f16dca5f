package exporter

import (
	"context"
	"fmt"
	"regexp"

	"github.com/shirou/gopsutil/v3/net"
)

type networkCollector struct {
	host                            Host
	skip                            *regexp.Regexp
	receiveBytes, transmitBytes     *Metric
	receivePackets, transmitPackets *Metric
	receiveErrors, transmitErrors   *Metric
	receiveDropped, transmitDropped *Metric
}

func newNetwork(h Host) Collector {
	return &networkCollector{
		host: h,
		// Containers' ends have a random name each: labels without bound.
		skip:            regexp.MustCompile(`^(veth|cali|lxc[0-9a-f]{8,})`),
		receiveBytes:    counter("fettle_node_network_receive_bytes_total", "Bytes received.", "device"),
		receivePackets:  counter("fettle_node_network_receive_packets_total", "Packets received.", "device"),
		receiveErrors:   counter("fettle_node_network_receive_errors_total", "Packets received with an error.", "device"),
		receiveDropped:  counter("fettle_node_network_receive_dropped_total", "Packets received and dropped.", "device"),
		transmitBytes:   counter("fettle_node_network_transmit_bytes_total", "Bytes sent.", "device"),
		transmitPackets: counter("fettle_node_network_transmit_packets_total", "Packets sent.", "device"),
		transmitErrors:  counter("fettle_node_network_transmit_errors_total", "Packets that could not be sent.", "device"),
		transmitDropped: counter("fettle_node_network_transmit_dropped_total", "Packets dropped instead of sent.", "device"),
	}
}

func (c *networkCollector) Metrics() []*Metric {
	return []*Metric{
		c.receiveBytes, c.receivePackets, c.receiveErrors, c.receiveDropped,
		c.transmitBytes, c.transmitPackets, c.transmitErrors, c.transmitDropped,
	}
}

// Collect leans on the scrape that makes errors of panics: gopsutil indexes the
// fields of a line without counting them.
func (c *networkCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	devices, err := net.IOCountersWithContext(c.host.context(ctx), true)
	if err != nil {
		return fmt.Errorf("read network counters: %w", err)
	}
	if len(devices) == 0 { // not even the loopback
		return fmt.Errorf("read network counters: no device in %s", c.host.proc("net/dev"))
	}
	for _, d := range devices {
		if c.skip.MatchString(d.Name) {
			continue
		}
		emit(c.receiveBytes, float64(d.BytesRecv), d.Name)
		emit(c.receivePackets, float64(d.PacketsRecv), d.Name)
		emit(c.receiveErrors, float64(d.Errin), d.Name)
		emit(c.receiveDropped, float64(d.Dropin), d.Name)
		emit(c.transmitBytes, float64(d.BytesSent), d.Name)
		emit(c.transmitPackets, float64(d.PacketsSent), d.Name)
		emit(c.transmitErrors, float64(d.Errout), d.Name)
		emit(c.transmitDropped, float64(d.Dropout), d.Name)
	}
	return nil
}
