package exporter

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/redis"
)

// redisView is a primary and a replica that is behind, as two Sentinels see them, of
// which one does not answer.
func redisView() cluster.View {
	start := time.Unix(1700000000, 0)
	primary := &redis.Member{
		Role: cluster.Primary, ReplID: "a", Offset: new(1000.0), Start: start, Connected: 2,
		Replicas: []redis.Follower{{Name: "r1", Online: true, Offset: new(900.0), Acknowledged: 1}, {Address: "10.0.0.9:1"}},
		Backlog:  redis.Backlog{Active: true, Size: 4096, Length: 1000, From: 1},
		Disk:     redis.Disk{AppendOnly: true, AppendOK: true, SaveOK: true, LastSave: start, Unsaved: 3}, Clients: 5, Blocked: 1, MaxClients: new(100.0),
	}
	replica := &redis.Member{
		Role: cluster.Replica, ReplID: "a", Offset: new(900.0), Shared: new(true), Snapshots: new(false),
		Link: redis.Link{Up: true, Silent: new(2.0), Received: new(950.0), Priority: new(100.0), ReadOnly: true},
		Disk: redis.Disk{LastSave: start},
	}
	return cluster.View{
		Cluster: "c", Kind: cluster.KindRedis, Detail: &redis.Summary{Primaries: 1, Agreed: false, Disagree: false},
		Members: []cluster.MemberView{
			{Name: "r0", Reachable: true, Detail: primary, Sync: &cluster.Sync{Up: true, Running: true, Role: cluster.Primary}},
			{Name: "r1", Reachable: true, Detail: replica, Sync: &cluster.Sync{Up: true, Running: true, Role: cluster.Replica, Bytes: new(100.0)}},
		},
		Witnesses: []cluster.MemberView{
			{Name: "s0:1", Reachable: true, Detail: &redis.Sentinel{Primary: "r0", Epoch: 7, Quorum: 2, Others: 1, Replicas: 1, Usable: true, Down: []string{"r1"}}},
			{Name: "s1:1", Error: cluster.Refused},
		},
	}
}

// sameLines compares lines in any order.
func sameLines(t *testing.T, got, want string) {
	t.Helper()
	lines, wanted := strings.Split(got, "\n"), strings.Split(strings.TrimSpace(want), "\n")
	for _, l := range lines {
		if !slices.Contains(wanted, l) {
			t.Errorf("not expected: %s", l)
		}
	}
	for _, l := range wanted {
		if !slices.Contains(lines, l) {
			t.Errorf("missing: %s", l)
		}
	}
}

