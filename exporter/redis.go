package exporter

import (
	"context"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/redis"
)

type redisCollector struct {
	primaries, agreed *Metric // a cluster's state

	offset, shared, loading, start                        *Metric // measured: the member
	linkUp, linkDown, linkSilent, syncing, left, received *Metric // a replica's link
	priority, readOnly                                    *Metric
	replicas, unlisted, good, online, acknowledged, age   *Metric // its replicas, as it sees them
	backlog, backlogSize, backlogLength, backlogFrom      *Metric
	appendOnly, appendOK, saveOK, lastSave, unsaved       *Metric // its disk
	saving, rewriting, snapshots                          *Metric
	refused                                               *Metric // a primary's
	clients, blocked, maxClients                          *Metric
	sentinel                                              sentinelMetrics
}

func newRedis(Host) Collector {
	c, m, r := []string{"cluster"}, []string{"cluster", "member"}, []string{"cluster", "member", "replica"}
	return &redisCollector{
		primaries: gauge("fettle_redis_primaries", "Reachable members that say they are the primary. Not 1: nobody takes writes, or two do.", c...),
		agreed:    gauge("fettle_redis_primary_agreed", "1 if one reachable member says it is the primary, and more than half of the declared Sentinels, if there are any, name it.", c...),

		offset:  gauge("fettle_redis_offset_bytes", "Position in the member's replication history: what a primary has written, what a replica has processed. Absent while the member is not reachable, and of a replica without a position.", m...),
		shared:  gauge("fettle_redis_history_shared", "1 if the replica has the replication history of the one reachable primary: only then can their positions be compared. Absent while there is not exactly one, and of a primary.", m...),
		loading: gauge("fettle_redis_loading", "1 if the member still reads its data from the disk, or from its source. Absent while it is not reachable.", m...),
		start:   gauge("fettle_redis_start_timestamp_seconds", "When the server started, by its own clock. Absent while it is not reachable, and where it does not tell.", m...),

		linkUp:     gauge("fettle_redis_link_up", "1 if the replica says that its link is up, which it does for a minute after a silent cut. Absent while it is not reachable, and of a primary.", m...),
		linkDown:   gauge("fettle_redis_link_down_seconds", "How long the replica's link has been down. Absent while it is up, before it was up first, and of a primary.", m...),
		linkSilent: gauge("fettle_redis_link_silent_seconds", "How long nothing came over the replica's link. Absent while it is down, and of a primary.", m...),
		syncing:    gauge("fettle_redis_link_syncing", "1 if the replica is being sent the whole data set. Absent while it is not reachable, and of a primary.", m...),
		left:       gauge("fettle_redis_link_left_bytes", "What of the data set is still to be sent to the replica. Absent while none is sent, and where its length is not known beforehand (diskless).", m...),
		received:   gauge("fettle_redis_link_received_bytes", "Position up to which the replica has received its history, processed or not. Absent before Redis 7, and of a primary.", m...),
		priority:   gauge("fettle_redis_priority", "The replica's priority in a failover; 0: it is never promoted. Absent while it is not reachable, and of a primary.", m...),
		readOnly:   gauge("fettle_redis_read_only", "1 if the replica refuses writes of clients. Absent while it is not reachable, and of a primary.", m...),

		replicas:     gauge("fettle_redis_replicas", "Replicas that are connected to the member. Absent while it is not reachable.", m...),
		unlisted:     gauge("fettle_redis_replicas_unlisted", "Those of them whose address is no member's of the inventory. Absent while the member is not reachable.", m...),
		good:         gauge("fettle_redis_replicas_good", "Replicas near enough to count for min-replicas-to-write. Absent where that is not configured.", m...),
		online:       gauge("fettle_redis_replica_online", "1 if changes flow to the replica, as the member that it follows says. Absent while that is not reachable or does not name it.", r...),
		acknowledged: gauge("fettle_redis_replica_acknowledged_bytes", "Position that the replica has acknowledged last, as the member that it follows says: there also while the replica cannot be asked.", r...),
		age:          gauge("fettle_redis_replica_acknowledged_age_seconds", "How long ago that was; a healthy replica acknowledges every second.", r...),

		backlog:       gauge("fettle_redis_backlog_active", "1 if the member keeps the newest part of its history for replicas that come back. Absent while it is not reachable.", m...),
		backlogSize:   gauge("fettle_redis_backlog_size_bytes", "How much of it is kept at most. Absent while the member is not reachable.", m...),
		backlogLength: gauge("fettle_redis_backlog_length_bytes", "How much is kept now. Absent while the member is not reachable.", m...),
		backlogFrom:   gauge("fettle_redis_backlog_first_bytes", "Position from which it is kept: a replica that has less is sent the whole data set. Absent while nothing is kept.", m...),

		appendOnly: gauge("fettle_redis_aof_enabled", "1 if every write goes to an append-only file. Absent while the member is not reachable.", m...),
		appendOK:   gauge("fettle_redis_aof_write_ok", "1 if the last write to the append-only file went well; while it did not, the member takes no writes. Absent without such a file.", m...),
		snapshots:  gauge("fettle_redis_snapshots_enabled", "1 if `save` is configured. Absent unless redis.config is declared and CONFIG GET is allowed.", m...),
		saveOK:     gauge("fettle_redis_snapshot_ok", "1 if the last snapshot went well, or none was tried. Absent while the member is not reachable.", m...),
		lastSave:   gauge("fettle_redis_snapshot_timestamp_seconds", "When the last snapshot that went well was made; the start where none was made since. Absent while the member is not reachable.", m...),
		unsaved:    gauge("fettle_redis_snapshot_unsaved_changes", "Changes since then. Absent while the member is not reachable.", m...),
		saving:     gauge("fettle_redis_snapshot_running", "1 if a snapshot is being made. Absent while the member is not reachable.", m...),
		rewriting:  gauge("fettle_redis_aof_rewriting", "1 if the append-only file is being rewritten. Absent while the member is not reachable.", m...),

		refused: gauge("fettle_redis_writes_refused", "1 for each reason why the primary refuses writes: it loads its data, its append-only file or its last snapshot could not be written, too few replicas are near, its memory is full, or writes are paused. Absent while it is not reachable, of a replica, and where a setting decides that was not asked (redis.config).", "cluster", "member", "reason"),

		clients:    gauge("fettle_redis_clients", "Connected clients, without replicas. Absent while the member is not reachable.", m...),
		blocked:    gauge("fettle_redis_clients_blocked", "Those of them that wait in a blocking command. Absent while the member is not reachable.", m...),
		maxClients: gauge("fettle_redis_clients_limit", "Clients at which the next one is refused. Absent where the server does not tell (before Redis 6.2).", m...),

		sentinel: newSentinelMetrics(),
	}
}

