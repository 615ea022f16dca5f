package postgres

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The oldest version that has what is asked.
const oldest = 13

// most rows of each list that is asked for: beyond them only their number is told.
const mostRows = 64

// question is all that a server is asked: one row with one JSON object, in a transaction
// that changes nothing and waits for nobody. Settings are made inside of it, not at
// connect, so that a pooler in transaction mode may stand between.
type question struct {
	begin string // with the settings
	text  string // one SELECT
	name  string // of text, prepared: no other text has it
}

const commit = "COMMIT"

// questionFor is the question to a server of a major version.
func questionFor(major int, timeout time.Duration) question {
	inactiveSince, invalidated, applyErrors, leader := "NULL", "NULL", "", ""
	if major >= 17 {
		inactiveSince = "extract(epoch FROM inactive_since)"
		invalidated = "(invalidation_reason IS NOT NULL)"
	}
	if major >= 16 { // not its parallel workers
		leader = "AND w.leader_pid IS NULL"
	}
	if major >= 15 {
		// to_jsonb, since a later version may call a counter otherwise.
		applyErrors = `, 'apply_errors', (SELECT (to_jsonb(e)->>'apply_error_count')::bigint FROM pg_stat_subscription_stats e WHERE e.subid = s.oid),
			'sync_errors', (SELECT (to_jsonb(e)->>'sync_error_count')::bigint FROM pg_stat_subscription_stats e WHERE e.subid = s.oid)`
	}
	text := strings.NewReplacer(
		"$most", strconv.Itoa(mostRows),
		"$inactive_since", inactiveSince,
		"$invalidated", invalidated,
		"$leader", leader,
		"$apply_errors", applyErrors,
	).Replace(questionText)
	ms := max(timeout.Milliseconds(), 1)
	return question{
		begin: fmt.Sprintf("BEGIN READ ONLY; SET LOCAL statement_timeout = %d; SET LOCAL lock_timeout = %d", ms, ms),
		text:  text,
		name:  fmt.Sprintf("fettle_%x", sha256.Sum256([]byte(text)))[:30],
	}
}

