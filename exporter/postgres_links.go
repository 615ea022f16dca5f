package exporter

import (
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/postgres"
)

// postgresStandby is the link to a standby, as the member sees it that sends.
type postgresStandby struct{ streaming, sync, behind, lag, replied *Metric }

func newPostgresStandby() postgresStandby {
	s := []string{"cluster", "member", "standby"}
	stage := append(s, "stage") //nolint:gocritic // another slice
	return postgresStandby{
		streaming: gauge("fettle_postgres_standby_streaming", "1 if the other member streams from this one. Of a primary for each other member, of a standby for those that follow it.", s...),
		sync:      gauge("fettle_postgres_standby_synchronous", "1 if commits wait for this standby, or for enough of its quorum.", s...),
		behind:    gauge("fettle_postgres_standby_behind_bytes", "Log that the member has and the standby has not sent, written, flushed or replayed, as the standby told it last.", stage...),
		lag:       gauge("fettle_postgres_standby_lag_seconds", "Time from the commit here until the standby had it written, flushed or replayed. Absent while it was not measured since the last look, and in idleness.", stage...),
		replied:   gauge("fettle_postgres_standby_reply_timestamp_seconds", "When the standby replied last, by its own clock.", s...),
	}
}

func (c postgresStandby) metrics() []*Metric {
	return []*Metric{c.streaming, c.sync, c.behind, c.lag, c.replied}
}

func (c postgresStandby) of(m *postgres.Member, v cluster.View, e postgresEmit) {
	has := m.Current
	if m.Recovery {
		has = m.Received
	}
	for _, other := range v.Members {
		row, connected := m.Standbys[other.Name]
		if other.Name == e.member || m.Recovery && !connected {
			continue
		}
		e.value(c.streaming, boolean(connected && row.State == "streaming"), other.Name)
		if !connected {
			continue
		}
		e.value(c.sync, boolean(row.Sync == "sync" || row.Sync == "quorum"), other.Name)
		e.known(c.replied, row.Replied, other.Name)
		for _, stage := range []struct {
			name string
			at   *uint64
			lag  *float64
		}{{"sent", row.Sent, nil}, {"write", row.Written, row.WriteLag}, {"flush", row.Flushed, row.FlushLag}, {"replay", row.Replayed, row.ReplayLag}} {
			e.known(c.behind, postgresBehind(has, stage.at), other.Name, stage.name)
			e.known(c.lag, stage.lag, other.Name, stage.name)
		}
	}
}

// postgresBehind is how far at is behind; nil if either is not known. Positions are
// subtracted as whole numbers: as floats they are exact up to 2^53 only.
func postgresBehind(has, at *uint64) *float64 {
	if has == nil || at == nil {
		return nil
	}
	behind := 0.0
	if *has > *at {
		behind = float64(*has - *at)
	}
	return &behind
}

// postgresSlot is the log that a member keeps for somebody.
type postgresSlot struct{ slots, active, status, retained, safe, confirmed, inactive, invalidated *Metric }

func newPostgresSlot() postgresSlot {
	s := []string{"cluster", "member", "slot"}
	return postgresSlot{
		slots:       gauge("fettle_postgres_slots", "Replication slots. Of more than 64 the first are told of.", "cluster", "member"),
		active:      gauge("fettle_postgres_slot_active", "1 if somebody is connected to the slot.", s...),
		status:      gauge("fettle_postgres_slot_status", "1 for what is kept for the slot: reserved, extended (beyond max_wal_size), unreserved (about to go) or lost.", "cluster", "member", "slot", "status"),
		retained:    gauge("fettle_postgres_slot_retained_bytes", "Log that is kept for the slot. Absent if it keeps none.", s...),
		safe:        gauge("fettle_postgres_slot_safe_bytes", "Log that may still be written before the slot is lost. Absent without max_slot_wal_keep_size.", s...),
		confirmed:   gauge("fettle_postgres_slot_unconfirmed_bytes", "Of a logical slot: log that its reader has not confirmed.", s...),
		inactive:    gauge("fettle_postgres_slot_inactive_timestamp_seconds", "Since when nobody is connected, by the member's clock. PostgreSQL 17 and later.", s...),
		invalidated: gauge("fettle_postgres_slot_invalidated", "1 if nobody can use the slot any more. PostgreSQL 17 and later.", s...),
	}
}

