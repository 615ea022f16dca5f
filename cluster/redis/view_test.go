package redis

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

const server = "redis_version:7.0.15\r\nredis_mode:standalone\r\nserver_time_usec:1700000100000000\r\nuptime_in_seconds:100\r\nloading:0\r\nasync_loading:0\r\n" +
	"rdb_last_save_time:1700000000\r\nrdb_changes_since_last_save:3\r\nrdb_last_bgsave_status:ok\r\naof_enabled:0\r\naof_last_write_status:ok\r\n" +
	"connected_clients:5\r\nblocked_clients:1\r\nmaxclients:10000\r\n"

// primary is the INFO of a primary at offset 1000 with these replicas: port, state, offset, lag.
func primary(replicas ...string) string {
	text := server + "role:master\r\nmaster_replid:aaa\r\nmaster_repl_offset:1000\r\nrepl_backlog_active:1\r\nrepl_backlog_size:1048576\r\nrepl_backlog_first_byte_offset:1\r\nrepl_backlog_histlen:1000\r\n" +
		fmt.Sprintf("connected_slaves:%d\r\n", len(replicas))
	for i, r := range replicas {
		f := strings.Fields(r)
		text += fmt.Sprintf("slave%d:ip=10.0.0.1,port=%s,state=%s,offset=%s,lag=%s\r\n", i, f[0], f[1], f[2], f[3])
	}
	return text
}

// replica is the INFO of a replica of 10.0.0.1:1 at offset 900, with changes "key=value".
func replica(changes ...string) string {
	f := fields(server + "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:1\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:1\r\nmaster_sync_in_progress:0\r\n" +
		"slave_read_repl_offset:900\r\nslave_repl_offset:900\r\nslave_priority:100\r\nslave_read_only:1\r\nmaster_replid:aaa\r\nmaster_repl_offset:900\r\nconnected_slaves:0\r\n")
	for _, c := range changes {
		key, value, _ := strings.Cut(c, "=")
		f[key] = value
	}
	var text strings.Builder
	for key, value := range f {
		fmt.Fprintf(&text, "%s:%s\r\n", key, value)
	}
	return text.String()
}

var refused = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}

// viewOf is the View of members at 10.0.0.1:1, :2 and so on, which say these; "": nothing.
func viewOf(t *testing.T, c cluster.Cluster, sentinels []look[Sentinel], infos ...string) cluster.View {
	t.Helper()
	var looks []look[Member]
	for i, text := range infos {
		c.Members = append(c.Members, cluster.Member{Name: fmt.Sprint("r", i), Endpoint: fmt.Sprint("redis://10.0.0.1:", i+1)})
		if text == "" {
			looks = append(looks, look[Member]{err: refused})
			continue
		}
		m, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		looks = append(looks, look[Member]{answer: m, remote: fmt.Sprint("10.0.0.1:", i+1)})
	}
	return assemble(c, looks, sentinels)
}