// Positions in the log are told as the bytes before them: a number of 64 bits. On a
// standby pg_current_wal_lsn fails, so each question of a position is put for the role.
// A standby without a receiver says nowhere else than in the names of its log files that
// it has followed a promotion: the control file may be old.
const questionText = `SELECT json_build_object(
	'allowed', pg_has_role('pg_read_all_stats', 'USAGE'),
	'version', current_setting('server_version_num')::int,
	'system', (SELECT system_identifier::text FROM pg_control_system()),
	'now', extract(epoch FROM clock_timestamp()),
	'started', extract(epoch FROM pg_postmaster_start_time()),
	'recovery', r.recovery,
	'read_only', CASE WHEN current_setting('default_transaction_read_only') = 'on' THEN
		(SELECT source NOT IN ('user', 'database user', 'client', 'session') FROM pg_settings WHERE name = 'default_transaction_read_only') ELSE false END,
	'segment', CASE WHEN NOT r.recovery THEN pg_walfile_name(pg_current_wal_lsn())
		WHEN NOT EXISTS (SELECT FROM pg_stat_wal_receiver) THEN (SELECT max(name COLLATE "C") FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$') END,
	'current', CASE WHEN NOT r.recovery THEN pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') END,
	'timelines', CASE WHEN r.recovery THEN (SELECT json_build_array(c.timeline_id, m.min_recovery_end_timeline) FROM pg_control_checkpoint() c, pg_control_recovery() m) END,
	'received', CASE WHEN r.recovery THEN pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0') END,
	'replayed', CASE WHEN r.recovery THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') END,
	'replayed_commit', CASE WHEN r.recovery THEN extract(epoch FROM pg_last_xact_replay_timestamp()) END,
	'paused', CASE WHEN r.recovery THEN pg_is_wal_replay_paused() END,
	'receiver_timeout', (SELECT extract(epoch FROM current_setting('wal_receiver_timeout')::interval)),
	'receiver', (SELECT json_build_object('status', status, 'timeline', received_tli, 'slot', slot_name,
		'host', sender_host, 'port', sender_port,
		'silent', extract(epoch FROM clock_timestamp() - last_msg_receipt_time)) FROM pg_stat_wal_receiver LIMIT 1),
	'standbys', (SELECT count(*) FROM pg_stat_replication),
	'standby', (SELECT json_agg(json_build_object('pid', s.pid, 'name', s.application_name, 'address', host(s.client_addr),
		'slot', (SELECT slot_name FROM pg_replication_slots l WHERE l.active_pid = s.pid LIMIT 1), 'state', s.state, 'sync', s.sync_state,
		'sent', pg_wal_lsn_diff(s.sent_lsn, '0/0'), 'written', pg_wal_lsn_diff(s.write_lsn, '0/0'),
		'flushed', pg_wal_lsn_diff(s.flush_lsn, '0/0'), 'replayed', pg_wal_lsn_diff(s.replay_lsn, '0/0'),
		'write_lag', extract(epoch FROM s.write_lag), 'flush_lag', extract(epoch FROM s.flush_lag), 'replay_lag', extract(epoch FROM s.replay_lag),
		'replied', extract(epoch FROM s.reply_time)))
		FROM (SELECT * FROM pg_stat_replication ORDER BY application_name, pid LIMIT $most) s),
	'slots', (SELECT count(*) FROM pg_replication_slots),
	'slot', (SELECT json_agg(json_build_object('name', s.slot_name, 'logical', s.slot_type = 'logical', 'active', s.active,
		'status', s.wal_status, 'safe', s.safe_wal_size, 'restart', pg_wal_lsn_diff(s.restart_lsn, '0/0'),
		'confirmed', pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0'), 'inactive_since', $inactive_since, 'invalidated', $invalidated))
		FROM (SELECT * FROM pg_replication_slots ORDER BY slot_name LIMIT $most) s),
	'subscriptions', (SELECT count(*) FROM pg_subscription),
	'subscription', (SELECT json_agg(json_build_object('name', s.subname, 'database', (SELECT datname FROM pg_database d WHERE d.oid = s.subdbid), 'enabled', s.subenabled, 'running', w.pid IS NOT NULL,
		'received', pg_wal_lsn_diff(w.received_lsn, '0/0'), 'reported', pg_wal_lsn_diff(w.latest_end_lsn, '0/0'),
		'silent', extract(epoch FROM clock_timestamp() - w.last_msg_receipt_time) $apply_errors))
		FROM (SELECT oid, subdbid, subname, subenabled FROM pg_subscription ORDER BY subname, oid LIMIT $most) s
		LEFT JOIN pg_stat_subscription w ON w.subid = s.oid AND w.relid IS NULL $leader),
	'archiver', (SELECT json_build_object('archived', archived_count, 'failed', failed_count,
		'archived_at', extract(epoch FROM last_archived_time), 'failed_at', extract(epoch FROM last_failed_time)) FROM pg_stat_archiver),
	'archives', current_setting('archive_mode') = 'always' OR current_setting('archive_mode') = 'on' AND NOT r.recovery,
	'most_connections', current_setting('max_connections')::int,
	'sessions', (SELECT json_build_object('connections', count(*) FILTER (WHERE backend_type = 'client backend'),
		'waiting', count(*) FILTER (WHERE wait_event_type = 'IPC' AND wait_event = 'SyncRep'),
		'transaction', extract(epoch FROM clock_timestamp() - min(xact_start) FILTER (WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())))
		FROM pg_stat_activity),
	'prepared', (SELECT extract(epoch FROM clock_timestamp() - min(prepared)) FROM pg_prepared_xacts),
	'transaction_ids', (SELECT max(age(datfrozenxid)) FROM pg_database),
	'multixact_ids', (SELECT max(mxid_age(datminmxid)) FROM pg_database)
) FROM (SELECT pg_is_in_recovery() AS recovery) r`