func (c postgresSlot) metrics() []*Metric {
	return []*Metric{c.slots, c.active, c.status, c.retained, c.safe, c.confirmed, c.inactive, c.invalidated}
}

func (c postgresSlot) of(m *postgres.Member, e postgresEmit) {
	has := m.Current
	if m.Recovery {
		has = m.Received
	}
	e.value(c.slots, float64(m.SlotCount))
	for _, s := range m.Slots {
		e.value(c.active, boolean(s.Active), s.Name)
		for _, status := range []string{"reserved", "extended", "unreserved", "lost"} {
			e.value(c.status, boolean(s.Status == status), s.Name, status)
		}
		e.known(c.retained, postgresBehind(has, s.Restart), s.Name)
		if s.Safe != nil {
			e.value(c.safe, float64(*s.Safe), s.Name)
		}
		e.known(c.confirmed, postgresBehind(has, s.Confirmed), s.Name)
		e.known(c.inactive, s.InactiveSince, s.Name)
		if s.Invalidated != nil {
			e.value(c.invalidated, boolean(*s.Invalidated), s.Name)
		}
	}
}

// postgresSubscription is the receiving end of logical replication.
type postgresSubscription struct{ subscriptions, enabled, running, unreported, silent, applyErrors, syncErrors *Metric }

func newPostgresSubscription() postgresSubscription {
	s := []string{"cluster", "member", "database", "subscription"}
	return postgresSubscription{
		subscriptions: gauge("fettle_postgres_subscriptions", "Logical subscriptions. Of more than 64 the first are told of.", "cluster", "member"),
		enabled:       gauge("fettle_postgres_subscription_enabled", "1 if the subscription is to run.", s...),
		running:       gauge("fettle_postgres_subscription_running", "1 if its worker runs.", s...),
		unreported:    gauge("fettle_postgres_subscription_unreported_bytes", "Log that was received and not yet reported to the publisher as applied. Absent while the worker does not run.", s...),
		silent:        gauge("fettle_postgres_subscription_silent_seconds", "Time since the publisher's last message. Absent while the worker does not run.", s...),
		applyErrors:   counter("fettle_postgres_subscription_apply_errors_total", "Changes that could not be applied. PostgreSQL 15 and later.", s...),
		syncErrors:    counter("fettle_postgres_subscription_sync_errors_total", "First copies of a table that failed. PostgreSQL 15 and later.", s...),
	}
}

func (c postgresSubscription) metrics() []*Metric {
	return []*Metric{c.subscriptions, c.enabled, c.running, c.unreported, c.silent, c.applyErrors, c.syncErrors}
}

func (c postgresSubscription) of(m *postgres.Member, e postgresEmit) {
	e.value(c.subscriptions, float64(m.SubscriptionCount))
	for _, s := range m.Subscriptions {
		e.value(c.enabled, boolean(s.Enabled), s.Database, s.Name)
		e.value(c.running, boolean(s.Running), s.Database, s.Name)
		if s.Running {
			e.known(c.unreported, postgresBehind(s.Received, s.Reported), s.Database, s.Name)
			e.known(c.silent, s.Silent, s.Database, s.Name)
		}
		if s.ApplyErrors != nil {
			e.value(c.applyErrors, float64(*s.ApplyErrors), s.Database, s.Name)
		}
		if s.SyncErrors != nil {
			e.value(c.syncErrors, float64(*s.SyncErrors), s.Database, s.Name)
		}
	}
}
