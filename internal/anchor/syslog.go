package anchor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// Syslog sends checkpoints as RFC 5424 messages, facility authpriv, severity
// notice. Over UDP nothing tells whether one has arrived.
type Syslog struct {
	// Network and Address are those of net.Dial: unixgram and /dev/log, or udp or
	// tcp and HOST:PORT. Over TCP the messages are framed as RFC 6587 counts them.
	Network, Address string
	// Host is this machine's name in the messages.
	Host string
	Now  func() time.Time
}

// LocalSocket is where the machine's own syslog listens.
const LocalSocket = "/dev/log"

// authprivNotice is facility 10, severity 5.
const authprivNotice = 10*8 + 5

// Kind implements Anchor.
func (s Syslog) Kind() string { return "syslog" }

// String implements Anchor.
func (s Syslog) String() string { return s.Network + "://" + s.Address }

// Send implements Anchor.
func (s Syslog) Send(ctx context.Context, note []byte) (err error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if at, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(at); err != nil {
			return err
		}
	}
	text := s.message(note)
	switch conn.LocalAddr().Network() {
	case "tcp":
		text = fmt.Sprintf("%d %s", len(text), text)
	case "unix":
		text += "\x00" // a stream socket's end of message
	}
	_, err = conn.Write([]byte(text))
	return err
}

// dial connects. A local socket may be one of streams instead.
func (s Syslog) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, s.Network, s.Address)
	if err == nil || s.Network != "unixgram" {
		return conn, err
	}
	if conn, other := d.DialContext(ctx, "unix", s.Address); other == nil {
		return conn, nil
	}
	return nil, err
}

func (s Syslog) message(note []byte) string {
	host := s.Host
	if host == "" {
		host = "-"
	}
	return fmt.Sprintf("<%d>1 %s %s fettle %d checkpoint - %s", authprivNotice,
		s.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00"), host, os.Getpid(), line(note))
}
