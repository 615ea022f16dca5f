package exporter

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/mongodb"
)

func TestMongoDB(t *testing.T) {
	at := time.UnixMilli(1700000000500)
	v := cluster.View{
		Cluster: "c", Kind: cluster.KindMongoDB,
		Detail: &mongodb.Summary{Primaries: 1, Primary: "m0", Voters: 3, VotersReachable: 2, Unlisted: []string{"10.0.0.9:1"}, Config: map[string]mongodb.Configured{
			"m0": {Votes: 1, Priority: 2}, "m2": {Priority: 0, Hidden: true, Delay: 60},
		}},
		Members: []cluster.MemberView{
			{Name: "m0", Reachable: true, Detail: &mongodb.Member{
				State: "PRIMARY", Term: 7, Elected: at, Applied: at, Durable: at, Committed: at, Oplog: mongodb.Oplog{First: new(100.0), Last: new(200.0)},
				Peers: []mongodb.Peer{{Name: "m1", Healthy: true, Silent: new(1.5), Ping: new(0.003)}, {Name: "m2"}, {Address: "10.0.0.9:1", Healthy: true}},
			}},
			{Name: "m1", Reachable: true, Detail: &mongodb.Member{State: "ARBITER"}},
			{Name: "m2", Error: cluster.Timeout},
		},
	}
	want := `
mongodb_primaries{c} 1
mongodb_voters{c} 3
mongodb_voters_reachable{c} 2
mongodb_majority{c} 2
mongodb_margin{c} 0
mongodb_members_unlisted{c} 1
mongodb_term{c,m0} 7
mongodb_elected_timestamp_seconds{c,m0} 1.7000000005e+09
mongodb_applied_timestamp_seconds{c,m0} 1.7000000005e+09
mongodb_durable_timestamp_seconds{c,m0} 1.7000000005e+09
mongodb_committed_timestamp_seconds{c,m0} 1.7000000005e+09
mongodb_oplog_first_timestamp_seconds{c,m0} 100
mongodb_oplog_last_timestamp_seconds{c,m0} 200
mongodb_votes{c,m0} 1
mongodb_priority{c,m0} 2
mongodb_hidden{c,m0} 0
mongodb_delay_seconds{c,m0} 0
mongodb_votes{c,m2} 0
mongodb_priority{c,m2} 0
mongodb_hidden{c,m2} 1
mongodb_delay_seconds{c,m2} 60
mongodb_peer_healthy{c,m0,m1} 1
mongodb_peer_healthy{c,m0,m2} 0
mongodb_peer_silent_seconds{c,m0,m1} 1.5
mongodb_peer_ping_seconds{c,m0,m1} 0.003
`
	for _, state := range mongodb.States() {
		want += "mongodb_state{c,m0," + state + "} " + map[bool]string{true: "1", false: "0"}[state == "PRIMARY"] + "\n"
		want += "mongodb_state{c,m1," + state + "} " + map[bool]string{true: "1", false: "0"}[state == "ARBITER"] + "\n"
	}
	c := newMongoDB(Host{})
	registryOf(t, c, readOnce(t, c, v)) // lints
	sameLines(t, emitted(t, c, v), want)

	gone := cluster.Cluster{Name: "c", Kind: cluster.KindMongoDB, Members: []cluster.Member{{Name: "m0"}, {Name: "m1"}, {Name: "m2"}}}
	sameLines(t, emitted(t, c, blind(gone)), `
mongodb_primaries{c} 0
mongodb_voters{c} 3
mongodb_voters_reachable{c} 0
mongodb_majority{c} 2
mongodb_margin{c} -2
mongodb_members_unlisted{c} 0
`)
}
