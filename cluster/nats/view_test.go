package nats

import (
	"errors"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

var errRefused = line.Because(cluster.Refused, errors.New("connection refused"))

func three() cluster.Cluster {
	c := cluster.Cluster{Name: "c", Kind: cluster.KindNATS}
	for i := 1; i <= 3; i++ {
		c.Members = append(c.Members, cluster.Member{Name: fmt.Sprintf("n%d", i), Endpoint: fmt.Sprintf("http://127.0.0.1:822%d", i)})
	}
	return c
}

// says is what a server says that names this meta leader, and has a replica of the
// stream orders with this leader and last sequence.
func says(t *testing.T, name, meta, leader string, last int) look {
	t.Helper()
	var v varz
	var j jsz
	for text, into := range map[string]any{
		fmt.Sprintf(`{"server_name": %q, "version": "2.9.10", "slow_consumers": 1, "jetstream": {"config": {"max_memory": 1, "max_storage": -1}, "stats": {"memory": 0, "storage": 7}, "meta": {"leader": %q, "cluster_size": 3}}}`, name, meta):                                           &v,
		fmt.Sprintf(`{"account_details": [{"name": "$G", "stream_detail": [{"name": "orders", "cluster": {"leader": %q, "replicas": [{"name": "n1"}, {"name": "n2"}, {"name": "n3"}]}, "config": {"num_replicas": 3}, "state": {"messages": %d, "last_seq": %d}}]}]}`, leader, last, last): &j,
	} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	return look{varz: &v, jsz: &j}
}

// empty is what a server says that has no stream.
func empty(t *testing.T, name, meta string) look {
	t.Helper()
	l := says(t, name, meta, "", 0)
	l.jsz.Accounts = nil
	return l
}

func TestAssemble(t *testing.T) {
	gone := look{err: errRefused}
	for _, tt := range []struct {
		name  string
		looks []look
		want  string
	}{
		{"in order", []look{says(t, "n1", "n1", "n2", 20), says(t, "n2", "n1", "n2", 20), says(t, "n3", "n1", "n2", 18)},
			"n1, margin 1 | primary true 0 | replica true 0 | replica true 2"},
		{"one is gone", []look{says(t, "n1", "n1", "n2", 20), says(t, "n2", "n1", "n2", 20), gone},
			"n1, margin 0 | primary true 0 | replica true 0 |  false -"},
		{"the leader of the stream is gone", []look{says(t, "n1", "n1", "n2", 20), gone, says(t, "n3", "n1", "n2", 18)},
			"n1, margin 0 | primary false - |  false - | replica false -"},
		{"the meta leader is gone, and nobody knows another", []look{gone, says(t, "n2", "", "n2", 20), says(t, "n3", "", "n2", 20)},
			"-, margin 0 |  false - | replica false - | replica false -"},
		{"a cut-off server names an old leader of both", []look{says(t, "n1", "n1", "n1", 15), says(t, "n2", "n2", "n2", 20), says(t, "n3", "n2", "n2", 20)},
			"n2, margin 1 | replica false - | primary true 0 | replica true 0"},
		{"a cut-off server leads the stream still, and another one does", []look{says(t, "n1", "n2", "n1", 20), says(t, "n2", "n2", "n2", 20), says(t, "n3", "n2", "n2", 20)},
			"n2, margin 1 | replica false - | primary true 0 | replica true 0"},
		{"a replica knows of no leader of the stream", []look{says(t, "n1", "n1", "n1", 20), says(t, "n2", "n1", "n1", 20), says(t, "n3", "n1", "", 20)},
			"n1, margin 1 | primary true 0 | replica true 0 | replica false -"},
		{"a replica was wiped, and has no stream yet", []look{says(t, "n1", "n1", "n1", 20), says(t, "n2", "n1", "n1", 20), empty(t, "n3", "n1")},
			"n1, margin 1 | primary true 0 | replica true 0 | replica false -"},
		{"nobody could be asked", []look{gone, gone, gone}, "-, margin -2 |  false - |  false - |  false -"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := assemble(three(), tt.looks, map[string]string{"n1": "n1", "n2": "n2", "n3": "n3"})
			got := told(v)
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// told is what the collectors publish of a View.
func told(v cluster.View) string {
	leader := "-"
	if l, ok := v.Leader(); ok {
		leader = l.Name
	}
	text := fmt.Sprintf("%s, margin %d", leader, v.Margin())
	for _, m := range v.Members {
		lag := "-"
		if m.Sync.Entries != nil {
			lag = fmt.Sprint(*m.Sync.Entries)
		}
		text += fmt.Sprintf(" | %s %v %s", m.Sync.Role, m.Sync.Running, lag)
	}
	return text
}

// A server with JetStream off has no vote, and one that the inventory lacks has.
func TestVoters(t *testing.T) {
	looks := []look{says(t, "n1", "n1", "n1", 1), says(t, "n2", "n1", "n1", 1), says(t, "n3", "", "", 1)}
	looks[2].varz.JetStream, looks[2].jsz = nil, nil
	v := assemble(three(), looks, map[string]string{})
	if v.Voters() != 3 || v.VotersReachable() != 2 || len(v.Unlisted) != 1 || v.Members[2].Sync.Running || v.Members[2].Sync.Up {
		t.Errorf("%d voters, %d reachable, unlisted %v, %+v", v.Voters(), v.VotersReachable(), v.Unlisted, v.Members[2].Sync)
	}
}

func TestTooManyStreams(t *testing.T) {
	l := says(t, "n1", "n1", "n1", 1)
	stream := l.jsz.Accounts[0].Streams[0]
	for i := range maxStreams + 4 {
		stream.Name = fmt.Sprintf("s%03d", i)
		l.jsz.Accounts[0].Streams = append(l.jsz.Accounts[0].Streams, stream)
	}
	if d := detail(l); len(d.Streams) != maxStreams || d.LeftOut != 5 || d.Streams[0].Name != "orders" {
		t.Errorf("%d streams, %d left out, the first %v", len(d.Streams), d.LeftOut, d.Streams[0])
	}
}

// A server may say anything of itself: it costs no more than a large cluster does.
func TestMetaGroupWithoutEnd(t *testing.T) {
	looks := []look{says(t, "n1", "n1", "n1", 1), says(t, "n2", "n1", "n1", 1), says(t, "n3", "n1", "n1", 1)}
	looks[2].varz.JetStream.Meta.Size = 1 << 62
	v := assemble(three(), looks, map[string]string{})
	if v.Voters() > maxServers || v.Margin() >= 0 {
		t.Errorf("%d voters, margin %d", v.Voters(), v.Margin())
	}
}
