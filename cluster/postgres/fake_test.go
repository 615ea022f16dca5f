package postgres

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
)

// standIn speaks enough of PostgreSQL's protocol to be logged in to, with a password in
// clear if it is told to, and answers each question with one row, or as reply says. It
// is no PostgreSQL: it stands in for servers that cannot be had, and for hostile ones.
type standIn struct {
	version string
	clear   bool // wants the password in clear
	row     string
	reply   func(c net.Conn, password string)
	forgets bool // what was prepared, as a pooler's other server
}

func (s standIn) serve(c net.Conn) {
	b := pgproto3.NewBackend(c, c)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return
	}
	password := ""
	if s.clear {
		b.Send(&pgproto3.AuthenticationCleartextPassword{})
		if b.Flush() != nil || b.SetAuthType(pgproto3.AuthTypeCleartextPassword) != nil {
			return
		}
		m, err := b.Receive()
		if p, ok := m.(*pgproto3.PasswordMessage); ok && err == nil {
			password = p.Password
		}
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ParameterStatus{Name: "server_version", Value: s.version})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if b.Flush() != nil {
		return
	}
	for {
		m, err := b.Receive()
		if err != nil {
			return
		}
		query, simple := m.(*pgproto3.Query)
		_, bound := m.(*pgproto3.Bind)
		_, sync := m.(*pgproto3.Sync)
		switch {
		case bound && s.forgets:
			b.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: noStatement, Message: "no such statement"})
		case sync, simple && !strings.Contains(query.String, commit), simple && s.forgets && query.String == commit:
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'T'})
			if b.Flush() != nil {
				return
			}
		}
		if !simple || !strings.Contains(query.String, commit) || s.forgets && query.String == commit {
			continue
		}
		if s.reply != nil {
			s.reply(c, password)
			return
		}
		b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("x"), DataTypeOID: 114}}})
		b.Send(&pgproto3.DataRow{Values: [][]byte{[]byte(s.row)}})
		b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if b.Flush() != nil {
			return
		}
	}
}

// only is a cluster of one member at address, asked with the password `canary-1`.
func only(t *testing.T, address string) cluster.Cluster {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("canary-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return cluster.Cluster{
		Name: "db", Kind: cluster.KindPostgres, Read: cluster.Login{Username: "fettle", PasswordFile: file},
		Members: []cluster.Member{{Name: "a", Endpoint: "postgres://" + address}},
	}
}

func lookAt(t *testing.T, c cluster.Cluster, timeout time.Duration) cluster.MemberView {
	t.Helper()
	d, err := New(c, Options{Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	v := d.View(context.Background())
	if len(v.Members) != 1 || v.Members[0].Sync == nil {
		t.Fatalf("%+v", v)
	}
	return v.Members[0]
}

const primaryRow = `{"allowed":true,"version":%d,"system":"7","now":100.5,"recovery":false,"segment":"00000002000000000000000A","current":18446744073709551615,"timelines":null,"standby":null}`

func TestBadInput(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	banner := func(text string) string {
		return servertest.Listen(t, func(c net.Conn) {
			_, _ = c.Write([]byte(text))
			_, _ = c.Read(make([]byte, 1024))
		})
	}
	flood := func(c net.Conn, _ string) {
		block := make([]byte, 1<<20)
		for range 100 {
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	}
	message := func(kind byte, length uint32, body []byte) []byte {
		return append([]byte{kind, byte(length >> 24), byte(length >> 16), byte(length >> 8), byte(length)}, body...)
	}
	for name, tc := range map[string]struct {
		address string
		want    string
		timeout time.Duration
	}{
		"an HTTP server":              {web.Listener.Addr().String(), cluster.Timeout, 100 * time.Millisecond}, // waits for the end of a line
		"an SSH banner":               {banner("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), cluster.BadProtocol, 0},
		"a Redis error":               {banner("-ERR unknown command\r\n"), cluster.BadProtocol, 0},
		"hangs up":                    {servertest.Listen(t, func(net.Conn) {}), cluster.Other, 0},
		"says nothing":                {servertest.Listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1024)); _, _ = c.Read(make([]byte, 1)) }), cluster.Timeout, 100 * time.Millisecond},
		"wants the password in clear": {servertest.Listen(t, standIn{version: "15.1", clear: true}.serve), cluster.BadAuth, 0},
		"a flood at the login":        {servertest.Listen(t, func(c net.Conn) { flood(c, "") }), cluster.BadProtocol, 0},
		"100 MB in one row": {servertest.Listen(t, standIn{version: "15.1", reply: func(c net.Conn, _ string) {
			_, _ = c.Write(message('D', 100<<20, nil))
			flood(c, "")
		}}.serve), cluster.TooLarge, 0},
		"100 MB in many messages": {servertest.Listen(t, standIn{version: "15.1", reply: func(c net.Conn, _ string) {
			notice := message('N', 1<<19, make([]byte, 1<<19-4))
			for range 200 {
				if _, err := c.Write(notice); err != nil {
					return
				}
			}
		}}.serve), cluster.TooLarge, 0},
		"a byte at a time": {servertest.Listen(t, standIn{version: "15.1", reply: func(c net.Conn, _ string) {
			for _, b := range message('D', 1<<10, make([]byte, 1<<10)) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}}.serve), cluster.Timeout, 200 * time.Millisecond},
		"a version too old":             {servertest.Listen(t, standIn{version: "9.6.24"}.serve), cluster.BadVersion, 0},
		"a pooler's console":            {servertest.Listen(t, standIn{version: "1.18.0/bouncer"}.serve), cluster.BadVersion, 0},
		"no version":                    {servertest.Listen(t, standIn{}.serve), cluster.BadVersion, 0},
		"a version never seen":          {servertest.Listen(t, standIn{version: "31devel", row: fmt.Sprintf(primaryRow, 310000)}.serve), "", 0},
		"a pooler before other servers": {servertest.Listen(t, standIn{version: "15.1", forgets: true, row: fmt.Sprintf(primaryRow, 150001)}.serve), "", 0},
		"another version's answer":      {servertest.Listen(t, standIn{version: "15.1", row: fmt.Sprintf(primaryRow, 120001)}.serve), cluster.BadVersion, 0},
		"an answer that is no JSON":     {servertest.Listen(t, standIn{version: "15.1", row: "{"}.serve), cluster.BadProtocol, 0},
		"a slot twice":                  {servertest.Listen(t, standIn{version: "15.1", row: `{"allowed":true,"version":150001,"slot":[{"name":"a"},{"name":"a"}]}`}.serve), cluster.BadProtocol, 0},
		"a name too long":               {servertest.Listen(t, standIn{version: "15.1", row: `{"allowed":true,"version":150001,"slot":[{"name":"` + strings.Repeat("a", 600) + `"}]}`}.serve), cluster.BadProtocol, 0},
		"more rows than asked for":      {servertest.Listen(t, standIn{version: "15.1", row: `{"allowed":true,"version":150001,"standby":[` + strings.Repeat("{},", 64) + `{}]}`}.serve), cluster.BadProtocol, 0},
		"no right to see others":        {servertest.Listen(t, standIn{version: "15.1", row: `{"allowed":false,"version":150001}`}.serve), cluster.BadAuth, 0},
		"no column of that name": {servertest.Listen(t, standIn{version: "31.1", reply: func(c net.Conn, _ string) {
			b := pgproto3.NewBackend(c, c)
			b.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "42703", Message: "column does not exist"})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'E'})
			_ = b.Flush()
		}}.serve), cluster.BadVersion, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.timeout == 0 {
				tc.timeout = 30 * time.Second
			}
			m := lookAt(t, only(t, tc.address), tc.timeout)
			if m.Error != tc.want || m.Reachable != (tc.want == "") || m.Sync.Up != m.Reachable {
				t.Errorf("%q (%s), want %q: %+v", m.Error, m.Why, tc.want, m)
			}
			if len(m.Why) > 512 || strings.Contains(m.Why, "canary") {
				t.Errorf("%d bytes: %q", len(m.Why), m.Why)
			}
		})
	}
}

