package action

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

func TestMayHang(t *testing.T) {
	h := Hang{}.orDefault()
	runs := cluster.Service{State: cluster.ServiceRunning, Identity: "1", Age: 10 * time.Second}
	served := known{identity: "1", served: true}
	for _, c := range []struct {
		name  string
		s     cluster.Service
		k     known
		local bool
		want  bool
	}{
		{"was seen serving", runs, served, true, true},
		{"is replaying its log", runs, known{identity: "1"}, true, false},
		{"its predecessor was seen serving", runs, known{identity: "0", served: true}, true, false},
		{"has had time enough", cluster.Service{State: cluster.ServiceRunning, Identity: "1", Age: 91 * time.Second}, known{}, true, true},
		{"something is being done to it", cluster.Service{State: cluster.ServiceRunning, Identity: "1", Busy: true}, served, true, false},
		{"starting", cluster.Service{State: cluster.ServiceStarting, Identity: "1", Age: time.Hour}, served, true, false},
		{"stopping", cluster.Service{State: cluster.ServiceStopping, Identity: "1", Age: time.Hour}, served, true, false},
		{"dead", cluster.Service{State: cluster.ServiceDead}, known{}, true, false},
		{"on another host", runs, served, false, false},
	} {
		if got := h.mayHang(c.s, c.k, c.local); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestSilence(t *testing.T) {
	h := Hang{}.orDefault()
	quiet := func(at int) sample {
		return sample{at: time.Duration(at) * time.Second, identity: "1", received: map[string]float64{"m2": 100, "m3": 7}}
	}
	led := func(s sample) sample { s.leader = "m3"; return s }
	but := func(s sample, f func(*sample)) sample { f(&s); return s }
	for _, c := range []struct {
		name    string
		samples []sample
		want    bool
	}{
		{"silent for 6 s", []sample{quiet(0), quiet(2), quiet(4), quiet(6)}, true},
		{"silent for less", []sample{quiet(0), quiet(2), quiet(4), quiet(5)}, false},
		{"one look", []sample{quiet(60)}, false},
		{"its client port answered once", []sample{quiet(0), quiet(2), but(quiet(4), func(s *sample) { s.client = true }), quiet(6), quiet(8)}, false},
		{"its peer port answered once", []sample{quiet(0), quiet(2), but(quiet(4), func(s *sample) { s.peer = true }), quiet(6), quiet(8)}, false},
		{"a peer heard from it", []sample{quiet(0), quiet(2), but(quiet(4), func(s *sample) { s.received = map[string]float64{"m2": 101, "m3": 7} }), quiet(6)}, false},
		{"a peer was restarted", []sample{quiet(0), quiet(2), but(quiet(4), func(s *sample) { s.received = map[string]float64{"m2": 0, "m3": 7} }), quiet(6)}, false},
		{"no peer can be asked", []sample{but(quiet(0), func(s *sample) { s.received = nil }), but(quiet(6), func(s *sample) { s.received = nil })}, false},
		{"a peer more tells", []sample{but(quiet(0), func(s *sample) { s.received = map[string]float64{"m2": 100} }), quiet(2), quiet(6)}, false},
		{"another process", []sample{quiet(0), quiet(2), but(quiet(4), func(s *sample) { s.identity = "2" }), but(quiet(6), func(s *sample) { s.identity = "2" })}, false},
		{"its leader hears nothing, and another peer is restarted", []sample{led(quiet(0)), led(quiet(3)), led(but(quiet(6), func(s *sample) { s.received = map[string]float64{"m2": 0, "m3": 7} }))}, true},
		{"its leader hears from it", []sample{led(quiet(0)), led(quiet(3)), led(but(quiet(6), func(s *sample) { s.received = map[string]float64{"m2": 100, "m3": 8} }))}, false},
		{"its leader cannot be asked", []sample{led(quiet(0)), led(quiet(3)), led(but(quiet(6), func(s *sample) { s.received = map[string]float64{"m2": 100} }))}, false},
		{"a leader is elected meanwhile", []sample{quiet(0), quiet(3), led(quiet(6))}, true},
		{"nobody listened in between", []sample{quiet(0), quiet(7), quiet(9)}, false},
		{"silent again, for long enough", []sample{quiet(0), quiet(7), quiet(10), quiet(13)}, true},
	} {
		var q silence
		for _, s := range c.samples {
			q = q.add(s, h)
		}
		last := c.samples[len(c.samples)-1]
		if got := q.hung(last.identity, h); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
		if q.hung("other", h) {
			t.Errorf("%s: of another process", c.name)
		}
	}
}

// Of whom a member must not be heard before it is hung.
func TestLedBy(t *testing.T) {
	serves := func(name, leader string) cluster.MemberView {
		return cluster.MemberView{Name: name, ID: name, Reachable: true, Leader: leader, Term: 2}
	}
	gone := cluster.MemberView{Name: "m1", ID: "m1"}
	for _, c := range []struct {
		name    string
		members []cluster.MemberView
		want    string
	}{
		{"one of the others", []cluster.MemberView{gone, serves("m2", "m3"), serves("m3", "m3")}, "m3"},
		{"itself", []cluster.MemberView{gone, serves("m2", "m1"), serves("m3", "m1")}, ""},
		{"nobody", []cluster.MemberView{gone, serves("m2", ""), serves("m3", "")}, ""},
		{"one that the inventory does not list", []cluster.MemberView{gone, serves("m2", "m9"), serves("m3", "m9")}, "m9"},
	} {
		v := cluster.View{Members: c.members}
		if got := ledBy(v, "m1"); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	h := Hang{}.orDefault()
	var q silence
	for at := range 8 { // the peers that can be asked are followers too
		q = q.add(sample{at: time.Duration(at) * time.Second, identity: "1", leader: "m9", received: map[string]float64{"m2": 100, "m3": 7}}, h)
	}
	if q.hung("1", h) {
		t.Error("hung by the word of those to whom it never sends")
	}
}
