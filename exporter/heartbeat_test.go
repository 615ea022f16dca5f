package exporter

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/postgres"
	"github.com/fettle-io/fettle/cluster/redis"
	"github.com/fettle-io/fettle/internal/servertest"
)

func some(v float64) *float64 { return &v }

// following is a replica that answers and follows, this far behind.
func following(s cluster.Sync) cluster.MemberView {
	s.Role, s.Up, s.Running = cluster.Replica, true, true
	return cluster.MemberView{Name: "m2", Reachable: true, Sync: &s}
}

func TestPulse(t *testing.T) {
	broken := cluster.MemberView{Name: "m2", Reachable: true, Sync: &cluster.Sync{Role: cluster.Replica, Up: true, Bytes: some(0)}}
	silent := cluster.MemberView{Name: "m2", Error: cluster.Timeout, Sync: &cluster.Sync{}}
	primary := cluster.MemberView{Name: "m2", Reachable: true, Sync: &cluster.Sync{Role: cluster.Primary, Up: true, Running: true}}
	at := func(n float64) cluster.MemberView {
		m := following(cluster.Sync{Bytes: some(100)})
		m.Detail = &redis.Member{Offset: some(n)}
		return m
	}
	replayed := func(n uint64) cluster.MemberView {
		m := following(cluster.Sync{Bytes: some(100)})
		m.Detail = &postgres.Member{Replayed: &n}
		return m
	}
	applied := func(n uint64) cluster.MemberView {
		m := following(cluster.Sync{Entries: some(5)})
		m.Applied = n
		return m
	}
	bytes := func(n float64) cluster.MemberView { return following(cluster.Sync{Bytes: some(n)}) }
	seconds := func(n float64) cluster.MemberView { return following(cluster.Sync{Seconds: some(n)}) }
	for name, tc := range map[string]struct {
		looks []cluster.MemberView // ten seconds apart
		// age of each layer at the last look, in seconds; -1: never seen
		network, application, data float64
	}{
		"never seen":                         {[]cluster.MemberView{silent, silent}, -1, -1, -1},
		"seen once":                          {[]cluster.MemberView{primary, silent, silent}, 20, 20, 20},
		"an idle primary":                    {[]cluster.MemberView{primary, primary, primary}, 0, 0, 0},
		"first seen behind":                  {[]cluster.MemberView{bytes(100)}, 0, 0, 0},
		"stands still behind":                {[]cluster.MemberView{bytes(100), bytes(100), bytes(100)}, 0, 0, 20},
		"falls further behind":               {[]cluster.MemberView{bytes(100), bytes(200), bytes(300)}, 0, 0, 20},
		"catches up":                         {[]cluster.MemberView{bytes(300), bytes(200), bytes(100)}, 0, 0, 0},
		"behind nothing":                     {[]cluster.MemberView{bytes(100), bytes(100), bytes(0)}, 0, 0, 0},
		"moves, no nearer":                   {[]cluster.MemberView{at(1), at(2), at(3)}, 0, 0, 0},
		"its position stands still":          {[]cluster.MemberView{at(1), at(2), at(2)}, 0, 0, 10},
		"a standby replays":                  {[]cluster.MemberView{replayed(1), replayed(2), replayed(3)}, 0, 0, 0},
		"a standby replays no more":          {[]cluster.MemberView{replayed(1), replayed(2), replayed(2)}, 0, 0, 10},
		"a Raft member applies":              {[]cluster.MemberView{applied(1), applied(2), applied(3)}, 0, 0, 0},
		"a Raft member applies no more":      {[]cluster.MemberView{applied(1), applied(2), applied(2)}, 0, 0, 10},
		"three seconds behind":               {[]cluster.MemberView{seconds(0), seconds(3)}, 0, 0, 3},
		"a delay that grows with the clock":  {[]cluster.MemberView{seconds(5), seconds(15), seconds(25)}, 0, 0, 20},
		"a broken link at lag 0":             {[]cluster.MemberView{bytes(0), broken, broken}, 0, 0, 20},
		"back after a break, and no further": {[]cluster.MemberView{at(1), broken, at(2)}, 0, 0, 20},
		"back after a break, and moves":      {[]cluster.MemberView{at(1), broken, at(2), at(3)}, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p, begin := &pulse{}, time.Unix(1000, 0)
			now := begin
			for i, m := range tc.looks {
				now = begin.Add(time.Duration(i) * 10 * time.Second)
				p.feel(m, spoke(m), now)
			}
			for _, l := range []struct {
				name string
				last time.Time
				want float64
			}{{"network", p.network, tc.network}, {"application", p.application, tc.application}, {"data", p.data, tc.data}} {
				age := now.Sub(l.last).Seconds()
				if l.last.IsZero() {
					age = -1
				}
				if age != l.want {
					t.Errorf("%s: %v s, want %v s", l.name, age, l.want)
				}
			}
		})
	}
}

func TestWhatShowsThatAMachineIsThere(t *testing.T) {
	for reason, want := range map[string]bool{
		"": false, cluster.Timeout: false, cluster.Other: false,
		cluster.Refused: true, cluster.BadTLS: true, cluster.BadAuth: true, cluster.BadProtocol: true, cluster.TooLarge: true,
	} {
		if got := spoke(cluster.MemberView{Error: reason}); got != want {
			t.Errorf("%q: %v", reason, got)
		}
		if spoke(cluster.MemberView{Error: reason, Pause: time.Second}) {
			t.Errorf("%q: a member that was left alone showed something", reason)
		}
	}
}

