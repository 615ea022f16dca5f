package exporter

import "regexp"

type networkCollector struct {
	host    Host
	skip    *regexp.Regexp
	columns [networkColumns]*Metric
	source  networkSource
}

// networkColumns are the numbers of a device in /proc/net/dev: eight of what it
// received, and from sent on eight of what it sent.
const (
	networkColumns = 16
	sent           = 8
)

func newNetwork(h Host) Collector {
	return &networkCollector{
		host:   h,
		source: newNetworkSource(h),
		// Containers' ends have a random name each: labels without bound.
		skip: regexp.MustCompile(`^(veth|cali|lxc[0-9a-f]{8,})`),
		columns: [networkColumns]*Metric{
			counter("fettle_node_network_receive_bytes_total", "Bytes received.", "device"),
			counter("fettle_node_network_receive_packets_total", "Packets received.", "device"),
			counter("fettle_node_network_receive_errors_total", "Packets received with an error.", "device"),
			counter("fettle_node_network_receive_dropped_total", "Packets received and dropped.", "device"),
			counter("fettle_node_network_receive_fifo_total", "Packets lost because the device was not emptied in time.", "device"),
			counter("fettle_node_network_receive_frame_total", "Packets received that were no whole frames.", "device"),
			counter("fettle_node_network_receive_compressed_total", "Compressed packets received.", "device"),
			counter("fettle_node_network_receive_multicast_total", "Multicast packets received.", "device"),
			counter("fettle_node_network_transmit_bytes_total", "Bytes sent.", "device"),
			counter("fettle_node_network_transmit_packets_total", "Packets sent.", "device"),
			counter("fettle_node_network_transmit_errors_total", "Packets that could not be sent.", "device"),
			counter("fettle_node_network_transmit_dropped_total", "Packets dropped instead of sent.", "device"),
			counter("fettle_node_network_transmit_fifo_total", "Packets lost because the device was not filled in time.", "device"),
			counter("fettle_node_network_transmit_collisions_total", "Collisions while sending.", "device"),
			counter("fettle_node_network_transmit_carrier_total", "Packets lost because there was no carrier.", "device"),
			counter("fettle_node_network_transmit_compressed_total", "Compressed packets sent.", "device"),
		},
	}
}

func (c *networkCollector) Metrics() []*Metric { return c.columns[:] }
