package exporter

import (
	"context"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/postgres"
)

type postgresCollector struct {
	primaries                                                                     *Metric // state
	recovery, readOnly, timeline, started                                         *Metric
	current, received, replayed                                                   *Metric // positions
	streaming, silent, silenceLimit, paused, commit, positionAge, commitAge       *Metric // a standby's
	standbys, unlisted                                                            *Metric
	connections, mostConnections, waiting, transaction, prepared, ids, multixacts *Metric
	archiving, archiveFailing, archived, archiveFailed, archivedAt                *Metric
	standby                                                                       postgresStandby
	slot                                                                          postgresSlot
	subscription                                                                  postgresSubscription
}

func newPostgres(Host) Collector {
	m := []string{"cluster", "member"}
	return &postgresCollector{
		primaries: gauge("fettle_postgres_primaries", "Members that say that they are the primary. 2 are one too many, 0 if none of them answers.", "cluster"),
		recovery:  gauge("fettle_postgres_in_recovery", "1 if the member is a standby.", m...),
		readOnly:  gauge("fettle_postgres_read_only", "1 if the member takes no writes by its configuration (default_transaction_read_only).", m...),
		timeline:  gauge("fettle_postgres_timeline", "The timeline that the member is on: one more after each promotion.", m...),
		started:   gauge("fettle_postgres_start_timestamp_seconds", "When the member was started, by its clock.", m...),

		current:      gauge("fettle_postgres_current_position_bytes", "Of a primary: where its log ends that is written.", m...),
		received:     gauge("fettle_postgres_received_position_bytes", "Of a standby: where its log ends that is on its disk.", m...),
		replayed:     gauge("fettle_postgres_replayed_position_bytes", "Of a standby: up to where its log is replayed.", m...),
		streaming:    gauge("fettle_postgres_receiver_streaming", "Of a standby: 1 if its receiver streams from its source, and has not been silent for too long.", m...),
		silent:       gauge("fettle_postgres_receiver_silent_seconds", "Of a standby: time since the last message of its source.", m...),
		silenceLimit: gauge("fettle_postgres_receiver_silence_limit_seconds", "Of a standby: silence after which it counts as not streaming, three quarters of its wal_receiver_timeout. 0: never.", m...),
		paused:       gauge("fettle_postgres_replay_paused", "Of a standby: 1 if somebody has paused its replay.", m...),
		commit:       gauge("fettle_postgres_replayed_commit_timestamp_seconds", "Of a standby: when the last transaction that it replayed was committed, by the clock of that primary. Not a lag: it grows old while nothing is written.", m...),
		positionAge:  gauge("fettle_postgres_lag_since_position_seconds", "Of a standby: how long ago its primary was last seen to have no more than it has. A part of its lag.", m...),
		commitAge:    gauge("fettle_postgres_lag_since_commit_seconds", "Of a standby: age of the last transaction that it replayed, by the clock of its primary. A part of its lag.", m...),

		standbys: gauge("fettle_postgres_standbys", "Connections that read the member's log: standbys, backups, logical subscribers.", m...),
		unlisted: gauge("fettle_postgres_standbys_unlisted", "Those of them that are no member of the inventory.", m...),

		connections:     gauge("fettle_postgres_connections", "Clients that are connected.", m...),
		mostConnections: gauge("fettle_postgres_connections_limit", "Clients that may be connected (max_connections).", m...),
		waiting:         gauge("fettle_postgres_commits_waiting", "Sessions that wait for a synchronous standby to confirm their commit.", m...),
		transaction:     gauge("fettle_postgres_oldest_transaction_seconds", "Age of the oldest transaction of a client. Absent if there is none.", m...),
		prepared:        gauge("fettle_postgres_oldest_prepared_transaction_seconds", "Age of the oldest prepared transaction. Absent if there is none.", m...),
		ids:             gauge("fettle_postgres_transaction_ids_used", "Transaction IDs since the oldest that is not frozen, of the database where they are most. At 2^31 no more are given.", m...),
		multixacts:      gauge("fettle_postgres_multixact_ids_used", "Multixact IDs since the oldest that is not frozen, of the database where they are most. At 2^31 no more are given.", m...),

		archiving:      gauge("fettle_postgres_archiving", "1 if the member is to archive its log.", m...),
		archiveFailing: gauge("fettle_postgres_archive_failing", "1 if the last attempt to archive failed. Absent if nothing is to be archived.", m...),
		archived:       counter("fettle_postgres_archived_total", "Files of the log that were archived.", m...),
		archiveFailed:  counter("fettle_postgres_archive_failures_total", "Failed attempts to archive one.", m...),
		archivedAt:     gauge("fettle_postgres_last_archived_timestamp_seconds", "When the last one was archived, by the member's clock. Absent if none was.", m...),

		standby: newPostgresStandby(), slot: newPostgresSlot(), subscription: newPostgresSubscription(),
	}
}

