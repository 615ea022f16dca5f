package consul

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

var now = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)

func three() cluster.Cluster {
	c := cluster.Cluster{Name: "dc1", Kind: cluster.KindConsul}
	for i := 1; i <= 3; i++ {
		c.Members = append(c.Members, cluster.Member{Name: fmt.Sprintf("s%d", i), Endpoint: fmt.Sprintf("http://127.0.0.1%d:8500", i)})
	}
	return c
}

func configuration() []server {
	var all []server
	for i := 1; i <= 3; i++ {
		all = append(all, server{ID: fmt.Sprintf("id%d", i), Node: fmt.Sprintf("s%d", i), Address: fmt.Sprintf("127.0.0.1%d:8300", i), Voter: true})
	}
	return all
}

// says is what server i says, which names the leader at an address.
func says(i int, state, leader, term, commit, applied string) look {
	s := &self{}
	s.Config.NodeID, s.Config.NodeName, s.Config.Version, s.Config.Server = fmt.Sprintf("id%d", i), fmt.Sprintf("s%d", i), "1.12.9", true
	s.Member.Addr, s.Member.Tags = fmt.Sprintf("127.0.0.1%d", i), map[string]string{"port": "8300"}
	s.Stats.Consul = map[string]string{"leader_addr": leader}
	s.Stats.Raft = map[string]string{"state": state, "term": term, "commit_index": commit, "applied_index": applied, "last_contact": "12.5ms", "last_log_index": applied}
	if state == "Leader" {
		s.Stats.Raft["last_contact"] = "0"
	}
	return look{self: s, servers: configuration()}
}

var errRefused = line.Because(cluster.Refused, errors.New("connection refused"))

