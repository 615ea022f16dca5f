package redis

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// mostFollowers bounds what is read of a server's replicas.
const mostFollowers = 256

// mostFields are made room for at once: Redis 7 has 170 in what is asked.
const mostFields = 240

// info is the fields of an INFO.
type info map[string]string

func fields(texts ...string) info {
	lines := 0
	for _, text := range texts {
		lines += strings.Count(text, "\n")
	}
	f := make(info, min(lines, mostFields))
	for _, text := range texts {
		for text != "" {
			var l string
			l, text, _ = strings.Cut(text, "\n")
			if key, value, ok := strings.Cut(strings.TrimSuffix(l, "\r"), ":"); ok {
				f[key] = value
			}
		}
	}
	return f
}

// number is nil of what is not there, no number, or negative: Redis writes -1 for
// "not now" and "never".
func (f info) number(key string) *float64 {
	n, err := strconv.ParseInt(f[key], 10, 64)
	if err != nil || n < 0 {
		return nil
	}
	return new(float64(n))
}

// count is 0 where number is nil.
func (f info) count(key string) float64 {
	if n := f.number(key); n != nil {
		return *n
	}
	return 0
}

func (f info) is(key string) bool { return f[key] == "1" }

// parse reads what a server says. Redis before 4.0 has no history to compare offsets
// in, and is refused.
func parse(texts ...string) (*Member, error) {
	f := fields(texts...)
	version := f["redis_version"]
	if v := f["valkey_version"]; v != "" {
		version = v
	}
	switch major, _, _ := strings.Cut(f["redis_version"], "."); {
	case version == "":
		return nil, line.Because(cluster.BadProtocol, fmt.Errorf("this is not Redis: its INFO has no redis_version"))
	case f["redis_mode"] == "sentinel":
		return nil, line.Because(cluster.BadProtocol, fmt.Errorf("this is a Sentinel, not a server: declare it under redis.sentinels"))
	case f["master_replid"] == "" || f["role"] == "" || len(major) == 1 && major < "4":
		return nil, line.Because(cluster.BadVersion, fmt.Errorf("redis %.32q does not tell its role and history as Redis 4.0 to 8 do", version))
	}
	m := &Member{
		Version:      version,
		ReplID:       f["master_replid"],
		Start:        started(f),
		Loading:      f.is("loading") || f.is("async_loading"),
		Connected:    int(f.count("connected_slaves")),
		GoodReplicas: f.number("min_slaves_good_slaves"),
		Backlog: Backlog{
			Active: f.is("repl_backlog_active"), Size: f.count("repl_backlog_size"),
			Length: f.count("repl_backlog_histlen"), From: f.count("repl_backlog_first_byte_offset"),
		},
		Disk: Disk{
			AppendOnly: f.is("aof_enabled"), AppendOK: f["aof_last_write_status"] == "ok",
			LastSave: time.Unix(int64(f.count("rdb_last_save_time")), 0), Unsaved: f.count("rdb_changes_since_last_save"),
			SaveOK: f["rdb_last_bgsave_status"] == "ok", Saving: f.is("rdb_bgsave_in_progress"), Rewriting: f.is("aof_rewrite_in_progress"),
		},
		Writes:  writesOf(f),
		Clients: f.count("connected_clients"), Blocked: f.count("blocked_clients"), MaxClients: f.number("maxclients"),
	}
	switch f["role"] {
	case "master":
		m.Role, m.Offset = cluster.Primary, f.number("master_repl_offset")
	case "slave":
		m.Role, m.Link = cluster.Replica, linkOf(f)
		// 0 is a replica that has lost its place, whatever it says of the history.
		if n := f.number("slave_repl_offset"); n != nil && *n > 0 && !m.Link.Syncing {
			m.Offset = n
		}
	default:
		return nil, line.Because(cluster.BadVersion, fmt.Errorf("role %.32q is none that fettle knows", f["role"]))
	}
	m.Replicas = followers(f)
	return m, nil
}

// started is the server's own clock less its uptime, in whole seconds.
func started(f info) time.Time {
	now := f.count("server_time_usec") / 1e6
	up := f.number("uptime_in_seconds")
	if now == 0 || up == nil { // not told before Redis 5
		return time.Time{}
	}
	return time.Unix(int64(now-*up), 0)
}

func linkOf(f info) Link {
	l := Link{
		Source:   net.JoinHostPort(f["master_host"], f["master_port"]),
		Up:       f["master_link_status"] == "up",
		Syncing:  f.is("master_sync_in_progress"),
		Received: f.number("slave_read_repl_offset"),
		Priority: f.number("slave_priority"),
		ReadOnly: f.is("slave_read_only"),
	}
	if l.Up {
		l.Silent = f.number("master_last_io_seconds_ago")
	} else {
		l.DownFor = f.number("master_link_down_since_seconds")
	}
	if l.Syncing {
		l.Left = f.number("master_sync_left_bytes") // negative: a copy of unknown length
	}
	return l
}

// followers reads the lines slave0:ip=…,port=…,state=…,offset=…,lag=….
func followers(f info) []Follower {
	var all []Follower
	for i := range mostFollowers {
		text, ok := f["slave"+strconv.Itoa(i)]
		if !ok {
			break
		}
		part := info{}
		for p := range strings.SplitSeq(text, ",") {
			key, value, _ := strings.Cut(p, "=")
			part[key] = value
		}
		r := Follower{
			Address: net.JoinHostPort(part["ip"], part["port"]), Online: part["state"] == "online",
			Acknowledged: part.count("lag"),
		}
		if r.Online {
			r.Offset = part.number("offset")
		}
		all = append(all, r)
	}
	return all
}
