package exporter

import "testing"

func TestDescriptors(t *testing.T) {
	got := gathered(t, newDescriptors(Host{}))
	f := lines(t, "/proc/sys/fs/file-nr")[0]
	between(t, got, "fettle_node_descriptors_limit", number(t, f[2]), number(t, f[2]))
	between(t, got, "fettle_node_descriptors_allocated", 1, number(t, f[2]))
	host := Host{Proc: t.TempDir()}
	writeProc(t, host, "sys/fs/file-nr", "1234\t0\t9223372036854775807\n")
	got = gathered(t, newDescriptors(host))
	between(t, got, "fettle_node_descriptors_allocated", 1234, 1234)
	if len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

// A kernel that tracks no connections has no series, and that is no failure.
func TestConntrack(t *testing.T) {
	host := Host{Proc: t.TempDir()}
	writeProc(t, host, "stat", "cpu 1\n")
	if got := gathered(t, newConntrack(host)); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	writeProc(t, host, "sys/net/netfilter/nf_conntrack_count", "42\n")
	writeProc(t, host, "sys/net/netfilter/nf_conntrack_max", "262144\n")
	got := gathered(t, newConntrack(host))
	between(t, got, "fettle_node_conntrack_entries", 42, 42)
	between(t, got, "fettle_node_conntrack_entries_limit", 262144, 262144)
	writeProc(t, host, "sys/net/netfilter/nf_conntrack_max", "many\n")
	if r := readOnce(t, newConntrack(host)); r.err == nil || len(r.samples) != 1 {
		t.Errorf("%v, %v", r.err, r.samples)
	}
}