func (c *redisCollector) Metrics() []*Metric {
	return append([]*Metric{
		c.primaries, c.agreed, c.offset, c.shared, c.loading, c.start,
		c.linkUp, c.linkDown, c.linkSilent, c.syncing, c.left, c.received, c.priority, c.readOnly,
		c.replicas, c.unlisted, c.good, c.online, c.acknowledged, c.age,
		c.backlog, c.backlogSize, c.backlogLength, c.backlogFrom,
		c.appendOnly, c.appendOK, c.saveOK, c.lastSave, c.unsaved, c.saving, c.rewriting, c.snapshots, c.refused,
		c.clients, c.blocked, c.maxClients,
	}, c.sentinel.all()...)
}

func (c *redisCollector) Collect(_ context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(cluster.KindRedis)
	for _, v := range views {
		told := redis.Summary{}
		if d, ok := v.Detail.(*redis.Summary); ok {
			told = *d
		}
		emit(c.primaries, float64(told.Primaries), v.Cluster)
		emit(c.agreed, boolean(told.Agreed), v.Cluster)
		for _, m := range v.Members {
			if d, ok := m.Detail.(*redis.Member); ok {
				labels := []string{v.Cluster, m.Name}
				c.member(d, emit, labels)
				c.link(d, emit, labels)
				c.followers(d, emit, labels)
				c.disk(d, emit, labels)
				c.writes(d, emit, labels)
			}
		}
		c.sentinel.emit(v, told, emit)
	}
	return err
}

