package discovery

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/promql"
)

func TestLooksLike(t *testing.T) {
	for _, c := range []struct{ job, url, want string }{
		{"etcd", "https://10.0.0.1:2379/metrics", "etcd"},
		{"kube-etcd", "http://10.0.0.1:2381/metrics", "etcd"},
		{"database", "http://10.0.0.1:2379/metrics", "etcd"},
		{"node", "http://10.0.0.1:9100/metrics", "node_exporter"},
		{"machines", "http://10.0.0.1:9100/metrics", "node_exporter"},
		{"fettle_exporter", "http://10.0.0.1:1/metrics", "fettle_exporter"},
		{"fettle", "http://10.0.0.1:9774/metrics", "fettle"},
		{"web", "http://10.0.0.1:80/metrics", ""},
		{"broken", ":", ""},
	} {
		if got := looksLike(promql.Target{Job: c.job, URL: c.url}); got != c.want {
			t.Errorf("%s at %s looks like %q, want %q", c.job, c.url, got, c.want)
		}
	}
}

func TestJobsAndInterval(t *testing.T) {
	targets := []promql.Target{
		{Job: "web", URL: "http://w:80/metrics", Interval: 15 * time.Second, Up: true},
		{Job: "web", URL: "http://x:80/metrics", Interval: 15 * time.Second},
		{Job: "etcd", URL: "http://e:2379/metrics", Interval: time.Minute, Up: true},
	}
	all := jobs(targets)
	if len(all) != 2 || all[0] != (Job{"etcd", 1, 1, "etcd"}) || all[1] != (Job{"web", 2, 1, ""}) {
		t.Errorf("%+v", all)
	}
	if got := interval(targets); got != 0 {
		t.Errorf("no exporter of ours, and every %s", got)
	}
	if got := interval(append(targets, promql.Target{Job: "fettle_exporter", URL: "http://f:9773/metrics", Interval: 5 * time.Second})); got != 5*time.Second {
		t.Errorf("the exporter's is 5s, got %s", got)
	}
}

func TestNamesStayApart(t *testing.T) {
	var m Monitoring
	for range 3 {
		m.add(Cluster{Cluster: cluster.Cluster{Name: "main"}})
	}
	if m.Clusters[0].Name != "main" || m.Clusters[1].Name != "main-2" || m.Clusters[2].Name != "main-3" {
		t.Errorf("%+v", m.Clusters)
	}
}

func TestPlainURL(t *testing.T) {
	for _, c := range []struct {
		urls []string
		want string
	}{
		{[]string{"unix://x", "http://u:p@h:1", "http://h:2379/"}, "http://h:2379"},
		{[]string{"http://h"}, ""},
		{nil, ""},
	} {
		if got := plainURL(c.urls); got != c.want {
			t.Errorf("%v: %q, want %q", c.urls, got, c.want)
		}
	}
}
