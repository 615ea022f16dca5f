package redis

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// connected is a connection to a server that says text and hangs up.
func connected(t *testing.T, text string) *conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, text)
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := line.Open(ctx, "tcp", l.Addr().String(), nil, mostBytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return newConn(s)
}

func (r reply) String() string {
	if r.list == nil {
		return r.text
	}
	var all []string
	for _, e := range r.list {
		all = append(all, e.String())
	}
	return "[" + strings.Join(all, " ") + "]"
}

func TestReplies(t *testing.T) {
	for _, tc := range []struct {
		name, said string
		want       string // the answers, or of the error its reason
		usable     bool
	}{
		{name: "a text, a number, bytes", said: "+OK\r\n:42\r\n$5\r\na\r\nbc\r\n", want: "OK 42 a\r\nbc"},
		{name: "nothing", said: "$-1\r\n*-1\r\n$0\r\n\r\n", want: "  "},
		{name: "lists", said: "*2\r\n*1\r\n:1\r\n+b\r\n*0\r\n+c\r\n", want: "[[1] b] [] c"},
		{name: "an error in a list", said: "*2\r\n-ERR x\r\n+b\r\n+OK\r\n+OK\r\n", want: "[ERR x b] OK OK"},
		{name: "an error, and the others", said: "+OK\r\n-NOPERM no\r\n+OK\r\n", want: "auth", usable: true},
		{name: "an error, and it hangs up", said: "-ERR max number of clients reached\r\n", want: "other"},
		{name: "it hangs up", said: "", want: "other"},
		{name: "in the middle", said: "+OK\r\n$100\r\nabc", want: "other"},
		{name: "HTTP", said: "HTTP/1.1 400 Bad Request\r\n\r\n", want: "protocol"},
		{name: "SSH", said: "SSH-2.0-OpenSSH_9.2\r\n", want: "protocol"},
		{name: "MySQL", said: "J\x00\x00\x00\x0a8.0.36\x00", want: "protocol"},
		{name: "TLS alert", said: "\x15\x03\x01\x00\x02\x02\x28", want: "protocol"},
		{name: "an empty line", said: "\r\n", want: "protocol"},
		{name: "no end of the line", said: "+OK\n", want: "protocol"},
		{name: "a line that never ends", said: "+" + strings.Repeat("x", 1<<20), want: "protocol"},
		{name: "a length that is none", said: "$x\r\n", want: "protocol"},
		{name: "a negative length", said: "*-7\r\n", want: "protocol"},
		{name: "bytes longer than told", said: "$1\r\nabcd\r\n", want: "protocol"},
		{name: "100 MB", said: "$104857600\r\n" + strings.Repeat("x", 1000), want: "too_large"},
		{name: "beyond a number", said: "*99999999999999999999999\r\n", want: "too_large"},
		{name: "a list of a billion", said: "*1000000000\r\n", want: "too_large"},
		{name: "lists in lists", said: strings.Repeat("*1\r\n", 100), want: "too_large"},
		{name: "many short ones", said: strings.Repeat("*4096\r\n"+strings.Repeat("$400\r\n"+strings.Repeat("x", 400)+"\r\n", 4096), 2), want: "too_large"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := connected(t, tc.said)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			replies, err := c.do(ctx, []string{"PING"}, []string{"PING"}, []string{"PING"})
			got := line.Reason(because(err))
			if err == nil {
				var all []string
				for _, r := range replies {
					all = append(all, r.String())
				}
				got = strings.Join(all, " ")
			}
			if got != tc.want {
				t.Errorf("got %q (%v), want %q", got, err, tc.want)
			}
			if usable(err) != tc.usable {
				t.Errorf("%v: can be asked again: %v", err, usable(err))
			}
		})
	}
}

func TestWhatTheServerRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"NOAUTH Authentication required.":           cluster.BadAuth,
		"NOPERM this user has no permissions":       cluster.BadAuth,
		"WRONGPASS invalid username-password pair":  cluster.BadAuth,
		"DENIED Redis is running in protected mode": cluster.BadAuth,
		"BUSY Redis is busy running a script":       cluster.Other,
		"ERR unknown command 'INFO'":                cluster.Other,
	} {
		if got := line.Reason(because(&replyError{text})); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if got := line.Reason(because(&hungUpError{&replyError{text}})); got != want {
			t.Errorf("%s, and it hung up: %s, want %s", text, got, want)
		}
	}
	if because(nil) != nil || !errors.Is(because(io.EOF), io.EOF) {
		t.Error("another error was changed")
	}
}

// Whatever a server says is read or refused.
func FuzzReply(f *testing.F) {
	for _, text := range []string{"+OK\r\n", "*2\r\n$1\r\na\r\n:1\r\n", "-ERR x\r\n", "$-1\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "HTTP/1.1 400\r\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &conn{in: bufio.NewReader(bytes.NewReader(b))}
		r, err := c.read(0)
		if err == nil && len(r.list) > mostElements || len(r.text) > mostBytes {
			t.Errorf("%d elements, %d bytes", len(r.list), len(r.text))
		}
		if m, err := parse(r.text); err == nil && (m.Role == "" || len(m.Replicas) > mostFollowers) {
			t.Errorf("%+v", m)
		}
	})
}

// Another kind of server may repeat what it was asked.
func TestLoginKeepsThePasswordOutOfErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "500 what is AUTH canary-77?\r\n")
		_, _ = io.Copy(io.Discard, c)
	}()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("canary-77\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := cluster.Cluster{
		Name: "c", Kind: cluster.KindRedis, Read: cluster.Login{PasswordFile: file},
		Members: []cluster.Member{{Name: "a", Endpoint: "redis://" + l.Addr().String()}},
	}
	d, err := New(c, Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // only read from
	if m := d.View(t.Context()).Members[0]; m.Error != cluster.BadProtocol || strings.Contains(m.Why, "canary") || !strings.Contains(m.Why, "500 what is AUTH") {
		t.Errorf("%s: %s", m.Error, m.Why)
	}
}
