package exporter

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

// looked is a View that counts how often it is asked.
type looked struct {
	cluster.View
	looks atomic.Int32
}

func (c *looked) look() cluster.View {
	c.looks.Add(1)
	return c.View
}

type viewFunc func() cluster.View

func (f viewFunc) View(context.Context) cluster.View { return f() }

func TestServeTarget(t *testing.T) {
	lead := "id-m1"
	declared := func(name, host string) cluster.Cluster {
		return cluster.Cluster{Name: name, Kind: cluster.KindEtcd, Members: []cluster.Member{
			{Name: "m1", Endpoint: "http://" + host + ":2379"}, {Name: "m2", Endpoint: "http://" + host + ":2381"}, {Name: "m3", Endpoint: "http://shared:2379"},
		}}
	}
	main, other := &looked{View: view(member("m1", lead), member("m2", lead), down("m3"))}, &looked{View: view(member("m1", lead))}
	main.Cluster, main.Kind = "main", cluster.KindEtcd
	main.Follow()
	other.Cluster, other.Kind = "other", cluster.KindEtcd
	e, err := New(Options{MaxRequests: 1, Sources: []Source{{declared("main", "10.0.0.1"), viewFunc(main.look)}, {declared("other", "10.0.0.2"), viewFunc(other.look)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, e)
	ask := func(target, more string) (int, string) {
		w := httptest.NewRecorder()
		e.ServeTarget(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?target="+url.QueryEscape(target)+more, nil))
		return w.Code, w.Body.String()
	}
	const member1, member2 = `fettle_raft_term{cluster="main",member="m1"} 5`, `fettle_raft_term{cluster="main",member="m2"} 5`
	const margin, success = `fettle_raft_margin{cluster="main"} 0`, `fettle_collector_success{collector="raft"} 1`
	for target, want := range map[string]struct{ there, not []string }{
		"main": {
			[]string{member1, member2, margin, success, `fettle_sync_running{cluster="main",member="m2"} 1`, `fettle_member_reachable{cluster="main",member="m3"} 0`},
			[]string{"fettle_node_", `cluster="other"`, "fettle_unit_", "fettle_exporter_"},
		},
		"main/m2":       {[]string{member2, success, `fettle_sync_running{cluster="main",member="m2"} 1`}, []string{member1, "margin", `member="m3"`}},
		"main/m3":       {[]string{`fettle_member_failure{cluster="main",member="m3",reason="refused"} 1`, `fettle_sync_up{cluster="main",member="m3"} 0`}, []string{member1, "fettle_raft_term"}},
		"10.0.0.1:2381": {[]string{member2}, []string{member1, "margin"}},
	} {
		code, text := ask(target, "")
		if code != http.StatusOK {
			t.Errorf("%s: %d %s", target, code, text)
		}
		for _, s := range want.there {
			if !strings.Contains(text, "\n"+s+"\n") {
				t.Errorf("%s: no %s in\n%s", target, s, text)
			}
		}
		for _, s := range want.not {
			if strings.Contains(text, s) {
				t.Errorf("%s: there is %s", target, s)
			}
		}
	}
	if main.looks.Load() != 4 || other.looks.Load() != 0 {
		t.Errorf("%d looks at main and %d at other, want one for each scrape", main.looks.Load(), other.looks.Load())
	}
	if _, text := ask("main", "&collect[]=sync"); strings.Contains(text, "fettle_raft_") || !strings.Contains(text, "fettle_sync_up") {
		t.Errorf("collect[]:\n%s", text)
	}

	// The next whole scrape has everything again.
	w := get(t, e, "?collect[]=raft", "")
	for _, want := range []string{member1, member2, margin, `cluster="other"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("a whole scrape has no %s", want)
		}
	}
	before := main.looks.Load() + other.looks.Load()
	for target, want := range map[string]string{
		"":                               "target \"\" is neither a cluster",
		"mian":                           "target \"mian\" is neither a cluster",
		"main/":                          "is neither",
		"main/m4":                        "is neither",
		"main/m1/x":                      "is neither",
		"10.0.0.9:2379":                  "is neither",
		"10.0.0.1":                       "is neither",
		"http://10.0.0.1:2379":           "is neither",
		"169.254.169.254:80":             "is neither",
		"shared:2379":                    `is the address of several members, main/m3 and other/m3: name the one that is meant`,
		strings.Repeat("x", 9000):        strings.Repeat("x", 64) + "…\" is neither",
		"main\r\nX-Evil: 1":              `main\r\nX-Evil: 1`,
		"<script>alert(1)</script>/main": "is neither",
	} {
		code, text := ask(target, "")
		if code != http.StatusBadRequest || !strings.Contains(text, want) || strings.Count(text, "\n") != 1 {
			t.Errorf("%.40q: %d %q", target, code, text)
		}
	}
	for _, query := range []string{"&target=main", "&target=evil:1"} {
		if code, text := ask("main", query); code != http.StatusBadRequest || !strings.Contains(text, "want one parameter target") {
			t.Errorf("two targets: %d %q", code, text)
		}
	}
	if after := main.looks.Load() + other.looks.Load(); after != before {
		t.Errorf("%d looks for targets that were refused", after-before)
	}
}
