package exporter

import (
	"os"
	"strings"
	"testing"
)

func TestVM(t *testing.T) {
	before := vmByHand(t)
	got := gathered(t, newVM(Host{}))
	after := vmByHand(t)
	page := float64(os.Getpagesize())
	for name, line := range map[string]string{
		"oom_kills_total": "oom_kill", "page_faults_total": "pgfault", "major_page_faults_total": "pgmajfault",
	} {
		between(t, got, "fettle_node_vm_"+name, before[line], after[line])
	}
	between(t, got, "fettle_node_vm_paged_out_bytes_total", before["pgpgout"]*1024, after["pgpgout"]*1024)
	between(t, got, "fettle_node_vm_swapped_in_bytes_total", before["pswpin"]*page, after["pswpin"]*page)
	between(t, got, `fettle_node_vm_reclaimed_bytes_total{by="kswapd"}`, before["pgsteal_kswapd"]*page, after["pgsteal_kswapd"]*page)
	between(t, got, "fettle_node_vm_allocation_stalls_total", before["allocstall"], after["allocstall"])
}

func vmByHand(t *testing.T) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, f := range lines(t, "/proc/vmstat") {
		all[f[0]] = number(t, f[1])
		if strings.HasPrefix(f[0], "allocstall") {
			all["allocstall"] += number(t, f[1])
		}
	}
	return all
}

// What the kernel does not count is absent.
func TestVMOfAnOldKernel(t *testing.T) {
	host := Host{Proc: t.TempDir()}
	writeProc(t, host, "vmstat", "nr_free_pages 1\npgfault 7\nallocstall_normal 2\nallocstall_movable 3\n")
	got := gathered(t, newVM(host))
	between(t, got, "fettle_node_vm_page_faults_total", 7, 7)
	between(t, got, "fettle_node_vm_allocation_stalls_total", 5, 5)
	if len(got) != 2 {
		t.Errorf("got %v", got)
	}
	writeProc(t, host, "vmstat", "pgfault 7\noom_kill -1\n")
	if r := readOnce(t, newVM(host)); r.err == nil || len(r.samples) > 0 {
		t.Errorf("%v, %v", r.err, r.samples)
	}
}
