package mysql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// wire is a connection that remembers why reading from it failed: the protocol's driver
// says "invalid connection" of everything.
type wire struct {
	*line.Conn
	greeting []byte // read already, and looked at

	mu  sync.Mutex
	why error
}

// greeted connects, and takes the greeting, which in this protocol the server says. The
// protocol's driver believes its lengths.
func greeted(ctx context.Context, network, at string) (*wire, error) {
	conn, err := line.Dial(ctx, network, at, mostBytes)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	if until, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(until) // of a connection that is open
	}
	greeting, err := readGreeting(conn)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &wire{Conn: conn, greeting: greeting}, nil
}

func readGreeting(conn net.Conn) ([]byte, error) {
	head := make([]byte, 5)
	switch n, err := io.ReadFull(conn, head); {
	case err != nil && n == 0 && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("what answers there says nothing, and a server of this kind speaks first: %w", err)
	case err != nil:
		return nil, fmt.Errorf("the connection ended within the greeting: %w", err)
	}
	// A packet: its length in three bytes, number 0, protocol 10 or an error.
	size := int(head[0]) | int(head[1])<<8
	if head[2] != 0 || head[3] != 0 || size == 0 || head[4] != protocolTen && head[4] != anError {
		return nil, line.Because(cluster.BadProtocol, fmt.Errorf("what answers there is no MariaDB or MySQL: it says %q", head))
	}
	rest := make([]byte, size-1)
	if _, err := io.ReadFull(conn, rest); err != nil {
		return nil, fmt.Errorf("the connection ended within the greeting: %w", err)
	}
	if !whole(head[4], rest) {
		return nil, line.Because(cluster.BadProtocol, errors.New("the greeting is cut short"))
	}
	return slices.Concat(head, rest), nil
}

// What a greeting begins with.
const (
	protocolTen = 10
	anError     = 0xff
)

// whole tells that what follows the first byte of a greeting is as long as it must be.
func whole(first byte, rest []byte) bool {
	if first == anError { // number, and perhaps a state
		return len(rest) >= 2 && (len(rest) == 2 || rest[2] != '#' || len(rest) >= 8)
	}
	end := bytes.IndexByte(rest, 0) // of the version
	if end < 0 {
		return false
	}
	const fixed, more = 4 + 8 + 1 + 2, 1 + 2 + 2 + 1 + 10 + 13
	n := len(rest) - end - 1
	return n == fixed || n >= fixed+more
}

// Read reads, the greeting first.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.greeting) > 0 {
		n := copy(p, w.greeting)
		w.greeting = w.greeting[n:]
		return n, nil
	}
	n, err := w.Conn.Read(p)
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.why == nil {
			w.why = err
		}
	}
	return n, err
}
