package exporter

import (
	"context"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/mongodb"
)

type mongodbCollector struct {
	primaries, voters, votersReachable, majority, margin, unlisted *Metric // a set's state

	state, term, elected                               *Metric // measured: the member
	applied, durable, committed, oplogFirst, oplogLast *Metric
	votes, priority, hidden, delay                     *Metric // as it is configured
	peerHealthy, peerSilent, peerPing                  *Metric // the others, as it sees them
}

func newMongoDB(Host) Collector {
	c, m, p := []string{"cluster"}, []string{"cluster", "member"}, []string{"cluster", "member", "peer"}
	return &mongodbCollector{
		primaries:       gauge("fettle_mongodb_primaries", "Reachable members that say they are the primary.", c...),
		voters:          gauge("fettle_mongodb_voters", "Voters in the configuration of the highest term that a reachable member has; the members of the inventory until one was read.", c...),
		votersReachable: gauge("fettle_mongodb_voters_reachable", "Voters that answer this exporter.", c...),
		majority:        gauge("fettle_mongodb_majority", "Voters that an election needs: half of them, rounded down, plus one.", c...),
		margin:          gauge("fettle_mongodb_margin", "Voters that may still fail: those reachable less the majority. Negative: no primary can be elected, as far as this exporter sees.", c...),
		unlisted:        gauge("fettle_mongodb_members_unlisted", "Members of the set whose address is no member's of the inventory. 0 until a configuration was read.", c...),

		state:   gauge("fettle_mongodb_state", "1 for the member's state, 0 for the others. Absent while the member is not reachable.", "cluster", "member", "state"),
		term:    gauge("fettle_mongodb_term", "The member's election term. Absent while it is not reachable, and of an arbiter.", m...),
		elected: gauge("fettle_mongodb_elected_timestamp_seconds", "When the member became the primary. Absent unless it is one.", m...),

		applied:    gauge("fettle_mongodb_applied_timestamp_seconds", "When the last change that the member has was made. Absent while it is not reachable, and of an arbiter.", m...),
		durable:    gauge("fettle_mongodb_durable_timestamp_seconds", "When the last change that the member has on its disk was made. Absent while it is not reachable, and of an arbiter.", m...),
		committed:  gauge("fettle_mongodb_committed_timestamp_seconds", "When the last change was made that the member knows a majority to have. Absent while it is not reachable, and of an arbiter.", m...),
		oplogFirst: gauge("fettle_mongodb_oplog_first_timestamp_seconds", "When the oldest change in the member's oplog was made: who is further behind has to copy everything. Absent unless it is primary or secondary.", m...),
		oplogLast:  gauge("fettle_mongodb_oplog_last_timestamp_seconds", "When the newest one was made: less the first it is the oplog's window. Absent unless the member is primary or secondary.", m...),

		votes:    gauge("fettle_mongodb_votes", "The member's votes in the configuration. Absent while no reachable member has one.", m...),
		priority: gauge("fettle_mongodb_priority", "The member's priority in elections; 0: it never becomes primary. Absent while no reachable member has a configuration.", m...),
		hidden:   gauge("fettle_mongodb_hidden", "1 if clients are not told of the member. Absent while no reachable member has a configuration.", m...),
		delay:    gauge("fettle_mongodb_delay_seconds", "How long the member stays behind on purpose; the lag is without it. Absent while no reachable member has a configuration.", m...),

		peerHealthy: gauge("fettle_mongodb_peer_healthy", "1 if the peer answered the member's last heartbeat. Absent while the member is not reachable.", p...),
		peerSilent:  gauge("fettle_mongodb_peer_silent_seconds", "How long no heartbeat of the member was answered by the peer. Absent while the member is not reachable, and where none ever was.", p...),
		peerPing:    gauge("fettle_mongodb_peer_ping_seconds", "How long a heartbeat takes there and back. Absent while the member is not reachable.", p...),
	}
}

func (c *mongodbCollector) Metrics() []*Metric {
	return []*Metric{
		c.primaries, c.voters, c.votersReachable, c.majority, c.margin, c.unlisted, c.state, c.term, c.elected,
		c.applied, c.durable, c.committed, c.oplogFirst, c.oplogLast, c.votes, c.priority, c.hidden, c.delay, c.peerHealthy, c.peerSilent, c.peerPing,
	}
}

func (c *mongodbCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindMongoDB)
	for _, v := range views {
		told, ok := v.Detail.(*mongodb.Summary)
		if !ok { // the look did not come back
			told = &mongodb.Summary{Voters: len(v.Members)}
		}
		emit(c.primaries, float64(told.Primaries), v.Cluster)
		emit(c.voters, float64(told.Voters), v.Cluster)
		emit(c.votersReachable, float64(told.VotersReachable), v.Cluster)
		emit(c.majority, float64(told.Majority()), v.Cluster)
		emit(c.margin, float64(told.VotersReachable-told.Majority()), v.Cluster)
		emit(c.unlisted, float64(len(told.Unlisted)), v.Cluster)
		for _, m := range v.Members {
			if d, ok := m.Detail.(*mongodb.Member); ok {
				c.member(d, emit, v.Cluster, m.Name)
				c.peers(d, emit, v.Cluster, m.Name)
			}
			if conf, ok := told.Config[m.Name]; ok {
				emit(c.votes, conf.Votes, v.Cluster, m.Name)
				emit(c.priority, conf.Priority, v.Cluster, m.Name)
				emit(c.hidden, boolean(conf.Hidden), v.Cluster, m.Name)
				emit(c.delay, conf.Delay, v.Cluster, m.Name)
			}
		}
	}
	return err
}

func (c *mongodbCollector) member(d *mongodb.Member, emit Emit, labels ...string) {
	for _, state := range mongodb.States() {
		emit(c.state, boolean(d.State == state), labels[0], labels[1], state)
	}
	if d.State == "ARBITER" {
		return
	}
	emit(c.term, d.Term, labels...)
	at := func(m *Metric, t time.Time) {
		if !t.IsZero() {
			emit(m, float64(t.UnixMilli())/1000, labels...)
		}
	}
	if d.State == "PRIMARY" {
		at(c.elected, d.Elected)
	}
	at(c.applied, d.Applied)
	at(c.durable, d.Durable)
	at(c.committed, d.Committed)
	optional(emit, c.oplogFirst, d.Oplog.First, labels)
	optional(emit, c.oplogLast, d.Oplog.Last, labels)
}

func (c *mongodbCollector) peers(d *mongodb.Member, emit Emit, labels ...string) {
	told := map[string]bool{}
	for _, p := range d.Peers {
		if p.Name == "" || told[p.Name] {
			continue
		}
		told[p.Name] = true
		of := append(labels[:2:2], p.Name)
		emit(c.peerHealthy, boolean(p.Healthy), of...)
		optional(emit, c.peerSilent, p.Silent, of)
		optional(emit, c.peerPing, p.Ping, of)
	}
}