func TestAssemble(t *testing.T) {
	const at1, at2 = "127.0.0.11:8300", "127.0.0.12:8300"
	for _, tt := range []struct {
		name  string
		looks []look
		want  string // leader, voters, reachable, margin; then of each member running and entries
	}{
		{"in order", []look{says(1, "Leader", at1, "3", "100", "100"), says(2, "Follower", at1, "3", "100", "98"), says(3, "Follower", at1, "3", "99", "99")},
			"s1 3 3 1 | true 0 | true 2 | true 1"},
		{"a follower is gone", []look{says(1, "Leader", at1, "3", "100", "100"), says(2, "Follower", at1, "3", "100", "100"), {err: errRefused}},
			"s1 3 2 0 | true 0 | true 0 | false -"},
		{"the leader is gone and another one leads", []look{{err: errRefused}, says(2, "Leader", at2, "4", "110", "110"), says(3, "Follower", at2, "4", "110", "110")},
			"s2 3 2 0 | false - | true 0 | true 0"},
		{"no quorum", []look{says(1, "Candidate", "", "9", "100", "100"), {err: errRefused}, {err: errRefused}},
			"- 3 1 -1 | false - | false - | false -"},
		{"a cut-off leader still says that it leads", []look{says(1, "Leader", at1, "3", "100", "100"), says(2, "Leader", at2, "4", "120", "120"), says(3, "Follower", at2, "4", "120", "119")},
			"s2 3 3 1 | false 20 | true 0 | true 1"},
		{"nobody could be asked", []look{{err: errRefused}, {err: errRefused}, {err: errRefused}},
			"- 3 0 -2 | false - | false - | false -"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := assemble(three(), tt.looks, map[string]string{}, now)
			leader := "-"
			if l, ok := v.Leader(); ok {
				leader = l.Name
			}
			got := fmt.Sprintf("%s %d %d %d", leader, v.Voters(), v.VotersReachable(), v.Margin())
			for _, m := range v.Members {
				entries := "-"
				if m.Sync.Entries != nil {
					entries = fmt.Sprint(*m.Sync.Entries)
				}
				got += fmt.Sprintf(" | %v %s", m.Sync.Running, entries)
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// A server that is not reachable keeps the role that the others name: a learner that is
// down is not counted as a voter.
func TestLearnerThatIsDown(t *testing.T) {
	looks := []look{says(1, "Leader", "127.0.0.11:8300", "3", "5", "5"), says(2, "Follower", "127.0.0.11:8300", "3", "5", "5"), {err: errRefused}}
	for i := range looks[:2] {
		looks[i].servers[2].Voter = false
	}
	v := assemble(three(), looks, map[string]string{}, now)
	if !v.Members[2].Learner || v.Voters() != 2 || v.Margin() != 0 || v.Mismatch {
		t.Errorf("%d voters, margin %d, %+v", v.Voters(), v.Margin(), v.Members[2])
	}
	looks[1].servers = looks[1].servers[:2]
	if v := assemble(three(), looks, map[string]string{}, now); !v.Mismatch {
		t.Error("two memberships in one term are no mismatch")
	}
}

// Without the right to read the configuration the leader is known by the addresses that
// the servers have themselves.
func TestWithoutTheConfiguration(t *testing.T) {
	looks := []look{says(1, "Leader", "127.0.0.11:8300", "3", "5", "5"), says(2, "Follower", "127.0.0.11:8300", "3", "5", "4"), {err: errRefused}}
	looks[0].servers, looks[1].servers = nil, nil
	v := assemble(three(), looks, map[string]string{}, now)
	if l, ok := v.Leader(); !ok || l.Name != "s1" || v.Voters() != 3 || v.Margin() != 0 || *v.Members[1].Sync.Entries != 1 {
		t.Errorf("%+v", v)
	}
}

func TestAutopilotIsTheLeadersWord(t *testing.T) {
	looks := []look{says(1, "Leader", "127.0.0.11:8300", "3", "5", "5"), says(2, "Leader", "127.0.0.12:8300", "2", "5", "5"), says(3, "Follower", "127.0.0.11:8300", "3", "5", "5")}
	mine, old := &health{FailureTolerance: 1}, &health{Healthy: true, FailureTolerance: 7}
	mine.Servers = append(mine.Servers, struct {
		ID          string
		Healthy     bool
		StableSince time.Time
	}{"id3", true, now.Add(-time.Hour)}, struct {
		ID          string
		Healthy     bool
		StableSince time.Time
	}{"unlisted", true, now})
	looks[0].health, looks[1].health = mine, old
	v := assemble(three(), looks, map[string]string{}, now)
	if d, ok := v.Members[1].Detail.(*Member); !ok || d.Autopilot != nil {
		t.Error("the word of a leader of an old term is told")
	}
	d, ok := v.Members[0].Detail.(*Member)
	if !ok || d.Autopilot == nil || fmt.Sprintf("%+v", *d.Autopilot) != fmt.Sprintf("%+v", Autopilot{FailureTolerance: 1, Servers: []Server{{"s3", true, now.Add(-time.Hour)}}}) {
		t.Errorf("got %+v", d)
	}
}

func TestUnlistedServer(t *testing.T) {
	looks := []look{says(1, "Leader", "127.0.0.11:8300", "3", "5", "5"), {err: errRefused}, {err: errRefused}}
	looks[0].servers = append(looks[0].servers, server{ID: "id4", Node: "s4", Address: "127.0.0.14:8300", Voter: true})
	v := assemble(three(), looks, map[string]string{}, now)
	if strings.Join(v.Unlisted, " ") != "s4" || v.Voters() != 4 || v.Margin() != -2 {
		t.Errorf("unlisted %v, %d voters, margin %d", v.Unlisted, v.Voters(), v.Margin())
	}
}

// A server that was started empty has another ID, and no place in the configuration that
// those have who follow a leader: it has no vote, and the one that it was is gone.
func TestServerStartedEmpty(t *testing.T) {
	looks := []look{says(1, "Leader", "127.0.0.11:8300", "3", "5", "5"), says(2, "Follower", "127.0.0.11:8300", "3", "5", "5"), says(3, "Follower", "", "0", "0", "0")}
	looks[2].self.Config.NodeID, looks[2].servers = "id9", []server{}
	v := assemble(three(), looks, map[string]string{"s3": "id3"}, now)
	if !v.Members[2].Outside || v.Voters() != 3 || v.VotersReachable() != 2 || v.Margin() != 0 || v.Members[2].Sync.Running {
		t.Errorf("%d voters, %d reachable, margin %d, %+v", v.Voters(), v.VotersReachable(), v.Margin(), v.Members[2])
	}
}

func TestCheck(t *testing.T) {
	whole := says(1, "Leader", "a", "3", "5", "5").self
	if err := whole.check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*self){
		"not Consul's":  func(s *self) { s.Config.Version = "" },
		"no server":     func(s *self) { s.Config.Server = false },
		"of Raft":       func(s *self) { s.Stats.Raft = nil },
		"not a number":  func(s *self) { s.Stats.Raft["term"] = "-1" },
		"applied_index": func(s *self) { delete(s.Stats.Raft, "applied_index") },
	} {
		s := says(1, "Leader", "a", "3", "5", "5").self
		spoil(s)
		if err := s.check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestLastContact(t *testing.T) {
	for text, want := range map[string]string{"12.5ms": "12.5ms true", "never": "0s false", "0": "0s false", "-1ns": "-1ns false", "": "0s false"} {
		s := says(2, "Follower", "a", "3", "5", "5").self
		s.Stats.Raft["last_contact"] = text
		if d, ok := s.lastContact(); fmt.Sprint(d, ok) != want {
			t.Errorf("%q: %v %v, want %s", text, d, ok, want)
		}
	}
}

// A leader that names a server many times is believed once.
func TestAutopilotNamesAServerOnce(t *testing.T) {
	const at = "127.0.0.11:8300"
	looks := []look{says(1, "Leader", at, "3", "100", "100"), says(2, "Follower", at, "3", "100", "100"), says(3, "Follower", at, "3", "100", "100")}
	looks[0].health = &health{Healthy: true}
	for range 1000 {
		looks[0].health.Servers = append(looks[0].health.Servers, struct {
			ID          string
			Healthy     bool
			StableSince time.Time
		}{ID: "id2", Healthy: true})
	}
	v := assemble(three(), looks, map[string]string{}, now)
	if d, ok := v.Members[0].Detail.(*Member); !ok || d.Autopilot == nil || len(d.Autopilot.Servers) != 1 {
		t.Errorf("%+v", v.Members[0].Detail)
	}
}

// A server that is cut off counts its term up, and has the configuration of before.
func TestConfigurationOfOneThatIsCutOff(t *testing.T) {
	const at1 = "127.0.0.11:8300"
	cut := says(3, "Candidate", "", "9", "90", "90")
	cut.servers = append(cut.servers, server{ID: "id4", Node: "s4", Address: "127.0.0.14:8300", Voter: true}) // taken out since
	looks := []look{says(1, "Leader", at1, "3", "100", "100"), says(2, "Follower", at1, "3", "100", "100"), cut}
	if v := assemble(three(), looks, map[string]string{}, now); v.Voters() != 3 || v.Margin() != 1 {
		t.Errorf("%d voters, margin %d", v.Voters(), v.Margin())
	}
}

// What the configuration of a server has in another form is not told.
func TestTimeouts(t *testing.T) {
	for _, tc := range []struct {
		told any
		want time.Duration // 0: none
	}{{"5s", 5 * time.Second}, {"1.5s", 1500 * time.Millisecond}, {nil, 0}, {"", 0}, {"0s", 0}, {"-1s", 0}, {5e9, 0}, {map[string]any{}, 0}} {
		got := timeout(tc.told)
		if (got == nil) != (tc.want == 0) || got != nil && *got != tc.want {
			t.Errorf("%v: got %v, want %v", tc.told, got, tc.want)
		}
	}
}
