package zookeeper

import (
	"errors"
	"fmt"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

const srvr = `Zookeeper version: 3.8.0-11+deb12u2, built on 2025-10-21 09:22 UTC
Latency min/avg/max: 0/2.0/5
Received: 1
Sent: 0
Connections: 1
Outstanding: 0
Zxid: %s
Mode: %s
Node count: 5
`

var errRefused = line.Because(cluster.Refused, errors.New("connection refused"))

func ensemble(n int) cluster.Cluster {
	c := cluster.Cluster{Name: "c", Kind: cluster.KindZooKeeper}
	for i := 1; i <= n; i++ {
		c.Members = append(c.Members, cluster.Member{Name: fmt.Sprintf("z%d", i), Endpoint: fmt.Sprintf("zookeeper://127.0.0.1:218%d", i)})
	}
	return c
}

func says(t *testing.T, mode, zxid string) look {
	t.Helper()
	answer := notServing + "\n"
	if mode != "" {
		answer = fmt.Sprintf(srvr, zxid, mode)
	}
	var l look
	if err := l.srvr([]byte(answer)); err != nil {
		t.Fatal(err)
	}
	return l
}

// told is what the collectors publish of a View.
func told(v cluster.View) string {
	leader := "-"
	if l, ok := v.Leader(); ok {
		leader = l.Name
	}
	text := fmt.Sprintf("%s, %d voters, margin %d", leader, v.Voters(), v.Margin())
	for _, m := range v.Members {
		lag := "-"
		if m.Sync.Entries != nil {
			lag = fmt.Sprint(*m.Sync.Entries)
		}
		text += fmt.Sprintf(" | %s up %v running %v %s", m.Sync.Role, m.Sync.Up, m.Sync.Running, lag)
	}
	return text
}

func TestAssemble(t *testing.T) {
	gone := look{err: errRefused}
	for _, tt := range []struct {
		name  string
		looks []look
		want  string
	}{
		{"in order", []look{says(t, "leader", "0x100000010"), says(t, "follower", "0x10000000e"), says(t, "follower", "0x100000010")},
			"z1, 3 voters, margin 1 | primary up true running true - | replica up true running true 2 | replica up true running true 0"},
		{"one is gone", []look{says(t, "leader", "0x100000010"), says(t, "follower", "0x100000010"), gone},
			"z1, 3 voters, margin 0 | primary up true running true - | replica up true running true 0 |  up false running false -"},
		{"no quorum", []look{says(t, "", ""), gone, gone},
			"-, 3 voters, margin -1 |  up true running false - |  up false running false - |  up false running false -"},
		{"the last transaction is of an earlier epoch", []look{says(t, "leader", "0x200000001"), says(t, "follower", "0x1000000ff"), says(t, "follower", "0x200000001")},
			"z1, 3 voters, margin 1 | primary up true running true - | replica up true running true - | replica up true running true 0"},
		{"a leader that was just cut off", []look{says(t, "leader", "0x100000010"), says(t, "leader", "0x200000001"), says(t, "follower", "0x200000001")},
			"z2, 3 voters, margin 1 | primary up true running false - | primary up true running true - | replica up true running true 0"},
		{"an observer", []look{says(t, "leader", "0x100000010"), says(t, "follower", "0x100000010"), says(t, "observer", "0x10000000f")},
			"z1, 2 voters, margin 0 | primary up true running true - | replica up true running true 0 | replica up true running true 1"},
		{"nobody could be asked", []look{gone, gone, gone},
			"-, 3 voters, margin -2 |  up false running false - |  up false running false - |  up false running false -"},
		{"a server that is cut off lets clients read", []look{says(t, "leader", "0x100000010"), says(t, "follower", "0x100000010"), says(t, "read-only", "0x10000000e")},
			"z1, 3 voters, margin 1 | primary up true running true - | replica up true running true 0 |  up true running false -"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := told(assemble(ensemble(len(tt.looks)), tt.looks, nil)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// An observer that is down was no voter, as long as it is known to be one.
func TestObserverThatIsDown(t *testing.T) {
	looks := []look{says(t, "leader", "0x1"), says(t, "follower", "0x1"), {err: errRefused}}
	if v := assemble(ensemble(3), looks, map[string]bool{"z3": true}); v.Voters() != 2 || v.Margin() != 0 {
		t.Errorf("%d voters, margin %d", v.Voters(), v.Margin())
	}
}

func TestAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing": "", "a web server": "HTTP/1.1 400 Bad Request\r\nDate: now\r\n\r\n", "no mode": "Zookeeper version: 3.8.0\nZxid: 0x1\n", "no zxid": "Zookeeper version: 3.8.0\nMode: leader\nZxid: none\n",
	} {
		var l look
		if err := l.srvr([]byte(answer)); line.Reason(err) != cluster.BadProtocol || l.answered {
			t.Errorf("%s: %v", name, err)
		}
	}
	l := says(t, "leader", "0x5000000a3")
	if l.version != "3.8.0" || l.zxid != 0x5000000a3 {
		t.Errorf("%+v", l)
	}
	if c := counts([]byte("mntr is not executed because it is not in the whitelist.\n")); c != nil {
		t.Errorf("a refusal counts %v", c)
	}
	l.counts = counts([]byte("zk_version\t3.8.0\nzk_synced_followers\t2\nzk_avg_latency\t0.5\nzk_znode_count\t5\n"))
	if d := detail(l); *d.Synced != 2 || *d.Znodes != 5 || d.Watches != nil || d.Epoch != 5 || d.Counter != 0xa3 {
		t.Errorf("%+v", d)
	}
}

func FuzzSrvr(f *testing.F) {
	f.Add(fmt.Sprintf(srvr, "0x100000010", "leader"), "zk_znode_count\t5\n")
	f.Add(notServing, "mntr is not executed because it is not in the whitelist.\n")
	f.Fuzz(func(t *testing.T, said, counted string) {
		var l look
		if err := l.srvr([]byte(said)); err == nil != l.answered {
			t.Fatalf("answered %v, %v", l.answered, err)
		}
		l.counts = counts([]byte(counted))
		if v := assemble(ensemble(1), []look{l}, nil); l.answered != v.Members[0].Reachable {
			t.Errorf("%+v", v)
		}
	})
}