func TestHeartbeat(t *testing.T) {
	members := []cluster.Member{{Name: "m1"}, {Name: "m2"}, {Name: "m3"}, {Name: "m4"}}
	mine := cluster.Cluster{Name: "c", Kind: cluster.KindEtcd, Members: members}
	host := Host{Heartbeat: Heartbeat{Here: []cluster.Target{{Cluster: mine, Member: members[0]}}, Network: 3 * time.Second}}
	c, ok := newHeartbeat(host).(*heartbeatCollector)
	if !ok {
		t.Fatal("another collector")
	}
	now := time.Unix(1000, 0)
	var asked []string
	c.now = func() time.Time { return now }
	c.reach = func(_ context.Context, m cluster.Member) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		asked = append(asked, m.Name)
		return m.Name == "m3"
	}
	v := cluster.View{Cluster: "c", Kind: cluster.KindEtcd, Members: []cluster.MemberView{
		{Name: "m1", Reachable: true, Sync: &cluster.Sync{Up: true, Running: true, Role: cluster.Primary}},
		{Name: "m2", Reachable: true, Sync: &cluster.Sync{Up: true, Running: true, Role: cluster.Replica, Entries: some(0)}},
		{Name: "m3", Error: cluster.Timeout, Sync: &cluster.Sync{}}, // hangs on a machine that is there
		{Name: "m4", Error: cluster.Timeout},                        // gone, and its look with it
	}}
	const series = `fettle_heartbeat_%s{cluster="c",from="m1",layer="%s",member="%s"}`
	expect := func(got map[string]float64, member string, want map[string]string) {
		t.Helper()
		for layer, w := range want {
			ok := got[fmt.Sprintf(series, "ok", layer, member)]
			age, known := got[fmt.Sprintf(series, "age_seconds", layer, member)]
			text := fmt.Sprintf("%v after %v", ok, age)
			if !known {
				text = fmt.Sprintf("%v, never", ok)
			}
			if text != w {
				t.Errorf("%s %s: %s, want %s", member, layer, text, w)
			}
		}
	}
	got := gathered(t, c, v)
	if len(got) != 9+4 {
		t.Errorf("%d series: %v", len(got), got)
	}
	expect(got, "m2", map[string]string{"network": "1 after 0", "application": "1 after 0", "data": "1 after 0"})
	expect(got, "m3", map[string]string{"network": "1 after 0", "application": "0, never", "data": "0, never"})
	expect(got, "m4", map[string]string{"network": "0, never", "application": "0, never", "data": "0, never"})
	if slices.Sort(asked); strings.Join(asked, " ") != "m3 m4" {
		t.Errorf("asked the machines of %v", asked)
	}

	v.Members[1] = cluster.MemberView{Name: "m2", Error: cluster.Timeout, Pause: time.Second, Sync: &cluster.Sync{}}
	for _, step := range []struct {
		after time.Duration
		want  map[string]string
	}{
		{3 * time.Second, map[string]string{"network": "1 after 3", "application": "1 after 3", "data": "1 after 3"}},
		{time.Second, map[string]string{"network": "0 after 4", "application": "1 after 4", "data": "1 after 4"}},
		{7 * time.Second, map[string]string{"network": "0 after 11", "application": "0 after 11", "data": "1 after 11"}},
		{20 * time.Second, map[string]string{"network": "0 after 31", "application": "0 after 31", "data": "0 after 31"}},
	} {
		now = now.Add(step.after)
		expect(gathered(t, c, v), "m2", step.want)
	}
	if got := gathered(t, newHeartbeat(Host{}), v); len(got) != 0 {
		t.Errorf("without a member here: %v", got)
	}
}

// Of a cluster whose members follow nobody there is no data to be alive.
func TestHeartbeatWithoutData(t *testing.T) {
	members := []cluster.Member{{Name: "a"}, {Name: "b"}}
	mine := cluster.Cluster{Name: "c", Kind: cluster.KindHAProxy, Members: members}
	c := newHeartbeat(Host{Heartbeat: Heartbeat{Here: []cluster.Target{{Cluster: mine, Member: members[0]}, {Cluster: mine, Member: members[1]}}}})
	v := cluster.View{Cluster: "c", Kind: cluster.KindHAProxy, Members: []cluster.MemberView{{Name: "a", Reachable: true}, {Name: "b", Error: cluster.Refused}}}
	got := gathered(t, c, v)
	if len(got) != 4+3 { // b was never seen to answer
		t.Errorf("%v", got)
	}
	for name := range got {
		if strings.Contains(name, `"data"`) {
			t.Errorf("there is %s", name)
		}
	}
}

// A process that hangs, or is not there, has a machine all the same.
func TestReach(t *testing.T) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	for endpoint, want := range map[string]bool{
		"http://" + open.Addr().String():      true,
		"http://" + servertest.FreeAddress(t): true,
		"http://no-such-host.invalid:1":       false,
		"unix:///run/nothing":                 false,
		"":                                    false,
	} {
		if got := reach(t.Context(), cluster.Member{Endpoint: endpoint}); got != want {
			t.Errorf("%q: %v", endpoint, got)
		}
	}
}
