package etcd

import (
	"bufio"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/fettle-io/fettle/cluster"
)

func pageReader(text string) *bufio.Reader {
	return bufio.NewReaderSize(strings.NewReader(text), longestLine)
}

func TestScan(t *testing.T) {
	page := `# HELP a Words about {a} 1
# TYPE a gauge
a 1
ab 2
a{} 3
a{x="1"} 4
a nought
b{x="1"} 5
b{x="1",y="two \"quoted\", \\ and } brace",} 5.5e3 1700000000000
b{y="", x ="two \"quoted\", \\ and } brace"} -6
b{x="1" 6
b{x} 7
b{x="1"}
b{x="1"} nought
b{x=1} 7
b{y="1"} 7
b{x=""} 7
b 7
h_bucket{le="0.064"} 8
h_bucket{le="0.128"} 9
h_bucket{le="+Inf"} 10
# HELP unwanted # TYPE a gauge
# TYPE unwanted gauge
a 11
unwanted{text="# TYPE a gauge
a 12
# TYPE unwanted gauge
unwanted 1
a 13
unwanted{text="#"} 1
a 14
# HELP other
a 15
# TYPE h histogram
h_bucket{le="0.128"} 16
c{From="c0"} +Inf
# TYPE unwanted gauge
unwanted 1`
	want := []sample{
		{"a", "", 1},
		{"a", "", 3},
		{"b", "1", 5},
		{"b", "1", 5500},
		{"b", `two "quoted", \ and } brace`, -6},
		{"h_bucket", "0.128", 9},
		{"a", "", 12}, // a label that looks like a comment is taken for one
		{"a", "", 14},
		{"a", "", 15},
		{"h_bucket", "0.128", 16},
	}
	w := wanting(series{"a", ""}, series{"b", "x"}, series{"h_bucket", "le"})
	for size := 128; size <= longestLine; size *= 2 { // lines and comments across the ends of what is read at once
		got, err := scan(bufio.NewReaderSize(iotest.HalfReader(strings.NewReader(page)), size), w)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d bytes at once:\ngot  %v\nwant %v", size, got, want)
		}
	}
	for name, text := range map[string]string{
		"a line without an end":            "a " + strings.Repeat("x", 2<<20),
		"the same after what nobody wants": "# TYPE unwanted gauge\nunwanted 1\n# HELP a " + strings.Repeat("x", 2<<20),
	} {
		if _, err := scan(pageReader(text), w); !errors.Is(err, bufio.ErrBufferFull) {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := io.MultiReader(strings.NewReader("a 1\n# TYPE unwanted gauge\nunwanted 1\n"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if got, err := scan(bufio.NewReaderSize(broken, longestLine), w); !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != 1 {
		t.Errorf("a page that breaks off: %v, %v", got, err)
	}
}

// A page is as hostile as any answer: what is made of it is finite, and only of what is
// wanted.
func FuzzPage(f *testing.F) {
	f.Add("etcd_server_has_leader 1\netcd_server_proposals_pending NaN\netcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.128\"} +Inf\n")
	f.Add("etcd_network_active_peers{Local=\"1\",Remote=\"a\"} 1\netcd_server_id{server_id=\"b\"} 1\n")
	f.Add("etcd_network_active_peers{Remote=\"\\x00")
	f.Fuzz(func(t *testing.T, text string) {
		samples, _ := scan(pageReader(text), wanted()) // an error leaves what was read
		s := scrape{name: "m1", samples: samples}
		p := s.page([]cluster.MemberView{{Name: "m1", ID: "b"}, {Name: "m2", ID: "a"}, {Name: "m3"}})
		if len(p.Peers) != 1 {
			t.Errorf("peers %+v", p.Peers)
		}
		for _, values := range []map[string]float64{p.Values, p.Peers[0].Values} {
			for name, v := range values {
				if math.IsNaN(v) || math.IsInf(v, 0) || wanted().series[name].name == "" {
					t.Errorf("%s is %v", name, v)
				}
			}
		}
		_, _ = s.id(), s.sees("a")
	})
}

func TestSees(t *testing.T) {
	start := sample{metricStart, "", 1000}
	leader := sample{metricHasLeader, "", 1}
	active := func(id string, v float64) sample { return sample{metricActivePeers, id, v} }
	tests := []struct {
		name    string
		up      time.Duration
		samples []sample
		want    cluster.Answer
	}{
		{"connected", time.Hour, []sample{start, leader, active("a", 1)}, cluster.Yes},
		{"connected twice", time.Hour, []sample{start, leader, active("a", 2)}, cluster.Yes},
		{"lost", time.Hour, []sample{start, leader, active("a", 0), active("b", 1)}, cluster.No},
		{"lost just after the start", time.Second, []sample{start, leader, active("a", 0)}, cluster.No},
		{"never connected", time.Hour, []sample{start, leader, active("b", 1)}, cluster.No},
		{"not connected yet", time.Second, []sample{start, leader, active("b", 1)}, cluster.Unknown},
		{"no start time", time.Hour, []sample{leader}, cluster.Unknown},
		{"no leader", time.Hour, []sample{start, {metricHasLeader, "", 0}, active("a", 0)}, cluster.Unknown},
		{"another program's metrics", time.Hour, []sample{start}, cluster.Unknown},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			s := scrape{name: "m1", at: time.Unix(1000, 0).Add(tc.up), samples: tc.samples}
			if got := s.sees("a"); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	t.Run("no clock", func(t *testing.T) {
		if got := (scrape{name: "m1", samples: []sample{start, leader}}).sees("a"); got != cluster.Unknown {
			t.Errorf("got %s", got)
		}
	})
}

func TestExpected(t *testing.T) {
	c := cluster.Cluster{Name: "c", Members: []cluster.Member{
		{Name: "m1", Peer: "http://h1:2380"}, {Name: "m2", Peer: "http://h2:2380/"},
	}}
	m1 := PeerMember{ID: "1", Name: "m1", PeerURLs: []string{"http://h1:2380"}}
	m2 := PeerMember{ID: "2", Name: "m2", PeerURLs: []string{"http://h2:2380"}}
	m3 := PeerMember{ID: "3", Name: "m3", PeerURLs: []string{"http://h3:2380"}}
	unstarted := PeerMember{ID: "2", PeerURLs: []string{"http://h2:2380"}}
	moved := PeerMember{ID: "2", Name: "m2", PeerURLs: []string{"http://10.0.0.2:2380"}}
	tests := []struct {
		name    string
		members []PeerMember
		seen    string
		want    string // in the error; empty: none
	}{
		{"the same", []PeerMember{m1, m2}, "c0", ""},
		{"nothing seen before", []PeerMember{m1, m2}, "", ""},
		{"one more", []PeerMember{m1, m2, m3}, "c0", ""},
		{"one that never started", []PeerMember{m1, unstarted}, "c0", ""},
		{"by name, under another address", []PeerMember{m1, moved}, "c0", ""},
		{"another cluster", []PeerMember{m1, m2}, "c1", "cluster ID"},
		{"one missing", []PeerMember{m1, m3}, "c0", `lacks "m2"`},
		{"none", nil, "c0", `lacks "m1"`},
		{"swapped", []PeerMember{
			{ID: "1", Name: "m2", PeerURLs: []string{"http://h1:2380"}}, {ID: "2", Name: "m1", PeerURLs: []string{"http://h2:2380"}},
		}, "c0", "two members"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			err := PeerView{ClusterID: "c0", Members: tc.members}.Expected(c, tc.seen)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
	t.Run("pinned", func(t *testing.T) {
		pinned := c
		pinned.Members = []cluster.Member{{Name: "m1", MemberID: "9"}}
		if err := (PeerView{ClusterID: "c0", Members: []PeerMember{m1}}).Expected(pinned, ""); err == nil {
			t.Error("another ID than the pinned one was taken")
		}
	})
}

func told(id uint64, applied uint64, errs ...string) *pb.StatusResponse {
	return &pb.StatusResponse{
		Header: &pb.ResponseHeader{ClusterId: 0xc0, MemberId: id}, RaftTerm: 2, Leader: 1, RaftIndex: applied, RaftAppliedIndex: applied, Errors: errs,
	}
}

func named(ids ...uint64) []*pb.Member {
	var list []*pb.Member
	for _, id := range ids {
		list = append(list, &pb.Member{ID: id, Name: "m" + hexID(id)})
	}
	return list
}

func TestAssemble(t *testing.T) {
	c := cluster.Cluster{Name: "c", Members: []cluster.Member{{Name: "m1"}, {Name: "m2"}, {Name: "m3", MemberID: "3"}}}
	up := func(id, applied uint64, list []*pb.Member, errs ...string) look {
		return look{status: told(id, applied, errs...), list: list}
	}
	down := look{reason: refused}
	all := named(1, 2, 3)

	t.Run("alarms are each member's own, whoever tells them", func(t *testing.T) {
		v := assemble(c, []look{
			up(1, 9, all, "etcdserver: no leader", "memberID:3 alarm:NOSPACE "),
			up(2, 9, all, "memberID:3  alarm:NOSPACE", "memberID:3 alarm:CORRUPT", "memberID:171 alarm:CORRUPT", "memberID:x alarm:CORRUPT"),
			down,
		})
		if got := v.Members[2].Alarms; !slices.Equal(got, []string{"CORRUPT", "NOSPACE"}) || !v.Members[2].AlarmsRead {
			t.Errorf("m3: %+v", v.Members[2])
		}
		if len(v.Members[0].Alarms) != 0 || !slices.Equal(v.UnlistedAlarms, []string{"CORRUPT"}) {
			t.Errorf("%+v", v)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		v := assemble(c, []look{down, down, down})
		if v.Mismatch || v.ID != "" || v.Members[0].AlarmsRead || v.Members[0].ID != "" || v.Members[2].ID != "3" || v.Voters() != 3 {
			t.Errorf("%+v", v)
		}
	})
	t.Run("the newest membership counts", func(t *testing.T) {
		v := assemble(c, []look{up(1, 5, named(1, 2)), up(2, 9, named(1, 2, 3, 4)), up(3, 7, nil)})
		if !v.Mismatch || !slices.Equal(v.Unlisted, []string{"m4"}) || !v.Members[2].Reachable {
			t.Errorf("%+v", v)
		}
	})
	t.Run("of one that is cut off, whose term has run ahead, the membership is old", func(t *testing.T) {
		cut := up(3, 5, named(1, 2, 3, 4))
		cut.status.RaftTerm, cut.status.Leader = 9, 0
		if v := assemble(c, []look{up(1, 9, all), up(2, 9, all), cut}); v.Voters() != 3 || v.Margin() != 1 || !v.Mismatch {
			t.Errorf("%d voters, margin %d, %+v", v.Voters(), v.Margin(), v)
		}
	})
	t.Run("one of another cluster, whose members have the same names, speaks for none of this one", func(t *testing.T) {
		strange := look{status: told(0x13, 500), list: []*pb.Member{{ID: 0x11, Name: "m1"}, {ID: 0x12, Name: "m2"}, {ID: 0x13, Name: "m3"}}}
		strange.status.Header.ClusterId, strange.status.RaftTerm, strange.status.Leader = 0xc1, 99, 0x13
		for _, looks := range [][]look{{up(1, 9, all), up(2, 9, all), strange}, {strange, up(2, 9, all), up(3, 9, all)}} {
			v := assemble(c, looks)
			reachable := 0
			for _, m := range v.Members {
				if m.Reachable {
					reachable++
				}
			}
			if reachable != 2 || v.ID != "c0" || v.Voters() != 3 || !v.Mismatch {
				t.Errorf("%d reachable, %+v", reachable, v)
			}
		}
	})
	t.Run("other cluster", func(t *testing.T) {
		strange := up(2, 9, all)
		strange.status.Header.ClusterId = 0xc1
		if v := assemble(c, []look{up(1, 9, all), strange, down}); !v.Mismatch {
			t.Errorf("%+v", v)
		}
	})
	t.Run("a role that differs", func(t *testing.T) {
		learner := named(1, 2, 3)
		learner[2].IsLearner = true
		if v := assemble(c, []look{up(1, 9, all), up(2, 9, learner), down}); !v.Mismatch {
			t.Errorf("%+v", v)
		}
	})
	t.Run("whose name etcd does not know is in the membership by its ID", func(t *testing.T) {
		c := cluster.Cluster{Name: "c", Members: []cluster.Member{{Name: "east"}, {Name: "west"}, {Name: "north"}}}
		v := assemble(c, []look{up(1, 9, all), up(2, 9, all), up(3, 9, all)})
		if leader, ok := v.Leader(); !ok || leader.Name != "east" || v.Voters() != 3 || v.Margin() != 1 || v.Members[1].Outside {
			t.Errorf("%d voters, margin %d, %+v", v.Voters(), v.Margin(), v)
		}
		v = assemble(c, []look{up(1, 9, all), up(9, 9, all), up(3, 9, all)})
		if !v.Members[1].Outside || v.Voters() != 3 || !slices.Equal(v.Unlisted, []string{"m2"}) {
			t.Errorf("%d voters, %+v", v.Voters(), v)
		}
	})
	t.Run("one that answers under two names has one vote", func(t *testing.T) {
		for _, c := range []cluster.Cluster{
			{Name: "c", Members: []cluster.Member{{Name: "m1"}, {Name: "alias"}, {Name: "m3"}}},
			{Name: "c", Members: []cluster.Member{{Name: "alias"}, {Name: "m1"}, {Name: "m3"}}},
			{Name: "c", Members: []cluster.Member{{Name: "east"}, {Name: "alias"}, {Name: "m3"}}},
		} {
			v := assemble(c, []look{up(1, 9, all), up(1, 9, all), down})
			if v.VotersReachable() != 1 || v.Margin() > -1 {
				t.Errorf("%d reachable, margin %d: %+v", v.VotersReachable(), v.Margin(), v)
			}
		}
	})
	t.Run("not the pinned one", func(t *testing.T) {
		v := assemble(c, []look{up(1, 9, named(1, 2, 4)), up(2, 9, named(1, 2, 4)), up(4, 9, named(1, 2, 4))})
		if m := v.Members[2]; m.Reachable || m.Error != other || m.Applied != 0 || m.ID != "3" {
			t.Errorf("%+v", m)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	ok := cluster.Member{Name: "m1", Endpoint: "http://h:2379"}
	tests := []struct {
		name string
		c    cluster.Cluster
		want string
	}{
		{"kind", cluster.Cluster{Name: "c", Kind: cluster.KindService}, "kind"},
		{"no endpoint", cluster.Cluster{Name: "c", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "m1"}}}, "endpoint"},
		{"no port", cluster.Cluster{Name: "c", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "m1", Endpoint: "http://h"}}}, "http(s)://host:port"},
		{"peer", cluster.Cluster{Name: "c", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "m1", Endpoint: "http://h:1", Peer: "h:2"}}}, "peer"},
		{"password in URL", cluster.Cluster{Name: "c", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "m1", Endpoint: "http://u:geheim@h:1"}}}, "read"},
		{"CA", cluster.Cluster{Name: "c", Kind: cluster.KindEtcd, Members: []cluster.Member{ok}, TLS: cluster.TLS{CAFile: "/nowhere/ca.pem"}}, "ca_file"},
		{"certificate", cluster.Cluster{Name: "c", Kind: cluster.KindEtcd, Members: []cluster.Member{ok}, TLS: cluster.TLS{CertFile: "/nowhere/c.pem", KeyFile: "/nowhere/c.key"}}, "cert_file"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := New(tc.c, Options{})
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("error %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestUnknownMember(t *testing.T) {
	d, err := New(cluster.Cluster{Name: "c", Kind: cluster.KindEtcd}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Health(t.Context(), "m9"); err == nil {
		t.Error("health")
	}
	if _, err := d.PeerMembers(t.Context(), "m9"); err == nil {
		t.Error("membership")
	}
	if _, err := d.ReceivedFrom(t.Context(), "m9"); err == nil {
		t.Error("bytes")
	}
	if _, ok := d.MemberID("m9"); ok {
		t.Error("ID")
	}
	if client, peer := d.Answers(t.Context(), "m9"); client || peer {
		t.Error("answers")
	}
	if v := d.View(t.Context()); len(v.Members) != 0 {
		t.Errorf("view %+v", v)
	}
}

func TestReasonOf(t *testing.T) {
	if got := reasonOf(nil); got != "" {
		t.Errorf("nil is %q", got)
	}
	if got := reasonOf(errors.New("x")); got != other {
		t.Errorf("a strange error is %q", got)
	}
}