// A position of 64 bits is kept whole, and a server that echoes the password is not
// repeated.
func TestStandIn(t *testing.T) {
	m := lookAt(t, only(t, servertest.Listen(t, standIn{version: "17.2 (Debian 17.2-1)", row: fmt.Sprintf(primaryRow, 170002)}.serve)), 30*time.Second)
	seen, ok := m.Detail.(*Member)
	if !ok || *seen.Current != 1<<64-1 || seen.Timeline != 2 || m.Version != "17.2" || m.Sync.Role != cluster.Primary || !m.Sync.Running {
		t.Fatalf("%+v %+v", m, seen)
	}

	echo := standIn{version: "15.1", clear: true, reply: func(c net.Conn, password string) {
		b := pgproto3.NewBackend(c, c)
		b.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "XX000", Message: "you are " + password})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		_ = b.Flush()
	}}
	socket := filepath.Join(t.TempDir(), ".s.PGSQL.5432") // over which a password in clear is no risk
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan struct{})
	go func() {
		defer close(got)
		if c, err := l.Accept(); err == nil {
			defer c.Close()
			echo.serve(c)
		}
	}()
	c := only(t, "unused:1")
	c.Members[0].Endpoint = "unix://" + socket
	m = lookAt(t, c, 30*time.Second)
	<-got
	if m.Error != cluster.Other || !strings.Contains(m.Why, "you are …") || strings.Contains(m.Why, "canary") {
		t.Errorf("%+v", m)
	}
}

// A question is the same text at each look: no label, no answer goes into it.
func TestQuestionHasNoGaps(t *testing.T) {
	for major := oldest; major < 20; major++ {
		if text := questionFor(major, time.Second).text; strings.Contains(strings.ReplaceAll(text, "{24}$", ""), "$") || bytes.Count([]byte(text), []byte("'"))%2 != 0 {
			t.Errorf("%d: %s", major, text)
		}
	}
}

// What a server reports of its settings is kept as long as its connection is: without an
// end it would be all of the memory, look by look.
func TestSettingsWithoutEnd(t *testing.T) {
	address := servertest.Listen(t, standIn{version: "16.4", reply: func(c net.Conn, _ string) {
		var out []byte
		for i := range 2 * mostSettings {
			out, _ = (&pgproto3.ParameterStatus{Name: fmt.Sprint("x", i), Value: "y"}).Encode(out)
		}
		out, _ = (&pgproto3.DataRow{Values: [][]byte{fmt.Appendf(nil, primaryRow, 160004)}}).Encode(out)
		out, _ = (&pgproto3.ReadyForQuery{TxStatus: 'I'}).Encode(out)
		_, _ = c.Write(out)
	}}.serve)
	if m := lookAt(t, only(t, address), 10*time.Second); m.Error != cluster.TooLarge {
		t.Errorf("%q: %s", m.Error, m.Why)
	}
}