func TestRedis(t *testing.T) {
	c := newRedis(Host{})
	registryOf(t, c, readOnce(t, c, redisView())) // lints
	sameLines(t, emitted(t, c, redisView()), `
redis_primaries{c} 1
redis_primary_agreed{c} 0
redis_offset_bytes{c,r0} 1000
redis_offset_bytes{c,r1} 900
redis_loading{c,r0} 0
redis_loading{c,r1} 0
redis_start_timestamp_seconds{c,r0} 1.7e+09
redis_history_shared{c,r1} 1
redis_link_up{c,r1} 1
redis_link_silent_seconds{c,r1} 2
redis_link_syncing{c,r1} 0
redis_link_received_bytes{c,r1} 950
redis_priority{c,r1} 100
redis_read_only{c,r1} 1
redis_replicas{c,r0} 2
redis_replicas{c,r1} 0
redis_replicas_unlisted{c,r0} 1
redis_replicas_unlisted{c,r1} 0
redis_replica_online{c,r0,r1} 1
redis_replica_acknowledged_bytes{c,r0,r1} 900
redis_replica_acknowledged_age_seconds{c,r0,r1} 1
redis_backlog_active{c,r0} 1
redis_backlog_active{c,r1} 0
redis_backlog_size_bytes{c,r0} 4096
redis_backlog_size_bytes{c,r1} 0
redis_backlog_length_bytes{c,r0} 1000
redis_backlog_length_bytes{c,r1} 0
redis_backlog_first_bytes{c,r0} 1
redis_aof_enabled{c,r0} 1
redis_aof_enabled{c,r1} 0
redis_aof_write_ok{c,r0} 1
redis_aof_rewriting{c,r0} 0
redis_aof_rewriting{c,r1} 0
redis_writes_refused{c,r0,loading} 0
redis_writes_refused{c,r0,append_only_file} 0
redis_writes_refused{c,r0,snapshot} 0
redis_writes_refused{c,r0,replicas} 0
redis_writes_refused{c,r0,memory} 0
redis_writes_refused{c,r0,paused} 0
redis_snapshot_ok{c,r0} 1
redis_snapshot_ok{c,r1} 0
redis_snapshot_running{c,r0} 0
redis_snapshot_running{c,r1} 0
redis_snapshot_timestamp_seconds{c,r0} 1.7e+09
redis_snapshot_timestamp_seconds{c,r1} 1.7e+09
redis_snapshot_unsaved_changes{c,r0} 3
redis_snapshot_unsaved_changes{c,r1} 0
redis_snapshots_enabled{c,r1} 0
redis_clients{c,r0} 5
redis_clients{c,r1} 0
redis_clients_blocked{c,r0} 1
redis_clients_blocked{c,r1} 0
redis_clients_limit{c,r0} 100
redis_sentinels_disagree{c} 0
redis_sentinel_reachable{c,s0:1} 1
redis_sentinel_reachable{c,s1:1} 0
redis_sentinel_quorum_ok{c,s0:1} 1
redis_sentinel_quorum_ok{c,s1:1} 0
redis_sentinel_failure{c,s0:1,refused} 0
redis_sentinel_failure{c,s0:1,timeout} 0
redis_sentinel_failure{c,s0:1,tls} 0
redis_sentinel_failure{c,s0:1,auth} 0
redis_sentinel_failure{c,s0:1,protocol} 0
redis_sentinel_failure{c,s0:1,version} 0
redis_sentinel_failure{c,s0:1,too_large} 0
redis_sentinel_failure{c,s0:1,other} 0
redis_sentinel_failure{c,s1:1,refused} 1
redis_sentinel_failure{c,s1:1,timeout} 0
redis_sentinel_failure{c,s1:1,tls} 0
redis_sentinel_failure{c,s1:1,auth} 0
redis_sentinel_failure{c,s1:1,protocol} 0
redis_sentinel_failure{c,s1:1,version} 0
redis_sentinel_failure{c,s1:1,too_large} 0
redis_sentinel_failure{c,s1:1,other} 0
redis_sentinel_primary{c,s0:1,r0} 1
redis_sentinel_primary{c,s0:1,r1} 0
redis_sentinel_primary_unlisted{c,s0:1} 0
redis_sentinel_primary_down{c,s0:1} 0
redis_sentinel_primary_down_agreed{c,s0:1} 0
redis_sentinel_failover_running{c,s0:1} 0
redis_sentinel_config_epoch{c,s0:1} 7
redis_sentinel_quorum{c,s0:1} 2
redis_sentinel_others{c,s0:1} 1
redis_sentinel_replicas{c,s0:1} 1
redis_sentinel_replica_down{c,s0:1,r0} 0
redis_sentinel_replica_down{c,s0:1,r1} 1
`)
}

// Nobody answers, or the look did not come back: the states are there, and nothing else.
func TestRedisBlind(t *testing.T) {
	c := cluster.Cluster{Name: "c", Kind: cluster.KindRedis, Members: []cluster.Member{{Name: "r0"}}, Redis: cluster.Redis{Sentinels: []string{"s0:1"}}}
	sameLines(t, emitted(t, newRedis(Host{}), blind(c)), `
redis_primaries{c} 0
redis_primary_agreed{c} 0
redis_sentinels_disagree{c} 0
redis_sentinel_reachable{c,s0:1} 0
redis_sentinel_quorum_ok{c,s0:1} 0
redis_sentinel_failure{c,s0:1,refused} 0
redis_sentinel_failure{c,s0:1,timeout} 1
redis_sentinel_failure{c,s0:1,tls} 0
redis_sentinel_failure{c,s0:1,auth} 0
redis_sentinel_failure{c,s0:1,protocol} 0
redis_sentinel_failure{c,s0:1,version} 0
redis_sentinel_failure{c,s0:1,too_large} 0
redis_sentinel_failure{c,s0:1,other} 0
`)
}

// A replica that came back is named twice until its old link times out.
func TestRedisNamesAReplicaOnce(t *testing.T) {
	v := redisView()
	d := v.Members[0].Detail.(*redis.Member)
	d.Replicas = append(d.Replicas[:1], redis.Follower{Name: "r1"})
	if n := strings.Count(emitted(t, newRedis(Host{}), v), "redis_replica_online{"); n != 1 {
		t.Errorf("%d series of one replica", n)
	}
}
