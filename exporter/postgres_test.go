package exporter

import (
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/postgres"
)

// postgresView is a primary with a slot for its standby, which is paused and has a
// subscription, and a member that is down.
func postgresView() cluster.View {
	primary := &postgres.Member{
		Timeline: 3, Started: 100, Current: new(uint64(1000)), StandbysConnected: 3, Unlisted: 2,
		Standbys:        map[string]postgres.Standby{"b": {State: "streaming", Sync: "quorum", Sent: new(uint64(1000)), Written: new(uint64(1000)), Flushed: new(uint64(990)), Replayed: new(uint64(800)), WriteLag: new(0.1), Replied: new(99.5)}},
		SlotCount:       2,
		Slots:           []postgres.Slot{{Name: "b", Active: true, Status: "reserved", Safe: new(int64(5000)), Restart: new(uint64(900))}, {Name: "cdc", Logical: true, Status: "lost", Confirmed: new(uint64(400)), InactiveSince: new(90.0), Invalidated: new(true)}},
		Archives:        true,
		Archiver:        postgres.Archiver{Archived: 7, Failed: 2, ArchivedAt: new(95.0), FailedAt: new(96.0)},
		MostConnections: 100, Sessions: postgres.Sessions{Connections: 12, Waiting: 1, Transaction: new(30.5)}, Prepared: new(3.5), TransactionIDs: 200, MultixactIDs: 1,
	}
	standby := &postgres.Member{
		Recovery: true, Timeline: 3, Started: 200, Received: new(uint64(1000)), Replayed: new(uint64(800)), ReplayedAt: new(80.0), Paused: true, ReceiverTimeout: 60,
		Receiver: &postgres.Receiver{Status: "streaming", Silent: new(2.5)}, PositionAge: new(15.0), CommitAge: new(20.0),
		SubscriptionCount: 1, Subscriptions: []postgres.Subscription{{Name: "s", Database: "d", Enabled: true, Running: true, Received: new(uint64(50)), Reported: new(uint64(40)), Silent: new(1.5), ApplyErrors: new(int64(4)), SyncErrors: new(int64(0))}},
		MostConnections: 100,
	}
	return cluster.View{Cluster: "c", Kind: cluster.KindPostgres, Members: []cluster.MemberView{
		{Name: "a", Reachable: true, Detail: primary, Sync: &cluster.Sync{Role: cluster.Primary, Up: true, Running: true}},
		{Name: "b", Reachable: true, Detail: standby, Sync: &cluster.Sync{Role: cluster.Replica, Up: true}},
		{Name: "x", Error: cluster.Refused, Sync: &cluster.Sync{}},
	}}
}

func TestPostgres(t *testing.T) {
	c := newPostgres(Host{})
	registryOf(t, c, readOnce(t, c, postgresView())) // lints
	want := `
postgres_primaries{c} 1
postgres_in_recovery{c,a} 0
postgres_read_only{c,a} 0
postgres_timeline{c,a} 3
postgres_start_timestamp_seconds{c,a} 100
postgres_current_position_bytes{c,a} 1000
postgres_standbys{c,a} 3
postgres_standbys_unlisted{c,a} 2
postgres_standby_streaming{c,a,b} 1
postgres_standby_streaming{c,a,x} 0
postgres_standby_synchronous{c,a,b} 1
postgres_standby_behind_bytes{c,a,b,sent} 0
postgres_standby_behind_bytes{c,a,b,write} 0
postgres_standby_behind_bytes{c,a,b,flush} 10
postgres_standby_behind_bytes{c,a,b,replay} 200
postgres_standby_lag_seconds{c,a,b,write} 0.1
postgres_standby_reply_timestamp_seconds{c,a,b} 99.5
postgres_slots{c,a} 2
postgres_slot_active{c,a,b} 1
postgres_slot_status{c,a,b,reserved} 1
postgres_slot_status{c,a,b,extended} 0
postgres_slot_status{c,a,b,unreserved} 0
postgres_slot_status{c,a,b,lost} 0
postgres_slot_retained_bytes{c,a,b} 100
postgres_slot_safe_bytes{c,a,b} 5000
postgres_slot_active{c,a,cdc} 0
postgres_slot_status{c,a,cdc,reserved} 0
postgres_slot_status{c,a,cdc,extended} 0
postgres_slot_status{c,a,cdc,unreserved} 0
postgres_slot_status{c,a,cdc,lost} 1
postgres_slot_unconfirmed_bytes{c,a,cdc} 600
postgres_slot_inactive_timestamp_seconds{c,a,cdc} 90
postgres_slot_invalidated{c,a,cdc} 1
postgres_archiving{c,a} 1
postgres_archive_failing{c,a} 1
postgres_archived_total{c,a} 7
postgres_archive_failures_total{c,a} 2
postgres_last_archived_timestamp_seconds{c,a} 95
postgres_connections{c,a} 12
postgres_connections_limit{c,a} 100
postgres_commits_waiting{c,a} 1
postgres_oldest_transaction_seconds{c,a} 30.5
postgres_oldest_prepared_transaction_seconds{c,a} 3.5
postgres_transaction_ids_used{c,a} 200
postgres_multixact_ids_used{c,a} 1
postgres_subscriptions{c,a} 0
postgres_in_recovery{c,b} 1
postgres_read_only{c,b} 0
postgres_timeline{c,b} 3
postgres_start_timestamp_seconds{c,b} 200
postgres_received_position_bytes{c,b} 1000
postgres_replayed_position_bytes{c,b} 800
postgres_receiver_streaming{c,b} 1
postgres_receiver_silent_seconds{c,b} 2.5
postgres_receiver_silence_limit_seconds{c,b} 45
postgres_replay_paused{c,b} 1
postgres_replayed_commit_timestamp_seconds{c,b} 80
postgres_lag_since_position_seconds{c,b} 15
postgres_lag_since_commit_seconds{c,b} 20
postgres_standbys{c,b} 0
postgres_standbys_unlisted{c,b} 0
postgres_slots{c,b} 0
postgres_archiving{c,b} 0
postgres_connections{c,b} 0
postgres_connections_limit{c,b} 100
postgres_commits_waiting{c,b} 0
postgres_transaction_ids_used{c,b} 0
postgres_multixact_ids_used{c,b} 0
postgres_subscriptions{c,b} 1
postgres_subscription_enabled{c,b,d,s} 1
postgres_subscription_running{c,b,d,s} 1
postgres_subscription_unreported_bytes{c,b,d,s} 10
postgres_subscription_silent_seconds{c,b,d,s} 1.5
postgres_subscription_apply_errors_total{c,b,d,s} 4
postgres_subscription_sync_errors_total{c,b,d,s} 0`
	sameLines(t, emitted(t, c, postgresView()), want)
}

// Of servers that cannot be asked the state is told, and nothing else.
func TestPostgresThatCannotBeAsked(t *testing.T) {
	v := postgresView()
	v.Members = v.Members[2:]
	if got := emitted(t, newPostgres(Host{}), v); got != "postgres_primaries{c} 0" {
		t.Error(got)
	}
	if got := emitted(t, newSync(Host{}), v); !strings.Contains(got, "sync_up{c,x} 0") || !strings.Contains(got, "sync_running{c,x} 0") || strings.Contains(got, "lag") {
		t.Error(got)
	}
}
