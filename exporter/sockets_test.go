package exporter

import (
	"os"
	"strings"
	"testing"
)

const sockstat = "sockets: used 167\nTCP: inuse 115 orphan 1 tw 6580 alloc 134 mem 3\nUDP: inuse 7 mem 2\nUDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n"

func TestSockets(t *testing.T) {
	host := procWith(t, sockstat)
	writeProc(t, host, "net/sockstat6", "TCP6: inuse 17\nUDP6: inuse 3\nNEWER: inuse 4\n")
	got := gathered(t, newSockets(host))
	page := float64(os.Getpagesize())
	want := map[string]float64{
		"used": 167, `in_use{family="ipv4",protocol="tcp"}`: 115, `in_use{family="ipv4",protocol="udp"}`: 7,
		`in_use{family="ipv4",protocol="udplite"}`: 0, `in_use{family="ipv4",protocol="raw"}`: 0, `in_use{family="ipv4",protocol="frag"}`: 0,
		`in_use{family="ipv6",protocol="tcp"}`: 17, `in_use{family="ipv6",protocol="udp"}`: 3,
		`memory_bytes{protocol="tcp"}`: 3 * page, `memory_bytes{protocol="udp"}`: 2 * page,
		`tcp{state="orphan"}`: 1, `tcp{state="time_wait"}`: 6580, `tcp{state="allocated"}`: 134,
	}
	for name, value := range want {
		between(t, got, "fettle_node_sockets_"+name, value, value)
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}

// A kernel without IPv6 has no such file, and that is no failure; one that was cut is.
func TestSocketsWithoutIPv6(t *testing.T) {
	host := procWith(t, sockstat)
	if err := os.Remove(host.proc("net/sockstat6")); err != nil {
		t.Fatal(err)
	}
	if got := gathered(t, newSockets(host)); len(got) != 11 {
		t.Errorf("got %v", got)
	}
	for name, text := range map[string]string{
		"no number": strings.Replace(sockstat, "115", "many", 1), "no colon": strings.Replace(sockstat, "UDP:", "UDP", 1),
		"cut": "sockets: used 167\nTCP: inuse\n", "nothing": "TCP:\n",
	} {
		writeProc(t, host, "net/sockstat", text)
		if r := readOnce(t, newSockets(host)); r.err == nil || len(r.samples) > 0 {
			t.Errorf("%s: %v, %v", name, r.err, r.samples)
		}
	}
}

func TestSocketsOfThisMachine(t *testing.T) {
	got := gathered(t, newSockets(Host{}))
	if got["fettle_node_sockets_used"] == 0 {
		t.Errorf("got %v", got)
	}
}

const softnet = "0135ad65 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000003 00000004 00000000 00000000 00000000\n" +
	"0000000a 00000000 00000005 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000007 00000000 00000000\n"

func TestSoftnet(t *testing.T) {
	got := gathered(t, newSoftnet(procWith(t, softnet)))
	for name, want := range map[string]float64{
		`processed_total{cpu="0"}`: 0x0135ad65, `dropped_total{cpu="0"}`: 1, `squeezed_total{cpu="0"}`: 2, `flow_limited_total{cpu="0"}`: 3, `backlog{cpu="0"}`: 4,
		`processed_total{cpu="7"}`: 10, `squeezed_total{cpu="7"}`: 5,
	} {
		between(t, got, "fettle_node_softnet_"+name, want, want)
	}
	if len(got) != 10 {
		t.Errorf("got %v", got)
	}
	// An old kernel: fewer columns, and the lines are the CPUs.
	got = gathered(t, newSoftnet(procWith(t, "1 2 3 0 0 0 0 0 0 0 4\n5 6 7 0 0 0 0 0 0 0 8\n")))
	between(t, got, `fettle_node_softnet_flow_limited_total{cpu="1"}`, 8, 8)
	if len(got) != 8 {
		t.Errorf("got %v", got)
	}
}

func TestSoftnetOfThisMachine(t *testing.T) {
	before := lines(t, "/proc/net/softnet_stat")
	got := gathered(t, newSoftnet(Host{}))
	if len(got) < 4*len(before) {
		t.Errorf("%d lines, got %v", len(before), got)
	}
}
