package exporter

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter/value"
)

// fixedHost is a host whose procfs, sysfs and root are directories of the test.
func fixedHost(t *testing.T) Host {
	t.Helper()
	dir := t.TempDir()
	return Host{Proc: filepath.Join(dir, "proc"), Sys: filepath.Join(dir, "sys"), Root: filepath.Join(dir, "root")}
}

const listOfOne = "  sl  local_address rem_address   st\n   0: 0100007F:01BB 00000000:0000 0A 0\n"

func TestConfigReadsEachKindOfValue(t *testing.T) {
	h := fixedHost(t)
	here(t, filepath.Join(h.Root, "etc/ssh/sshd_config"), "# all\nPermitRootLogin no\n", 0o644, 0)
	here(t, filepath.Join(h.Root, "etc/w1.conf"), "x", 0o644, time.Hour)
	here(t, filepath.Join(h.Root, "etc/journald.conf"), "[Journal]\nSystemMaxUse=2G\n", 0o644, 0)
	here(t, filepath.Join(h.Proc, "sys/vm/swappiness"), "60\n", 0o644, 0)
	here(t, filepath.Join(h.Sys, "fs/cgroup/system.slice/mariadb.service/memory.max"), "max\n", 0o644, 0)
	here(t, filepath.Join(h.Sys, `fs/cgroup/system.slice/system-redis\x2dserver.slice/redis-server@a.service/pids.max`), "100\n", 0o644, 0)
	here(t, filepath.Join(h.Sys, "fs/cgroup/app/memory.max"), "1024\n", 0o644, 0)
	here(t, filepath.Join(h.Proc, "net/tcp"), listOfOne, 0o644, 0)
	at := members("w1")
	unit := func(name string) []cluster.Member { return []cluster.Member{{Name: "w1", Unit: name}} }
	is := func(s string) value.Want { return value.Want{OneOf: []string{s}} }
	h.Declared.Values = []Value{
		{Check: "root-login", Members: at, File: "/etc/ssh/sshd_config", Key: "PermitRootLogin", Want: is("no")},
		{Check: "member", Members: at, File: "/etc/{member}.conf", Want: value.Want{SHA256: "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}},
		{Check: "other-content", Members: at, File: "/etc/{member}.conf", Want: value.Want{SHA256: strings.Repeat("0", 64)}},
		{Check: "stale", Members: at, File: "/etc/{member}.conf", MaxAge: time.Minute, Want: value.Want{SHA256: "x"}},
		{Check: "retention", Members: at, File: "/etc/journald.conf", Key: "Journal.SystemMaxUse", Want: value.Want{AtMost: "2G"}},
		{Check: "swappiness", Members: at, Sysctl: "vm.swappiness", Want: value.Want{AtMost: "10"}},
		{Check: "memory", Members: unit("mariadb.service"), Limit: "memory.max", Want: value.Want{AtLeast: "1G"}},
		{Check: "pids", Members: unit("redis-server@a.service"), Limit: "pids.max", Want: is("100")},
		{Check: "app", Members: at, Limit: "memory.max", Cgroup: "/app", Want: is("1024")},
		{Check: "https", Members: at, Port: 443},
		{Check: "http", Members: at, Port: 80},
		{Check: "none", Members: at, File: "/etc/none", Key: "x", Want: is("1")},
		{Check: "no-key", Members: at, File: "/etc/journald.conf", Key: "x", Want: is("1")},
		{Check: "no-size", Members: at, File: "/etc/ssh/sshd_config", Key: "PermitRootLogin", Want: value.Want{AtMost: "1"}},
	}
	want := ""
	for check, says := range map[string]string{
		"root-login": "1", "member": "1", "other-content": "0", "stale": "stale", "retention": "1", "swappiness": "0", "memory": "1",
		"pids": "1", "app": "1", "https": "1", "http": "0", "none": "absent", "no-key": "absent", "no-size": "no_number",
	} {
		labels, read := fmt.Sprintf(`check=%q,cluster="",member="w1"`, check), 1
		if says != "0" && says != "1" {
			want += fmt.Sprintf("unread{%s,reason=%q} 1\n", labels, says)
			says, read = "0", 0
		}
		want += fmt.Sprintf("ok{%s} %s\nread{%s} %d\n", labels, says, labels, read)
	}
	seriesAre(t, gathered(t, patient(newConfig(h))), "fettle_config_value_", want)
}

// Whether a version is known, and the odd member out where all are seen from here.
func TestConfigComparesMembers(t *testing.T) {
	h := Host{}
	h.Declared.Clusters = []cluster.Cluster{{Name: "c", Kind: cluster.KindEtcd}}
	h.Declared.Values = []Value{{
		Check: "version", Cluster: "c", Members: members("m1", "m2", "m3"), Whole: true, Version: true, Same: true,
		Want: value.Want{AtLeast: "3.6"},
	}}
	version := func(name, v string) cluster.MemberView {
		m := member(name, "")
		m.Version = v
		return m
	}
	for name, tc := range map[string]struct {
		members []cluster.MemberView
		ok      [3]int // -1: could not be read
		match   [3]int
	}{
		"all the same":         {[]cluster.MemberView{version("m1", "3.6.1"), version("m2", "3.6.1"), version("m3", "3.6.1")}, [3]int{1, 1, 1}, [3]int{1, 1, 1}},
		"one behind":           {[]cluster.MemberView{version("m1", "3.5.9"), version("m2", "3.6.1"), version("m3", "3.6.1")}, [3]int{0, 1, 1}, [3]int{0, 1, 1}},
		"one down":             {[]cluster.MemberView{down("m1"), version("m2", "3.6.1"), version("m3", "3.6.1")}, [3]int{-1, 1, 1}, [3]int{0, 1, 1}},
		"no majority":          {[]cluster.MemberView{down("m1"), version("m2", "3.6.1"), version("m3", "3.6.2")}, [3]int{-1, 1, 1}, [3]int{0, 0, 0}},
		"a version not told":   {[]cluster.MemberView{version("m1", ""), version("m2", "3.6.1"), version("m3", "3.6.1")}, [3]int{-1, 1, 1}, [3]int{0, 1, 1}},
		"nobody answers":       {[]cluster.MemberView{down("m1"), down("m2"), down("m3")}, [3]int{-1, -1, -1}, [3]int{0, 0, 0}},
		"a version of no form": {[]cluster.MemberView{version("m1", "x"), version("m2", "3.6.1"), version("m3", "3.6.1")}, [3]int{-2, 1, 1}, [3]int{0, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			v := view(tc.members...)
			v.Kind = cluster.KindEtcd
			got := gatheredOf(t, patient(newConfig(h)), v)
			want := ""
			for i, m := range tc.members {
				l := fmt.Sprintf(`{check="version",cluster="c",member=%q}`, m.Name)
				want += fmt.Sprintf("value_ok%s %d\nvalue_read%s %d\ndigest_match%s %d\n", l, max(tc.ok[i], 0), l, min(tc.ok[i]+1, 1)*boolInt(tc.ok[i] >= 0), l, tc.match[i])
				switch tc.ok[i] {
				case -1:
					want += fmt.Sprintf("value_unread{check=\"version\",cluster=\"c\",member=%q,reason=\"unreachable\"} 1\n", m.Name)
				case -2:
					want += fmt.Sprintf("value_unread{check=\"version\",cluster=\"c\",member=%q,reason=\"no_number\"} 1\n", m.Name)
				default:
					want += fmt.Sprintf("digest%s %v\n", l, value.Digest([]byte(m.Version), nil))
				}
			}
			seriesAre(t, got, "fettle_config_", want)
		})
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// gatheredOf is gathered with the Views' own names and kinds.
func gatheredOf(t *testing.T, c Collector, views ...cluster.View) map[string]float64 {
	t.Helper()
	s := &Scrape{}
	for _, v := range views {
		s.clusters = append(s.clusters, &watched{Source: Source{Cluster: cluster.Cluster{Name: v.Cluster, Kind: v.Kind}, Viewer: fixedView(v)}})
		s.looks = append(s.looks, newGlance(func() (cluster.View, error) { return v, nil }))
	}
	r := (&running{collector: c}).read(t.Context(), s)
	if r.err != nil {
		t.Fatal(r.err)
	}
	return series(t, registryOf(t, c, r))
}

// A file that not everybody may read has no digest that could be found out by trying.
func TestConfigKeepsSecretsToItself(t *testing.T) {
	h := fixedHost(t)
	const canary = "canary-7f3b"
	private := here(t, filepath.Join(h.Root, "etc/private"), "password "+canary+"\n", 0o640, 0)
	log := logged(&h)
	h.Declared.Values = []Value{
		{Check: "whole", Cluster: "c", Members: members("m"), File: "/etc/private", Same: true},
		{Check: "key", Cluster: "c", Members: members("m"), File: "/etc/private", Key: "password", Same: true},
		{Check: "judged", Cluster: "c", Members: members("m"), File: "/etc/private", Key: "password", Want: value.Want{OneOf: []string{"other"}}},
		{Check: "sized", Cluster: "c", Members: members("m"), File: "/etc/private", Key: "password", Want: value.Want{AtMost: "1"}},
	}
	got := gathered(t, patient(newConfig(h)))
	seriesAre(t, got, "fettle_config_value_", `
		read{check="whole",cluster="c",member="m"} 0
		unread{check="whole",cluster="c",member="m",reason="secret"} 1
		read{check="key",cluster="c",member="m"} 0
		unread{check="key",cluster="c",member="m",reason="secret"} 1
		read{check="judged",cluster="c",member="m"} 1
		ok{check="judged",cluster="c",member="m"} 0
		read{check="sized",cluster="c",member="m"} 0
		ok{check="sized",cluster="c",member="m"} 0
		unread{check="sized",cluster="c",member="m",reason="no_number"} 1`)
	if strings.Contains(log.String(), canary) || !strings.Contains(log.String(), "digest_key_file") || !strings.Contains(log.String(), private) {
		t.Errorf("log: %s", log)
	}
	h.Declared.DigestKey = []byte("0123456789abcdef")
	got = gathered(t, patient(newConfig(h)))
	keyed, there := got[`fettle_config_digest{check="key",cluster="c",member="m"}`]
	if !there || keyed == value.Digest([]byte(canary), nil) || keyed != value.Digest([]byte(canary), h.Declared.DigestKey) {
		t.Errorf("with a key: %v, %v", keyed, there)
	}
}

// Each change of a value's state is one line of the log, and no other is touched.
func TestConfigLogsChanges(t *testing.T) {
	h := fixedHost(t)
	log := logged(&h)
	file := here(t, filepath.Join(h.Root, "a"), "x 1\n", 0o644, 0)
	here(t, filepath.Join(h.Root, "b"), "x 1\n", 0o644, 0)
	one := value.Want{OneOf: []string{"1"}}
	h.Declared.Values = []Value{
		{Check: "a", Cluster: "c", Members: members("m"), File: "/a", Key: "x", Want: one},
		{Check: "b", Cluster: "c", Members: members("m"), File: "/b", Key: "x", Want: one},
	}
	c := patient(newConfig(h))
	for i, step := range []struct {
		do   func() error
		ok   float64
		want string
	}{
		{func() error { return nil }, 1, ""},
		{func() error { return os.WriteFile(file, []byte("x 2\n"), 0o600) }, 0, "not as declared"},
		{func() error { return os.Remove(file) }, 0, "reason=absent"},
		{func() error { return os.Mkdir(file, 0o700) }, 0, "reason=no_file"},
		{func() error { return os.Remove(file) }, 0, "reason=absent"},
		{func() error { return os.WriteFile(file, []byte("x 1\n"), 0o600) }, 1, "in order again"},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		log.Reset()
		for range 3 {
			got := gathered(t, c)
			if got[`fettle_config_value_ok{check="a",cluster="c",member="m"}`] != step.ok || got[`fettle_config_value_ok{check="b",cluster="c",member="m"}`] != 1 {
				t.Errorf("%d: %v", i, got)
			}
		}
		if lines := strings.Count(log.String(), "\n"); lines > 1 || (lines == 0) != (step.want == "") || !strings.Contains(log.String(), step.want) {
			t.Errorf("%d: want one line with %q:\n%s", i, step.want, log)
		}
	}
}
