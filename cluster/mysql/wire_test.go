//go:build !servers

// A panic of the protocol's driver leaves a goroutine behind, which the server tests take
// for a leak.

package mysql

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// speaks listens, and says these bytes to whoever connects.
func speaks(t *testing.T, said string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			_, _ = conn.Write([]byte(said))
		}
	}()
	return l.Addr().String()
}

func packet(number byte, payload string) string {
	return string([]byte{byte(len(payload)), byte(len(payload) >> 8), byte(len(payload) >> 16), number}) + payload
}

const (
	before = "\x0a8.4.6\x00\x07\x00\x00\x00abcdefgh\x00\x09\xa2" // up to the lower capabilities
	after  = "\x21\x02\x00\x08\x00\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00ijklmnopqrst\x00mysql_native_password\x00"
)

// Each is one that is no server, or a hostile one.
func TestGreetings(t *testing.T) {
	for _, tc := range []struct{ name, said, reason, why string }{
		{"a banner", "220 mail.example ESMTP\r\n", cluster.BadProtocol, "no MariaDB or MySQL"},
		{"another protocol", packet(0, "\x09xxxx"), cluster.BadProtocol, "no MariaDB or MySQL"},
		{"another packet", packet(1, before+after), cluster.BadProtocol, "no MariaDB or MySQL"},
		{"an empty packet", "\x00\x00\x00\x00\x0a", cluster.BadProtocol, "no MariaDB or MySQL"},
		{"a version without an end", packet(0, "\x0a8.4.6"), cluster.BadProtocol, "cut short"},
		{"cut short", packet(0, before[:len(before)-3]), cluster.BadProtocol, "cut short"},
		{"cut short later", packet(0, before+after[:20]), cluster.BadProtocol, "cut short"},
		{"an error cut short", packet(0, "\xff\x15\x04#12"), cluster.BadProtocol, "cut short"},
		{"the host is refused", packet(0, "\xff\x6a\x04Host '10.0.0.9' is not allowed to connect"), cluster.BadAuth, "is not allowed to connect"},
		{"too many connections", packet(0, "\xff\x10\x04Too many connections"), cluster.Other, "Too many connections"},
		{"an OK that cannot be read", packet(0, before+after) + packet(2, "\x00\xfe"), cluster.BadProtocol, "cannot be read"},
		{"a login in clear text", packet(0, before+after) + packet(2, "\xfemysql_clear_password\x00"), cluster.BadAuth, "wants a login that is not done"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := cluster.Cluster{Name: "db", Kind: cluster.KindMySQL, Members: []cluster.Member{{Name: "a", Endpoint: "mysql://" + speaks(t, tc.said)}}}
			d, err := New(c, Options{Timeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if m := d.View(t.Context()).Members[0]; m.Error != tc.reason || !strings.Contains(m.Why, tc.why) {
				t.Errorf("%+v", m)
			}
		})
	}
}

// What brings the protocol's driver down leaves a goroutine behind each time: it is not
// asked for ever.
func TestPanicsAreCounted(t *testing.T) {
	now := time.Unix(1000, 0)
	c := cluster.Cluster{Name: "db", Kind: cluster.KindMySQL, Members: []cluster.Member{{Name: "a", Endpoint: "mysql://" + speaks(t, packet(0, before+after)+packet(2, "\x00\xfe"))}}}
	d, err := New(c, Options{Timeout: 10 * time.Second, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i := range 5 {
		now = now.Add(time.Minute) // past every pause
		m := d.View(t.Context()).Members[0]
		if given := strings.Contains(m.Why, "not asked any more"); m.Error != cluster.BadProtocol || given != (i >= mostPanics) {
			t.Errorf("look %d: %+v", i, m)
		}
	}
}
