package line

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/servertest"
)

func TestPlace(t *testing.T) {
	for endpoint, want := range map[string]string{
		"redis://127.0.0.1:6379":       "tcp 127.0.0.1:6379 127.0.0.1",
		"redis://[::1]:6379":           "tcp [::1]:6379 ::1",
		"unix:///run/redis/redis.sock": "unix /run/redis/redis.sock ",
		"redis://db1":                  "error",
		"redis://%zz":                  "error",
	} {
		network, address, host, err := Place(endpoint)
		got := fmt.Sprint(network, " ", address, " ", host)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", endpoint, got, want)
		}
	}
}

func TestStreamIsBound(t *testing.T) {
	ca := certtest.New(t, "ca")
	pair := ca.Issue(t.TempDir(), time.Hour, "127.0.0.1")
	secure := &tls.Config{RootCAs: ca.Pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	other := &tls.Config{RootCAs: certtest.New(t, "other").Pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	overTLS := func(fn func(net.Conn)) func(net.Conn) {
		return func(c net.Conn) {
			fn(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair.TLS}, MinVersion: tls.VersionTLS12}))
		}
	}
	mute := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	flood := func(c net.Conn) {
		for buf := make([]byte, 4<<10); ; {
			if _, err := c.Write(buf); err != nil {
				return
			}
		}
	}
	for _, tc := range []struct {
		name   string
		server func(net.Conn)
		conf   *tls.Config
		want   string
	}{
		{"mute", mute, nil, cluster.Timeout},
		{"mute over TLS", overTLS(func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }), secure, cluster.Timeout},
		{"a flood", flood, nil, cluster.TooLarge},
		{"a flood over TLS", overTLS(flood), secure, cluster.TooLarge},
		{"no TLS there", func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n") }, secure, cluster.BadTLS},
		{"another authority", overTLS(mute), other, cluster.BadTLS},
		{"hangs up after the handshake", overTLS(func(c net.Conn) { _ = c.(*tls.Conn).HandshakeContext(t.Context()) }), secure, cluster.BadTLS},
		{"mute before the handshake", mute, secure, cluster.Timeout},
	} {
		t.Run(tc.name, func(t *testing.T) {
			address := servertest.Listen(t, tc.server)
			wait := 10 * time.Second
			if tc.want == cluster.Timeout {
				wait = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			s, err := Open(ctx, "tcp", address, tc.conf, 64<<10)
			if err == nil {
				defer s.Close()
				done := s.Bound(ctx)
				defer done()
				if _, err = io.Copy(io.Discard, s); err == nil {
					_, err = s.Read(make([]byte, 1))
				}
			}
			if got := Reason(err); got != tc.want {
				t.Errorf("%q (%v), want %q", got, err, tc.want)
			}
		})
	}
}
