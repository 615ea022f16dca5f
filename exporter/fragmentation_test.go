package exporter

import (
	"fmt"
	"strings"
	"testing"
)

func TestFragmentation(t *testing.T) {
	got := gathered(t, newFragmentation(Host{}))
	want := 0
	for _, f := range lines(t, "/proc/buddyinfo") {
		want += len(f) - 4
		name := fmt.Sprintf("fettle_node_memory_free_blocks{node=%q,order=\"0\",zone=%q}", strings.TrimSuffix(f[1], ","), f[3])
		if _, ok := got[name]; !ok {
			t.Errorf("no %s", name)
		}
	}
	if len(got) != want {
		t.Errorf("%d series, by hand %d", len(got), want)
	}
}

func TestFragmentationFixture(t *testing.T) {
	host := Host{Proc: t.TempDir()}
	c := newFragmentation(host)
	writeProc(t, host, "buddyinfo", "Node 0, zone      DMA      1      2      0 \nNode 1, zone   Normal   4381   1093      7 \n")
	got := gathered(t, c)
	between(t, got, `fettle_node_memory_free_blocks{node="0",order="1",zone="DMA"}`, 2, 2)
	between(t, got, `fettle_node_memory_free_blocks{node="1",order="0",zone="Normal"}`, 4381, 4381)
	if len(got) != 6 {
		t.Errorf("got %v", got)
	}
	for _, text := range []string{"Node 0, zone DMA\n", "Node x, zone DMA 1\n", "Node 0, zone\n", "Node 0, zone DMA 1 x\n", "zone DMA 1\n"} {
		writeProc(t, host, "buddyinfo", text)
		if r := readOnce(t, c); r.err == nil || len(r.samples) > 0 {
			t.Errorf("%q: %v, %v", text, r.err, r.samples)
		}
	}
}