func (c *postgresCollector) Metrics() []*Metric {
	all := []*Metric{
		c.primaries, c.recovery, c.readOnly, c.timeline, c.started, c.current, c.received, c.replayed,
		c.streaming, c.silent, c.silenceLimit, c.paused, c.commit, c.positionAge, c.commitAge, c.standbys, c.unlisted,
		c.connections, c.mostConnections, c.waiting, c.transaction, c.prepared, c.ids, c.multixacts,
		c.archiving, c.archiveFailing, c.archived, c.archiveFailed, c.archivedAt,
	}
	all = append(all, c.standby.metrics()...)
	all = append(all, c.slot.metrics()...)
	return append(all, c.subscription.metrics()...)
}

func (c *postgresCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindPostgres)
	for _, v := range views {
		primaries := 0
		for _, m := range v.Members {
			seen, ok := m.Detail.(*postgres.Member)
			if !ok { // it could not be asked
				continue
			}
			if !seen.Recovery {
				primaries++
			}
			e := postgresEmit{emit, m.Name, []string{v.Cluster, m.Name}}
			c.of(seen, e)
			c.standby.of(seen, v, e)
		}
		emit(c.primaries, float64(primaries), v.Cluster)
	}
	return err
}

// postgresEmit emits of one member.
type postgresEmit struct {
	emit   Emit
	member string
	labels []string // of its cluster and itself
}

func (e postgresEmit) value(m *Metric, value float64, labels ...string) {
	e.emit(m, value, append(e.labels[:2:2], labels...)...)
}

// known emits what is known.
func (e postgresEmit) known(m *Metric, value *float64, labels ...string) {
	if value != nil {
		e.value(m, *value, labels...)
	}
}

func (e postgresEmit) position(m *Metric, value *uint64, labels ...string) {
	if value != nil {
		e.value(m, float64(*value), labels...)
	}
}

func (c *postgresCollector) of(m *postgres.Member, e postgresEmit) {
	e.value(c.recovery, boolean(m.Recovery))
	e.value(c.readOnly, boolean(m.ReadOnly))
	if m.Timeline != 0 {
		e.value(c.timeline, float64(m.Timeline))
	}
	e.value(c.started, m.Started)
	e.position(c.current, m.Current)
	e.position(c.received, m.Received)
	e.position(c.replayed, m.Replayed)
	if m.Recovery {
		e.value(c.streaming, boolean(m.Streaming()))
		if m.Receiver != nil {
			e.known(c.silent, m.Receiver.Silent)
		}
		e.value(c.silenceLimit, m.SilenceLimit())
		e.value(c.paused, boolean(m.Paused))
		e.known(c.commit, m.ReplayedAt)
		e.known(c.positionAge, m.PositionAge)
		e.known(c.commitAge, m.CommitAge)
	}
	e.value(c.standbys, float64(m.StandbysConnected))
	e.value(c.unlisted, float64(m.Unlisted))

	e.value(c.connections, float64(m.Sessions.Connections))
	e.value(c.mostConnections, float64(m.MostConnections))
	e.value(c.waiting, float64(m.Sessions.Waiting))
	e.known(c.transaction, m.Sessions.Transaction)
	e.known(c.prepared, m.Prepared)
	e.value(c.ids, float64(m.TransactionIDs))
	e.value(c.multixacts, float64(m.MultixactIDs))

	e.value(c.archiving, boolean(m.Archives))
	if m.Archives {
		e.value(c.archiveFailing, boolean(m.Archiver.Failing()))
		e.value(c.archived, float64(m.Archiver.Archived))
		e.value(c.archiveFailed, float64(m.Archiver.Failed))
		e.known(c.archivedAt, m.Archiver.ArchivedAt)
	}
	c.slot.of(m, e)
	c.subscription.of(m, e)
}
