package exporter

import (
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

// Of every member of the inventory it is told whether this exporter looks at it: one
// whose host no exporter takes for its own machine is asked by nobody, and that shows.
func TestMemberAsked(t *testing.T) {
	routers := cluster.Cluster{Name: "edge", Kind: cluster.KindKeepalived, Members: []cluster.Member{{Name: "here", Host: "one"}, {Name: "there", Host: "two"}}}
	all := []cluster.Cluster{
		routers,
		{Name: "ha", Kind: cluster.KindPacemaker, Members: []cluster.Member{{Name: "n1", Host: "two"}}},
		{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "w1", Host: "one", Unit: "w.service"}, {Name: "w2", Host: "two", Unit: "w.service"}, {Name: "w3", Host: "two"}}},
	}
	asked := routers
	asked.Members = routers.Members[:1]
	e, err := New(Options{
		Collectors: map[string]bool{"unit": false},
		Host:       Host{Declared: Declared{Clusters: all, Bound: []Bound{{Target: cluster.Target{Cluster: all[2], Member: all[2].Members[0]}, Here: true}, {Target: cluster.Target{Cluster: all[2], Member: all[2].Members[2]}}}}, Units: Units{Members: []cluster.Target{{Cluster: all[2], Member: all[2].Members[0]}}}},
		Sources:    []Source{{asked, fixedView(cluster.View{Cluster: "edge", Kind: cluster.KindKeepalived, Members: []cluster.MemberView{{Name: "here", Reachable: true}}})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, e)
	page := scraped(t, e, "?collect[]=member", "10")
	for _, series := range []string{`fettle_member_here{cluster="web",member="w1"} 1`, `fettle_member_here{cluster="web",member="w3"} 0`} {
		if !strings.Contains(page, series) || strings.Count(page, "fettle_member_here{") != 2 {
			t.Errorf("no %s in\n%s", series, page)
		}
	}
	for _, tt := range []struct{ page, want string }{
		{page, "edge,here 1 edge,there 0 ha,n1 0 web,w1 1 web,w2 0"},
		{scraped(t, e.targets["edge"], "?collect[]=member", "10"), "edge,here 1 edge,there 0"},
	} {
		var got []string
		for line := range strings.Lines(tt.page) {
			if rest, ok := strings.CutPrefix(line, "fettle_member_asked{cluster="); ok {
				got = append(got, strings.NewReplacer(`"`, "", "member=", "", "}", "").Replace(strings.TrimSpace(rest)))
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("got  %s\nwant %s", s, tt.want)
		}
	}
}