func TestView(t *testing.T) {
	for _, tc := range []struct {
		name  string
		infos []string
		want  string
	}{
		{"healthy", []string{primary("2 online 900 0"), replica()}, "r0: primary up running\nr1: replica up running from r0 behind"},
		{"in sync", []string{primary("2 online 1000 0"), replica("slave_repl_offset=1000")}, "r0: primary up running\nr1: replica up running from r0 0 bytes"},
		{"asked later", []string{primary("2 online 1000 0"), replica("slave_repl_offset=1014")}, "r0: primary up running\nr1: replica up running from r0 0 bytes"},
		{"silent for too long", []string{primary("2 online 900 0"), replica("master_last_io_seconds_ago=26")}, "r0: primary up running\nr1: replica up from r0 behind"},
		{"silent, as between two pings", []string{primary("2 online 1000 0"), replica("master_last_io_seconds_ago=25", "slave_repl_offset=1000")}, "r0: primary up running\nr1: replica up running from r0 0 bytes"},
		{"no acknowledgement", []string{primary("2 online 900 11"), replica()}, "r0: primary up running\nr1: replica up from r0 behind"},
		{"its source does not name it", []string{primary(), replica()}, "r0: primary up running\nr1: replica up from r0 behind"},
		{"its source has one that nobody knows", []string{primary("9 online 900 0"), replica()}, "r0: primary up running\nr1: replica up running from r0 behind"},
		{"the first copy", []string{primary("2 send_bulk 0 0"), replica("master_link_status=down", "master_sync_in_progress=1", "master_replid=bbb", "slave_repl_offset=1", "master_last_io_seconds_ago=-1")}, "r0: primary up running\nr1: replica up from r0"},
		{"a copy of the same history", []string{primary("2 send_bulk 0 0"), replica("master_sync_in_progress=1")}, "r0: primary up running\nr1: replica up from r0"},
		{"lost its place", []string{primary(), replica("master_link_status=down", "slave_repl_offset=0")}, "r0: primary up running\nr1: replica up from r0"},
		{"another history", []string{primary(), replica("master_link_status=down", "master_replid=bbb")}, "r0: primary up running\nr1: replica up from r0"},
		{"link down, nothing written", []string{primary(), replica("master_link_status=down", "slave_repl_offset=1000")}, "r0: primary up running\nr1: replica up from r0"},
		{"primary down", []string{"", replica("master_link_status=down")}, "r0: (refused)\nr1: replica up from r0"},
		{"primary down for us only", []string{"", replica()}, "r0: (refused)\nr1: replica up running from r0"},
		{"never linked", []string{primary(), replica("master_link_status=down", "master_link_down_since_seconds=-1", "master_last_io_seconds_ago=-1", "slave_repl_offset=-1")}, "r0: primary up running\nr1: replica up from r0"},
		{"a chain", []string{primary("2 online 900 0"), replica("connected_slaves=1", "slave0=ip=10.0.0.1,port=3,state=online,offset=800,lag=0"), replica("master_port=2", "slave_repl_offset=800")}, "r0: primary up running\nr1: replica up running from r0 behind\nr2: replica up running from r1 behind"},
		{"behind a translation of addresses", []string{primary("2 online 900 0"), replica("master_host=192.0.2.1")}, "r0: primary up running\nr1: replica up running from r0 behind"},
		{"and its link is down", []string{primary(), replica("master_host=192.0.2.1", "master_link_status=down")}, "r0: primary up running\nr1: replica up from r0 behind"},
		{"two primaries of one history", []string{primary(), primary(), replica("master_host=192.0.2.1", "master_link_status=down")}, "r0: primary up running\nr1: primary up running\nr2: replica up"},
		{"reads its data", []string{primary() + "loading:1\r\n", replica("loading=1")}, "r0: primary up\nr1: replica up from r0 behind"},
		{"a primary that cannot write its file", []string{primary() + "aof_enabled:1\r\naof_last_write_status:err\r\n"}, "r0: primary up"},
		{"a file that is not used", []string{primary() + "aof_last_write_status:err\r\n"}, "r0: primary up running"},
		{"nobody", []string{"", ""}, "r0: (refused)\nr1: (refused)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := viewOf(t, cluster.Cluster{Name: "c", Kind: cluster.KindRedis}, nil, tc.infos...)
			if got := shown(v); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

// Why a primary takes no writes, and what is not known without CONFIG GET.
func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, more string
		config     func(*Member)
		want       string // the reasons that hold; with ? those that are not known
		running    bool
	}{
		{"in order", "", nil, "", true},
		{"loading", "loading:1", nil, "loading", false},
		{"append-only file", "aof_enabled:1\r\naof_last_write_status:err", nil, "append_only_file", false},
		{"a snapshot failed", "rdb_last_bgsave_status:err", nil, "snapshot?", false},
		{"and stops writes", "rdb_last_bgsave_status:err", func(m *Member) { m.Snapshots, m.Writes.Stops = new(true), new(true) }, "snapshot", false},
		{"and does not stop them", "rdb_last_bgsave_status:err", func(m *Member) { m.Snapshots, m.Writes.Stops = new(true), new(false) }, "", true},
		{"and none is configured", "rdb_last_bgsave_status:err", func(m *Member) { m.Snapshots, m.Writes.Stops = new(false), new(true) }, "", true},
		{"no near replica", "min_slaves_good_slaves:0", nil, "replicas", false},
		{"a near replica", "min_slaves_good_slaves:1", nil, "replicas?", true},
		{"one of two", "min_slaves_good_slaves:1", func(m *Member) { m.Writes.Wanted = new(2.0) }, "replicas", false},
		{"two of two", "min_slaves_good_slaves:2", func(m *Member) { m.Writes.Wanted = new(2.0) }, "", true},
		{"memory full", "maxmemory:100\r\nmaxmemory_policy:noeviction\r\nused_memory:150\r\nmem_not_counted_for_evict:49", nil, "memory", false},
		{"but for buffers", "maxmemory:100\r\nmaxmemory_policy:noeviction\r\nused_memory:150\r\nmem_not_counted_for_evict:50", nil, "", true},
		{"and evicts", "maxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\nused_memory:150", nil, "", true},
		{"without a limit", "maxmemory:0\r\nmaxmemory_policy:noeviction\r\nused_memory:150", nil, "", true},
		{"a failover that was ordered", "master_failover_state:waiting-for-sync", nil, "paused", false},
		{"none", "master_failover_state:no-failover\r\npaused_actions:none", nil, "", true},
		{"paused", "paused_actions:write", nil, "paused", false},
	} {
		m, err := parse(primary() + tc.more + "\r\n")
		if err != nil {
			t.Fatal(err)
		}
		if tc.config != nil {
			tc.config(m)
		}
		var got []string
		for _, r := range Refusals() {
			switch refused := m.Refuses(r); {
			case refused == nil:
				got = append(got, string(r)+"?")
			case *refused:
				got = append(got, string(r))
			}
		}
		if s := strings.Join(got, " "); s != tc.want || m.takesWrites() != tc.running {
			t.Errorf("%s: %q, takes writes %v", tc.name, s, m.takesWrites())
		}
	}
}

func TestParts(t *testing.T) {
	v := viewOf(t, cluster.Cluster{Redis: cluster.Redis{MaxSilence: time.Second}}, nil,
		primary("2 online 900 0", "9 wait_bgsave 0 0"), replica("master_last_io_seconds_ago=2", "master_sync_left_bytes=-1"))
	if shown(v) != "r0: primary up running\nr1: replica up from r0 behind" || *v.Members[1].Sync.Bytes != 100 {
		t.Errorf("%s, %v bytes", shown(v), *v.Members[1].Sync.Bytes)
	}
	p, r := of(v, 0), of(v, 1)
	if len(p.Replicas) != 2 || p.Replicas[0].Name != "r1" || *p.Replicas[0].Offset != 900 || p.Replicas[1].Name != "" || p.Replicas[1].Offset != nil {
		t.Errorf("replicas %+v", p.Replicas)
	}
	if p.Version != "7.0.15" || !p.Start.Equal(time.Unix(1700000000, 0)) || p.Disk.Unsaved != 3 || !p.Disk.SaveOK || p.Disk.AppendOnly || *p.MaxClients != 10000 || p.GoodReplicas != nil {
		t.Errorf("primary %+v", p)
	}
	if !r.Link.Up || *r.Link.Silent != 2 || r.Link.DownFor != nil || r.Link.Left != nil || *r.Link.Priority != 100 || !*r.Shared {
		t.Errorf("replica %+v", r)
	}
}

func TestRefusedVersions(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"no INFO":       {"hello", cluster.BadProtocol},
		"a Sentinel":    {"redis_version:7.0.15\r\nredis_mode:sentinel\r\n", cluster.BadProtocol},
		"too old":       {"redis_version:3.2.1\r\nrole:master\r\n", cluster.BadVersion},
		"never seen":    {"redis_version:99.0.0\r\nkind:leader\r\n", cluster.BadVersion},
		"another role":  {"redis_version:99.0.0\r\nrole:observer\r\nmaster_replid:a\r\n", cluster.BadVersion},
		"new, but same": {"redis_version:99.0.0\r\nrole:master\r\nmaster_replid:a\r\nmaster_repl_offset:0\r\n", ""},
	} {
		_, err := parse(tc.text)
		if got := line.Reason(err); got != tc.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, tc.want)
		}
	}
	m, err := parse(replica("valkey_version=8.0.1"))
	if err != nil || m.Version != "8.0.1" {
		t.Errorf("Valkey: %v, %v", m, err)
	}
}

