//go:build linux

package exporter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

// hostileLocal are clusters of the kinds that are asked without a login: routers behind
// a bus, a file that another program writes, servers that speak Sun RPC.
func hostileLocal(t *testing.T) []cluster.Cluster {
	t.Helper()
	var all []cluster.Cluster
	add := func(kind cluster.Kind, name, endpoint string) {
		c := cluster.Cluster{Name: strings.ReplaceAll(fmt.Sprint(kind, "-", name), " ", "-"), Kind: kind, Members: []cluster.Member{{Name: "m0", Endpoint: endpoint}}}
		if kind == cluster.KindKeepalived {
			c.Keepalived.Addresses = []string{"192.0.2.100"}
		}
		if kind == cluster.KindGluster {
			c.Gluster.Bricks = []cluster.GlusterBrick{{Volume: "v", Member: "m0", Path: "/bricks/v"}}
		}
		all = append(all, c)
	}
	servers := hostile()
	servers["HTTP"] = func(c net.Conn) { // it answers what it cannot read
		_, _ = c.Read(make([]byte, 512))
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
	}
	pool := maps.Clone(servers)
	pool["a version never seen"] = func(c net.Conn) { // it knows none of the programs that are asked for
		question := make([]byte, 4096)
		for {
			n, err := c.Read(question)
			if err != nil || n < 8 {
				return
			}
			answer := binary.BigEndian.AppendUint32(nil, 1<<31|24)
			answer = append(answer, question[4:8]...)
			for _, word := range []uint32{1, 0, 0, 0, 1} { // an answer, accepted, no verifier, no such program
				answer = binary.BigEndian.AppendUint32(answer, word)
			}
			_, _ = c.Write(answer)
		}
	}
	for name, fn := range pool {
		add(cluster.KindGluster, name, "gluster://"+served(t, fn))
	}
	// A test's own folder is too long for a socket.
	dir, err := os.MkdirTemp("", "hostile")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, fn := range servers {
		socket := filepath.Join(dir, fmt.Sprint(len(all)))
		l, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		answering(t, l, fn)
		add(cluster.KindKeepalived, name, "unix://"+socket)
	}
	other := startFakeBus(t) // a bus, and who answers there is no keepalived
	add(cluster.KindKeepalived, "a version never seen", "unix://"+strings.TrimPrefix(other.address, "unix:path="))
	for name, put := range map[string]func(path string) error{
		"nothing":              func(string) error { return nil },
		"a pipe":               func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a directory":          func(path string) error { return os.Mkdir(path, 0o700) },
		"a device":             func(path string) error { return os.Symlink("/dev/zero", path) },
		"a loop":               func(path string) error { return os.Symlink(path, path) },
		"an empty file":        holding(""),
		"SSH":                  holding("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
		"HTTP":                 holding("<!DOCTYPE html><html><body>404</body></html>"),
		"half of it":           holding(`<pacemaker-result api-version="2.25" request="crm_mon"><summary><st`),
		"a version never seen": holding(`<pacemaker-result api-version="99"><overview/><status code="0" message="OK"/></pacemaker-result>`),
		"100 MB of zeros":      func(path string) error { return sparse(path, 100<<20) },
		"100 MB of one byte":   func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("<a>"), 35<<20), 0o600) },
	} {
		path := filepath.Join(t.TempDir(), "status.xml")
		if err := put(path); err != nil {
			t.Fatal(err)
		}
		add(cluster.KindPacemaker, name, "file://"+path)
	}
	return all
}

func holding(text string) func(path string) error {
	return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
}

func sparse(path string, size int64) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, size)
}