// optional emits what is known.
func optional(emit Emit, m *Metric, value *float64, labels []string) {
	if value != nil {
		emit(m, *value, labels...)
	}
}

func (c *redisCollector) member(d *redis.Member, emit Emit, labels []string) {
	optional(emit, c.offset, d.Offset, labels)
	emit(c.loading, boolean(d.Loading), labels...)
	if !d.Start.IsZero() {
		emit(c.start, float64(d.Start.Unix()), labels...)
	}
	emit(c.clients, d.Clients, labels...)
	emit(c.blocked, d.Blocked, labels...)
	optional(emit, c.maxClients, d.MaxClients, labels)
	emit(c.backlog, boolean(d.Backlog.Active), labels...)
	emit(c.backlogSize, d.Backlog.Size, labels...)
	emit(c.backlogLength, d.Backlog.Length, labels...)
	if d.Backlog.Active {
		emit(c.backlogFrom, d.Backlog.From, labels...)
	}
}

func (c *redisCollector) link(d *redis.Member, emit Emit, labels []string) {
	if d.Role != cluster.Replica {
		return
	}
	emit(c.linkUp, boolean(d.Link.Up), labels...)
	emit(c.syncing, boolean(d.Link.Syncing), labels...)
	emit(c.readOnly, boolean(d.Link.ReadOnly), labels...)
	optional(emit, c.linkDown, d.Link.DownFor, labels)
	optional(emit, c.linkSilent, d.Link.Silent, labels)
	optional(emit, c.left, d.Link.Left, labels)
	optional(emit, c.received, d.Link.Received, labels)
	optional(emit, c.priority, d.Link.Priority, labels)
	if d.Shared != nil {
		emit(c.shared, boolean(*d.Shared), labels...)
	}
}

func (c *redisCollector) followers(d *redis.Member, emit Emit, labels []string) {
	unlisted := d.Connected
	named := map[string]bool{}
	for _, r := range d.Replicas {
		if r.Name == "" || named[r.Name] { // one that came back is there twice until its old link times out
			continue
		}
		named[r.Name] = true
		unlisted--
		of := append(labels[:2:2], r.Name)
		emit(c.online, boolean(r.Online), of...)
		if r.Offset != nil {
			emit(c.acknowledged, *r.Offset, of...)
			emit(c.age, r.Acknowledged, of...)
		}
	}
	emit(c.replicas, float64(d.Connected), labels...)
	emit(c.unlisted, float64(max(0, unlisted)), labels...)
	optional(emit, c.good, d.GoodReplicas, labels)
}

func (c *redisCollector) disk(d *redis.Member, emit Emit, labels []string) {
	emit(c.appendOnly, boolean(d.Disk.AppendOnly), labels...)
	if d.Disk.AppendOnly {
		emit(c.appendOK, boolean(d.Disk.AppendOK), labels...)
	}
	emit(c.rewriting, boolean(d.Disk.Rewriting), labels...)
	emit(c.saveOK, boolean(d.Disk.SaveOK), labels...)
	emit(c.saving, boolean(d.Disk.Saving), labels...)
	emit(c.lastSave, float64(d.Disk.LastSave.Unix()), labels...)
	emit(c.unsaved, d.Disk.Unsaved, labels...)
	if d.Snapshots != nil {
		emit(c.snapshots, boolean(*d.Snapshots), labels...)
	}
}

func (c *redisCollector) writes(d *redis.Member, emit Emit, labels []string) {
	if d.Role != cluster.Primary {
		return
	}
	for _, r := range redis.Refusals() {
		if refused := d.Refuses(r); refused != nil {
			emit(c.refused, boolean(*refused), append(labels[:2:2], string(r))...)
		}
	}
}