func TestSentinels(t *testing.T) {
	says := func(port, flags string) look[Sentinel] {
		s := readSentinel(info{"ip": "10.0.0.1", "port": port, "flags": flags, "quorum": "2", "num-other-sentinels": "2", "num-slaves": "1", "config-epoch": "7"},
			[]reply{{list: []reply{{text: "ip"}, {text: "10.0.0.1"}, {text: "port"}, {text: "2"}, {text: "flags"}, {text: "slave,s_down"}}}, {text: "no list"}})
		s.Usable = true
		return look[Sentinel]{answer: s}
	}
	for _, tc := range []struct {
		name  string
		looks []look[Sentinel]
		infos []string
		want  string
	}{
		{"agreed", []look[Sentinel]{says("1", "master"), says("1", "master"), says("1", "master")}, []string{primary(), replica()}, "1 primaries agreed"},
		{"two of three", []look[Sentinel]{says("1", "master"), says("1", "master"), {err: refused}}, []string{primary(), replica()}, "1 primaries agreed"},
		{"one of three", []look[Sentinel]{says("1", "master"), {err: refused}, {err: refused}}, []string{primary(), replica()}, "1 primaries"},
		{"they name another", []look[Sentinel]{says("2", "master"), says("2", "master"), says("2", "master")}, []string{primary(), replica()}, "1 primaries"},
		{"they do not agree", []look[Sentinel]{says("2", "master"), says("1", "master"), says("1", "master")}, []string{primary(), replica()}, "1 primaries agreed disagree"},
		{"two primaries", []look[Sentinel]{says("1", "master"), says("1", "master"), says("1", "master")}, []string{primary(), primary()}, "2 primaries"},
		{"no primary", []look[Sentinel]{says("1", "master,s_down,o_down"), says("1", "master"), says("1", "master")}, []string{"", replica()}, "0 primaries"},
		{"without Sentinels", nil, []string{primary(), replica()}, "1 primaries agreed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := cluster.Cluster{}
			for i := range tc.looks {
				c.Redis.Sentinels = append(c.Redis.Sentinels, fmt.Sprint("s", i, ":1"))
			}
			v := viewOf(t, c, tc.looks, tc.infos...)
			s := v.Detail.(*Summary)
			got := fmt.Sprint(s.Primaries, " primaries")
			if s.Agreed {
				got += " agreed"
			}
			if s.Disagree {
				got += " disagree"
			}
			if got != tc.want || len(v.Witnesses) != len(tc.looks) {
				t.Errorf("got %s, want %s; %+v", got, tc.want, v.Witnesses)
			}
		})
	}
	v := viewOf(t, cluster.Cluster{Redis: cluster.Redis{Sentinels: []string{"s:1", "t:1"}}}, []look[Sentinel]{says("1", "master,s_down,o_down,failover_in_progress"), {err: errors.New("x")}}, primary(), replica())
	s, w := v.Witnesses[0].Detail.(*Sentinel), v.Witnesses[1]
	if s.Primary != "r0" || !s.SubjectivelyDown || !s.ObjectivelyDown || !s.FailingOver || fmt.Sprint(s.Down) != "[r1]" || s.Epoch != 7 || s.Quorum != 2 || s.Others != 2 || s.Replicas != 1 {
		t.Errorf("%+v", s)
	}
	if w.Reachable || w.Error != cluster.Other || w.Detail != nil {
		t.Errorf("%+v", w)
	}
}
