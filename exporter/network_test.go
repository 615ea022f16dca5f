package exporter

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestNetwork(t *testing.T) {
	before := networkByHand(t)
	got := gathered(t, newNetwork(Host{}))
	after := networkByHand(t)
	for name := range got {
		if _, ok := before[name]; !ok {
			t.Errorf("%s is not in /proc/net/dev", name)
		}
		between(t, got, name, before[name], after[name])
	}
	if _, ok := got[`fettle_node_network_receive_bytes_total{device="lo"}`]; !ok {
		t.Error("the loopback is missing")
	}
}

func networkByHand(t *testing.T) map[string]float64 {
	text, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		device, rest, ok := strings.Cut(line, ":")
		if !ok {
			continue // a heading
		}
		f := strings.Fields(rest)
		for i, what := range []string{
			"receive_bytes", "receive_packets", "receive_errors", "receive_dropped",
			"receive_fifo", "receive_frame", "receive_compressed", "receive_multicast",
			"transmit_bytes", "transmit_packets", "transmit_errors", "transmit_dropped",
			"transmit_fifo", "transmit_collisions", "transmit_carrier", "transmit_compressed",
		} {
			all[fmt.Sprintf("fettle_node_network_%s_total{device=%q}", what, strings.TrimSpace(device))] = number(t, f[i])
		}
	}
	return all
}

func TestNetworkSkipsContainers(t *testing.T) {
	got := gathered(t, newNetwork(procWith(t, `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       1       2    3    4    0     0          0         0        5       6    7    8    0     0       0          0
vethf00:       1       2    3    4    0     0          0         0        5       6    7    8    0     0       0          0
`)))
	if len(got) != networkColumns {
		t.Errorf("want the series of lo, got %v", got)
	}
	between(t, got, `fettle_node_network_transmit_dropped_total{device="lo"}`, 8, 8)
}
