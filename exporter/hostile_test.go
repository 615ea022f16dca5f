//go:build linux

package exporter

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/certtest"
)

// hostile are servers that are not what they should be, beside one of HTTP.
func hostile() map[string]func(net.Conn) {
	return map[string]func(net.Conn){
		"mute":     func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"hangs up": func(net.Conn) {},
		"SSH": func(c net.Conn) {
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
			_, _ = io.Copy(io.Discard, c)
		},
		"100 MB of one byte":            func(c net.Conn) { flood(c, []byte{'$'}) },
		"100 MB of zeros":               func(c net.Conn) { flood(c, []byte{0}) },
		"100 MB in a Redis text":        func(c net.Conn) { _, _ = io.WriteString(c, "$104857600\r\n"); flood(c, []byte("x")) },
		"100 MB in a length of 32 bits": func(c net.Conn) { _, _ = c.Write([]byte{6, 0x40, 0, 0}); flood(c, []byte("x")) },
		"one byte a second": func(c net.Conn) {
			for _, b := range []byte("+OK\r\n$10\r\n") {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		},
	}
}

func flood(c net.Conn, text []byte) {
	text = bytes.Repeat(text, 64<<10)
	for range 100 << 20 / len(text) {
		if _, err := c.Write(text); err != nil {
			return
		}
	}
}

// served is the address of a server that does fn with each connection.
func served(t *testing.T, fn func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answering(t, l, fn)
	return l.Addr().String()
}

// answering does fn with each connection, until the test ends.
func answering(t *testing.T, l net.Listener, fn func(net.Conn)) {
	t.Helper()
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				fn(c)
			}()
		}
	}()
}

// With any such server in the place of a member, or of a Sentinel: the state is there
// with a bounded reason, the others are asked as ever, each change is one line of the log, and the
// password stands nowhere.
func TestHostileServers(t *testing.T) {
	const canary = "canary-77b1"
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	ca := certtest.New(t, "ca")
	var sources []Source
	var bad []string
	for kind, scheme := range map[cluster.Kind]string{
		cluster.KindEtcd: "http", cluster.KindConsul: "http", cluster.KindMySQL: "mysql", cluster.KindPostgres: "postgres", cluster.KindRedis: "redis",
		cluster.KindMongoDB: "mongodb", cluster.KindKafka: "kafka", cluster.KindNATS: "http", cluster.KindZooKeeper: "zookeeper", cluster.KindHAProxy: "tcp", cluster.KindNginx: "http",
	} {
		web := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(web.Close)
		addresses := map[string]string{"HTTP": web.Listener.Addr().String()}
		for name, fn := range hostile() {
			addresses[name] = served(t, fn)
		}
		for name, address := range addresses {
			for _, secure := range []bool{false, true} {
				c := cluster.Cluster{
					Name: strings.ReplaceAll(fmt.Sprint(kind, "-", name, "-", secure), " ", "-"), Kind: kind,
					Read:    cluster.Login{Username: "fettle", PasswordFile: password},
					Members: []cluster.Member{{Name: "m0", Endpoint: scheme + "://" + address}},
				}
				if secure {
					c.TLS.CAFile = ca.File
					if scheme == "http" {
						c.Members[0].Endpoint = "https://" + address
					}
				} else if kind == cluster.KindKafka {
					c.Read = cluster.Login{} // it sends no password in the clear
				}
				v, err := Open(c)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = v.Close() })
				sources, bad = append(sources, Source{c, v}), append(bad, c.Name)
			}
		}
	}
	for _, c := range hostileLocal(t) {
		v, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = v.Close() })
		sources, bad = append(sources, Source{c, v}), append(bad, c.Name)
	}
	good := fixedView(cluster.View{Cluster: "good", Kind: cluster.KindRedis, Members: []cluster.MemberView{{Name: "m0", Reachable: true, Sync: &cluster.Sync{Up: true}}}})
	sources = append(sources, Source{cluster.Cluster{Name: "good", Kind: cluster.KindRedis, Members: []cluster.Member{{Name: "m0"}}}, good})
	var log bytes.Buffer
	table := slices.DeleteFunc(Collectors(), func(e Entry) bool {
		return !slices.Contains([]string{"member", "sync", "raft", "consul", "mysql", "postgres", "redis", "mongodb", "kafka", "nats", "zookeeper", "haproxy", "nginx", "keepalived", "pacemaker", "gluster"}, e.Name)
	})
	e, err := newExporter(Options{Sources: sources, Log: slog.New(slog.NewTextHandler(&log, nil))}, table)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, e)
	var page string
	for range 3 {
		page = scraped(t, e, "", "10")
	}
	for _, name := range bad {
		for _, series := range []string{"member_reachable", "sync_up", "sync_running"} {
			if kind, _, _ := strings.Cut(name, "-"); strings.HasPrefix(series, "sync") && !slices.Contains(replicated(), cluster.Kind(kind)) {
				continue
			}
			if !strings.Contains(page, fmt.Sprintf("fettle_%s{cluster=%q,member=\"m0\"} 0\n", series, name)) {
				t.Errorf("%s: no fettle_%s 0", name, series)
			}
		}
		var reasons []string
		for _, r := range cluster.Reasons() {
			if strings.Contains(page, fmt.Sprintf("fettle_member_failure{cluster=%q,member=\"m0\",reason=%q} 1\n", name, r)) {
				reasons = append(reasons, r)
			}
		}
		if len(reasons) != 1 || reasons[0] == cluster.Other && !strings.Contains(name, "hangs-up") && name != "pacemaker-a-loop" {
			t.Errorf("%s: reasons %v", name, reasons)
		}
		// One line for each change: on a busy machine it may be late before it is too large.
		said := regexp.MustCompile("cluster="+regexp.QuoteMeta(name)+" .*reason=([a-z_]+)").FindAllStringSubmatch(log.String(), -1)
		for i := range said {
			if i > 0 && said[i][1] == said[i-1][1] {
				t.Errorf("%s: it is said again that it is %s", name, said[i][1])
			}
		}
		if len(said) == 0 {
			t.Errorf("%s: no line in the log", name)
		}
	}
	for _, state := range []string{
		`fettle_keepalived_holds_address{address="192.0.2.100",cluster="keepalived-mute",member="m0"} 0`,
		`fettle_gluster_brick_up{brick="/bricks/v",cluster="gluster-mute",member="m0",volume="v"} 0`,
		`fettle_pacemaker_quorum{cluster="pacemaker-a-pipe",member="m0"} 0`,
	} {
		if !strings.Contains(page, state) {
			t.Errorf("no %s", state)
		}
	}
	if !strings.Contains(page, `fettle_member_reachable{cluster="good",member="m0"} 1`) {
		t.Error("the good one suffers")
	}
	if all := page + log.String(); strings.Contains(all, canary) {
		t.Error("the password got out")
	}
}
