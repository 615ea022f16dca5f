package exporter

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

// raftVantage tells where the members and this exporter do not agree on who is there.
type raftVantage struct{ peers, connected, disagree *Metric }

func newRaftVantage() raftVantage {
	m := []string{"cluster", "member"}
	return raftVantage{
		peers:     gauge("fettle_raft_vantage_peers", "Other members that can tell whether they are connected to the member: they see a leader, and their metrics page can be read.", m...),
		connected: gauge("fettle_raft_vantage_peers_connected", "Those of them that are connected to the member.", m...),
		disagree:  gauge("fettle_raft_vantage_disagreement", "1 if the member answers this exporter and none of those peers is connected to it, or the other way round. Absent where no peer can tell.", m...),
	}
}

func (c raftVantage) metrics() []*Metric { return []*Metric{c.peers, c.connected, c.disagree} }

func (c raftVantage) emit(name string, m cluster.MemberView, told *etcd.Member, emit Emit) {
	labels := []string{name, m.Name}
	emit(c.peers, float64(told.Seen), labels...)
	emit(c.connected, float64(told.Connected), labels...)
	if told.Seen > 0 {
		emit(c.disagree, boolean(m.Reachable != (told.Connected > 0)), labels...)
	}
}
