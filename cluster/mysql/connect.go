package mysql

import (
	"bytes"
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	protocol "github.com/go-sql-driver/mysql"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// mostBytes that one answer may have; mostPassword that a password file may.
const (
	mostBytes    = 1 << 20
	mostPassword = 1 << 10
)

// address is where a member answers.
type address struct {
	network, at string
	host, port  string // of tcp
}

func addressOf(m cluster.Member) (address, error) {
	if path, ok := strings.CutPrefix(m.Endpoint, "unix://"); ok {
		return address{network: "unix", at: path}, nil
	}
	u, err := url.Parse(m.Endpoint)
	if err != nil || u.Port() == "" {
		return address{}, fmt.Errorf("endpoint %.64q is not mysql://host:port", m.Endpoint)
	}
	return address{network: "tcp", at: u.Host, host: u.Hostname(), port: u.Port()}, nil
}

// session is one connection that is logged in.
type session struct {
	conn    driver.Conn
	wire    *wire
	id      string // of the server's thread
	text    string // of the version
	version Version
}

// dialer makes sessions with one member.
type dialer struct {
	address
	login  cluster.Login
	tls    *tls.Config
	panics atomic.Int32

	mu     sync.Mutex
	secret string // read last, to be cut out of what people are shown
	left   string // the thread of a question that was given up
}

// dial logs in. While the server is still at a question that was given up it is not asked
// another one: a stuck one would otherwise be joined by more and more.
func (d *dialer) dial(ctx context.Context) (*session, error) {
	password, err := d.password()
	if err != nil {
		return nil, line.Because(cluster.BadAuth, err)
	}
	conf := protocol.NewConfig()
	conf.User, conf.Passwd, conf.Net, conf.Addr, conf.TLS = d.login.Username, password, d.network, d.at, d.tls
	conf.Logger = &protocol.NopLogger{}
	s := &session{}
	conf.DialFunc = func(ctx context.Context, network, at string) (net.Conn, error) {
		var err error
		s.wire, err = greeted(ctx, network, at)
		if err != nil { // never a nil pointer in the interface
			return nil, err
		}
		return s.wire, nil
	}
	connector, err := protocol.NewConnector(conf)
	if err != nil {
		return nil, err
	}
	if s.conn, err = d.connect(ctx, connector); err != nil {
		if s.wire != nil {
			_ = s.wire.Close() // closed already, but after a panic
		}
		return nil, s.wire.explain(err, true)
	}
	if err := s.introduce(ctx); err != nil {
		s.close()
		return nil, err
	}
	if err := d.abandoned(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// mostPanics are how often what a server says at the login may bring the protocol's driver
// down: each time the driver leaves a goroutine behind.
const mostPanics = 3

func (d *dialer) connect(ctx context.Context, c driver.Connector) (driver.Conn, error) {
	if d.panics.Load() >= mostPanics {
		return nil, line.Because(cluster.BadProtocol, errors.New("what it says at the login cannot be read, again and again: it is not asked any more until the exporter is started anew"))
	}
	conn, err := protect(func() (driver.Conn, error) { return c.Connect(ctx) })
	if _, ok := errors.AsType[*panicError](err); ok {
		d.panics.Add(1)
	}
	return conn, err
}

// introduce learns who answers, and limits what the session may cost.
func (s *session) introduce(ctx context.Context) error {
	rows, err := s.query(ctx, "SELECT VERSION() AS version, CONNECTION_ID() AS id")
	if err != nil {
		return err
	}
	if len(rows) != 1 {
		return line.Because(cluster.BadProtocol, errors.New("the server does not tell its version"))
	}
	s.text, s.id = rows[0].get("version"), rows[0].get("id")
	if s.version, err = parseVersion(s.text); err != nil {
		return err
	}
	_, err = s.query(ctx, s.version.limits())
	return err
}

// abandoned is an error while the question that was given up last is still under way.
func (d *dialer) abandoned(ctx context.Context, s *session) error {
	d.mu.Lock()
	left := d.left
	d.mu.Unlock()
	if left == "" {
		return nil
	}
	rows, err := s.query(ctx, stillAt(left))
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return line.Because(cluster.Timeout, fmt.Errorf("the server is still at an earlier question (its thread %s), which was given up", left))
	}
	d.giveUp("")
	return nil
}

// stillAt asks for a thread of the session's own user that is at a question. A server that
// was started anew counts its threads from one on: the number may be this session's now,
// or that of a replica, which stays.
func stillAt(thread string) string {
	return "SELECT p.ID FROM information_schema.PROCESSLIST p JOIN information_schema.PROCESSLIST me ON me.ID = CONNECTION_ID() AND me.USER = p.USER" +
		" WHERE p.ID = " + thread + " AND p.ID <> me.ID AND p.COMMAND IN ('Query', 'Killed')"
}

// giveUp notes the thread of a question that was not answered in time.
func (d *dialer) giveUp(thread string) {
	if _, err := parseUint(thread); err != nil {
		thread = ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = thread
}

func (d *dialer) password() (string, error) {
	if d.login.PasswordFile == "" {
		return "", nil
	}
	f, err := os.Open(d.login.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read.password_file: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostPassword+1))
	if err != nil {
		return "", fmt.Errorf("read.password_file: %w", err)
	}
	if len(b) > mostPassword {
		return "", fmt.Errorf("read.password_file: %s has more than %d bytes: it is no password", d.login.PasswordFile, mostPassword)
	}
	password := string(bytes.TrimRight(b, "\r\n"))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.secret = password
	return password, nil
}

func (d *dialer) secrets() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.secret
}

// close says goodbye, and waits for nobody.
func (s *session) close() {
	_ = s.wire.SetDeadline(time.Now().Add(100 * time.Millisecond))
	_ = s.conn.Close() // fails only when it is closed already
}

// explain gives an error of the protocol's driver its cause and its reason. login tells
// that there is no session yet.
func (w *wire) explain(err error, login bool) error {
	var cause error
	if w != nil {
		w.mu.Lock()
		cause = w.why
		w.mu.Unlock()
	}
	if said, ok := errors.AsType[*protocol.MySQLError](err); ok {
		return refusal(said)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, protocol.ErrNoTLS):
		return line.Because(cluster.BadTLS, errors.New("tls is declared, and the server does not speak it"))
	case errors.Is(err, protocol.ErrPktSync), errors.Is(err, protocol.ErrPktSyncMul), errors.Is(err, protocol.ErrMalformPkt), errors.Is(err, protocol.ErrOldProtocol):
		return line.Because(cluster.BadProtocol, err)
	case errors.Is(err, protocol.ErrUnknownPlugin), errors.Is(err, protocol.ErrCleartextPassword), errors.Is(err, protocol.ErrOldPassword), errors.Is(err, protocol.ErrNativePassword):
		return line.Because(cluster.BadAuth, fmt.Errorf("the server wants a login that is not done: %w", err))
	case cause != nil && (errors.Is(err, protocol.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn)):
		return fmt.Errorf("the connection ended: %w", cause)
	case errors.Is(err, protocol.ErrInvalidConn), login && w != nil && line.Reason(err) == cluster.Other:
		return line.Because(cluster.BadProtocol, err)
	}
	return err
}

// refusal is what the server itself said, with its reason.
func refusal(said *protocol.MySQLError) error {
	switch said.Number {
	case 1044, 1045, 1130, 1142, 1143, 1227, 1370, 1698, 1820, 1862, 3118, 3159, 4151:
		return line.Because(cluster.BadAuth, said)
	case 1064, 1193, 1054: // syntax, variable, column
		return line.Because(cluster.BadVersion, said)
	case 3024, 1969, 1205: // took too long: MySQL's and MariaDB's limit, a lock
		return line.Because(cluster.Timeout, said)
	}
	return said
}

// usable tells that the session goes on after the error: the server said no.
func usable(err error) bool {
	said, ok := errors.AsType[*protocol.MySQLError](err)
	if !ok {
		return false
	}
	switch said.Number {
	case 1053, 1927, 1317, 4031: // it shuts down, or it ended the session
		return false
	}
	return true
}
