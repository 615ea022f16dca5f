package keepalived

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

func TestInstanceOf(t *testing.T) {
	type properties = map[string]any
	state := func(code any) any { return []any{code, "Master"} }
	name := []any{"VI_1"} // as keepalived 2.2 sends it
	for _, tt := range []struct {
		in   properties
		want Instance
	}{
		{properties{"Name": name, "State": state(uint32(0))}, Instance{"VI_1", Init}},
		{properties{"Name": name, "State": state(uint32(1))}, Instance{"VI_1", Backup}},
		{properties{"Name": name, "State": state(uint32(2))}, Instance{"VI_1", Master}},
		{properties{"Name": name, "State": state(uint32(3))}, Instance{"VI_1", Fault}},
		{properties{"Name": "VI_1", "State": state(uint32(98))}, Instance{"VI_1", Other}},
	} {
		if got, err := instanceOf(tt.in); err != nil || got != tt.want {
			t.Errorf("%v: %v, %v", tt.in, got, err)
		}
	}
	for what, bad := range map[string]properties{
		"nothing":         {},
		"no state":        {"Name": name},
		"no name":         {"State": state(uint32(1))},
		"an empty name":   {"Name": "", "State": state(uint32(1))},
		"a long name":     {"Name": strings.Repeat("a", 65), "State": state(uint32(1))},
		"bytes":           {"Name": "\xff", "State": state(uint32(1))},
		"a state in text": {"Name": name, "State": state("2")},
		"an empty state":  {"Name": name, "State": []any{}},
	} {
		if got, err := instanceOf(bad); err == nil {
			t.Errorf("%s: %v", what, got)
		}
	}
}

func TestNodes(t *testing.T) {
	const text = `<!DOCTYPE node PUBLIC "x" "y">
<!-- GDBus 2.74.6 -->
<node><interface name="a"><method name="b"/></interface><node name="eth0"/><node name="../x"/><node name="bond0_7"><node name="deeper"/></node></node>`
	if got, err := nodes(text); err != nil || !slices.Equal(got, []string{"eth0", "bond0_7"}) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"<node>", "<node></interface>", "<a>&b;</a>"} {
		if got, err := nodes(bad); err == nil {
			t.Errorf("%s: %q", bad, got)
		}
	}
}

func TestMatch(t *testing.T) {
	var among []net.Addr
	for _, text := range []string{"10.0.0.100/24", "fe80::1/64", "2001:db8::100/128"} {
		ip, n, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		among = append(among, &net.IPNet{IP: ip, Mask: n.Mask})
	}
	got := match([]string{"10.0.0.100", "10.0.0.10", "2001:db8::100", "www.example.org", ""}, among)
	if want := []bool{true, false, true, false, false}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// The loopback's addresses are held by every machine, and so by none.
func TestHeldNotOnLoopback(t *testing.T) {
	if held, err := Held([]string{"127.0.0.1", "::1"}); err != nil || slices.Contains(held, true) {
		t.Errorf("%v, %v", held, err)
	}
}

// What is no bus ends with a bounded reason, in time.
func TestNoBus(t *testing.T) {
	for name, tt := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"a web server": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") // the test sees what comes of it
			_ = c.Close()
		}, cluster.BadProtocol},
		"a banner": {func(c net.Conn) {
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2p1\r\n") // the test sees what comes of it
			_, _ = io.Copy(io.Discard, c)
		}, cluster.BadProtocol},
		"silence":    {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, cluster.Timeout},
		"hanging up": {func(c net.Conn) { _ = c.Close() }, cluster.BadProtocol},
		"100 MB": {func(c net.Conn) {
			for part := bytes.Repeat([]byte("a"), 1<<20); ; {
				if _, err := c.Write(part); err != nil {
					return
				}
			}
		}, cluster.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "bus")
			l, err := net.Listen("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go tt.serve(c)
				}
			}()
			ask(t, socket, tt.want)
		})
	}
	ask(t, filepath.Join(t.TempDir(), "none"), cluster.Refused)
}

// A real server of another kind.
func TestWebServer(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "web")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	defer func() { _ = s.Close() }()
	ask(t, socket, cluster.BadProtocol)
}

func ask(t *testing.T, socket, want string) {
	t.Helper()
	d, err := New(cluster.Cluster{Name: "edge", Kind: cluster.KindKeepalived, Members: []cluster.Member{{Name: "a", Endpoint: "unix://" + socket}}}, Options{Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	m := d.View(context.Background()).Members[0]
	if m.Name != "a" || m.Reachable || m.Error != want || m.Why == "" || m.Detail != nil {
		t.Errorf("%+v, want %s", m, want)
	}
}

func TestOtherKind(t *testing.T) {
	if _, err := New(cluster.Cluster{Name: "c", Kind: cluster.KindNginx}, Options{}); err == nil {
		t.Error("was taken")
	}
}
