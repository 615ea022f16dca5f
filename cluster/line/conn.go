package line

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
)

// Conn is a connection over which no more comes in than was allowed. Deadlines are
// its user's: an answer that drips in ends with them.
type Conn struct {
	net.Conn
	most int64
	left atomic.Int64
}

// Dial connects, and allows `most` bytes until Allow is called again. The address is
// "host:port" on tcp, a path on unix.
func Dial(ctx context.Context, network, address string, most int64) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := &Conn{Conn: c, most: most}
	conn.Allow()
	return conn, nil
}

// Allow allows one more answer: as many bytes as Dial was told. To be called before
// each question.
func (c *Conn) Allow() { c.left.Store(c.most) }

// Read reads what is still allowed; beyond it is a TooLargeError.
func (c *Conn) Read(p []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 {
		return 0, &TooLargeError{Most: c.most}
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), left)])
	c.left.Add(-int64(n))
	return n, err
}

// TooLargeError is an answer of more bytes than such a server can have to say.
type TooLargeError struct{ Most int64 }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the answer has more than %d bytes", e.Most)
}
