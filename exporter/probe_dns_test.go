package exporter

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/probe"
)

// What a name leads to is compared with what the inventory has.
func TestNamesLeadToAddresses(t *testing.T) {
	clusters := []cluster.Cluster{
		{Name: "edge", Kind: cluster.KindKeepalived, Keepalived: cluster.Keepalived{Addresses: []string{"10.0.0.100", "10.0.0.101", "2001:db8::100"}}, Members: []cluster.Member{{Name: "lb1", Host: "10.0.0.1"}}},
		{Name: "web", Kind: cluster.KindNginx, Members: []cluster.Member{
			{Name: "w1", Host: "one", Endpoint: "http://10.0.0.11/status"}, {Name: "w2", Host: "10.0.0.12", Endpoint: "http://10.0.0.12/status"}, {Name: "w3", Host: "named", Endpoint: "http://named/status"},
		}},
	}
	for _, tt := range []struct {
		dns     probe.DNSOptions
		answers []string
		want    string
	}{
		{probe.DNSOptions{LeadsTo: "edge"}, []string{"10.0.0.100"}, "answered{n,edge,,10.0.0.100} 1\nanswered{n,edge,,10.0.0.101} 0\nstrange_answers{n,edge} 0"},
		{probe.DNSOptions{LeadsTo: "edge", Type: "AAAA"}, []string{"2001:db8::100", "2001:db8::7", "2001:db8::7"}, "answered{n,edge,,2001:db8::100} 1\nstrange_answers{n,edge} 1"},
		{probe.DNSOptions{LeadsTo: "web"}, []string{"10.0.0.12", "10.0.0.13"}, "answered{n,web,w1,10.0.0.11} 0\nanswered{n,web,w2,10.0.0.12} 1\nstrange_answers{n,web} 1"},
		{probe.DNSOptions{LeadsTo: "web"}, nil, "answered{n,web,w1,10.0.0.11} 0\nanswered{n,web,w2,10.0.0.12} 0\nstrange_answers{n,web} 0"},
		{probe.DNSOptions{}, []string{"10.0.0.1"}, ""},
	} {
		tt.dns.Name = "www.example"
		p := prober(t, probe.Probe{Name: "n", Kind: probe.DNS, Target: "127.0.0.1:53", DNS: tt.dns})
		c, ok := newProbe(Host{Probes: []*probe.Prober{p}, Declared: Declared{Clusters: clusters}}).(*probeCollector)
		if !ok {
			t.Fatal("another collector")
		}
		for _, answered := range []bool{true, false} {
			got := probed{Result: probe.Result{Records: len(tt.answers), Answers: tt.answers}}
			want := tt.want
			if !answered {
				got.Result, want = probe.Result{Records: -1, Reason: cluster.Timeout}, ""
			}
			var lines []string
			c.tell(c.probes[0], got, nil, func(m *Metric, value float64, labels ...string) {
				if m == c.answered || m == c.strange {
					lines = append(lines, fmt.Sprintf("%s{%s} %v", strings.TrimPrefix(m.Name, "fettle_probe_dns_"), strings.Join(labels, ","), value))
				}
			})
			if slices.Sort(lines); strings.Join(lines, "\n") != want {
				t.Errorf("%+v %v: got\n%s\nwant\n%s", tt.dns, tt.answers, strings.Join(lines, "\n"), want)
			}
		}
	}
}
