package gluster

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
)

// What a glusterd 10.3 answered to a question for its programs, the second's name cut.
const listed = "00000001000000010000000000000000000000000000000000000000000000000000000000000000" +
	"000000010000000747462d44554d500000000000075bb86d0000000000000001" +
	"000000010000000f476c757374657220506f72746d617000000000000208aec0000000000000000100000000"

func served(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().String()
}

func look(t *testing.T, address string) cluster.MemberView {
	t.Helper()
	d, err := New(cluster.Cluster{
		Name: "files", Kind: cluster.KindGluster, Members: []cluster.Member{{Name: "s1", Endpoint: "gluster://" + address}},
		Gluster: cluster.Gluster{Bricks: []cluster.GlusterBrick{{Volume: "v", Member: "s1", Path: "/none"}}},
	}, Options{Timeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	return d.View(context.Background()).Members[0]
}

func TestNoGluster(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	record := func(text string) func(net.Conn) {
		answer, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1000))
			_, _ = c.Write(append([]byte{0x80, 0, 0, byte(len(answer))}, answer...)) // the test sees what comes of it
			_, _ = io.Copy(io.Discard, c)
		}
	}
	const begin = "0000000100000001"
	for name, tt := range map[string]struct{ address, want string }{
		"nobody":       {servertest.FreeAddress(t), cluster.Refused},
		"a web server": {web.Listener.Addr().String(), cluster.Timeout}, // it waits for the end of a line
		"a banner":     {served(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2p1\r\n") }), cluster.BadProtocol},
		"silence":      {served(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), cluster.Timeout},
		"hanging up": {served(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1000))
			_ = c.Close()
		}), cluster.BadProtocol},
		"100 MB": {served(t, func(c net.Conn) {
			_, _ = c.Write([]byte{0x86, 0, 0, 0})
			for part := bytes.Repeat([]byte("a"), 1<<20); ; {
				if _, err := c.Write(part); err != nil {
					return
				}
			}
		}), cluster.TooLarge},
		"an endless list":     {served(t, record(begin+strings.Repeat("00000000", 8)+"00000001000000ff")), cluster.BadProtocol},
		"a huge text":         {served(t, record(begin+strings.Repeat("00000000", 8)+"00000001ffffffff")), cluster.BadProtocol},
		"an empty answer":     {served(t, record("")), cluster.BadProtocol},
		"no portmap":          {served(t, record(begin+strings.Repeat("00000000", 9))), cluster.BadProtocol},
		"another answer":      {served(t, record("0000000200000001"+strings.Repeat("00000000", 9))), cluster.BadProtocol},
		"a denial":            {served(t, record(begin+"00000001"+strings.Repeat("00000000", 4))), cluster.BadAuth},
		"the program is gone": {served(t, record(begin+"00000000"+"0000000000000000"+"00000001")), cluster.BadProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			m := look(t, tt.address)
			d, ok := m.Detail.(*Member)
			if m.Reachable || m.Error != tt.want || m.Why == "" || !ok || len(d.Bricks) != 1 || d.Bricks[0].Up || d.Bricks[0].Registered != nil || d.Bricks[0].Pending != nil {
				t.Errorf("%+v %+v, want %s", m, d, tt.want)
			}
		})
	}
}

func TestPrograms(t *testing.T) {
	text, err := hex.DecodeString(listed)
	if err != nil {
		t.Fatal(err)
	}
	address := served(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1000))
		_, _ = c.Write(append([]byte{0x80, 0, 0, byte(len(text))}, text...)) // the test sees what comes of it
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := dial(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if programs, err := c.programs(ctx); err != nil || fmt.Sprint(programs) != fmt.Sprint([]uint32{dump, portmap}) || !c.here() {
		t.Errorf("%v, %v, here %v", programs, err, c.here())
	}
}

func TestLinks(t *testing.T) {
	dir := t.TempDir()
	index := filepath.Join(dir, ".glusterfs", "indices", "xattrop")
	if err := os.MkdirAll(index, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"xattrop-7f1c", "00000000-0000-0000-0000-000000000001", "5e1b"} {
		if err := os.WriteFile(filepath.Join(index, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var h heals
	if n := h.count(t.Context(), dir); n == nil || *n != 2 {
		t.Errorf("%v", n)
	}
	if n := h.count(t.Context(), filepath.Join(dir, "none")); n != nil {
		t.Errorf("%d of a brick that is not there", *n)
	}
	h.busy = true // a disk that hangs
	if n := h.count(t.Context(), dir); n != nil {
		t.Errorf("%d while an earlier count hangs", *n)
	}
}
