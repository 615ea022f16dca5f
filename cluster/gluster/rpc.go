package gluster

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Programs of GlusterFS, as its rpc/rpc-lib/src/protocol-common.h numbers them.
const (
	dump       = 123451501 // tells which programs a server has
	portmap    = 34123456  // which port a brick has: the management daemon's
	fileServer = 1298437   // serves a brick's files

	listPrograms = 1 // of dump
	portByBrick  = 1 // of portmap
)

const (
	maxAnswer   = 64 << 10
	maxPrograms = 100
)

// conn is a connection to a server.
type conn struct {
	*line.Stream

	call uint32
}

func dial(ctx context.Context, address string) (*conn, error) {
	s, err := line.Open(ctx, "tcp", address, nil, maxAnswer)
	if err != nil {
		return nil, err
	}
	return &conn{Stream: s}, nil
}

func (c *conn) close() { _ = c.Close() }

// here tells that the other side is on this machine: both ends have the same address.
func (c *conn) here() bool {
	own, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return false
	}
	other, err := netip.ParseAddrPort(c.RemoteAddr().String())
	return err == nil && own.Addr() == other.Addr()
}

// programs are the numbers of the programs that the server has.
func (c *conn) programs(ctx context.Context) ([]uint32, error) {
	r, err := c.ask(ctx, dump, listPrograms, make([]byte, 8)) // an id that comes back
	if err != nil {
		return nil, err
	}
	r.skip(8)
	if r.number() != 0 {
		return nil, bad("the list of programs was refused")
	}
	r.number() // an error's number
	var programs []uint32
	for r.number() == 1 && len(programs) < maxPrograms {
		r.text()
		r.skip(4) // its number has 64 bits
		programs = append(programs, r.number())
		r.skip(8) // its version
	}
	return programs, r.err
}

// port is the port of a brick's process; 0 if there is none.
func (c *conn) port(ctx context.Context, brick string) (int, error) {
	question := binary.BigEndian.AppendUint32(nil, uint32(len(brick))) //nolint:gosec // a path has some thousand bytes at most
	question = append(question, brick...)
	for len(question)%4 != 0 {
		question = append(question, 0)
	}
	r, err := c.ask(ctx, portmap, portByBrick, question)
	if err != nil {
		return 0, err
	}
	refused := r.number() != 0
	r.skip(8)
	port := r.number()
	if r.err != nil || refused {
		return 0, r.err
	}
	if port > 65535 {
		return 0, bad("it says that the brick has port %d", port)
	}
	return int(port), nil
}

// ask makes one call (RFC 5531), without credentials, and returns what is answered.
func (c *conn) ask(ctx context.Context, program, procedure uint32, question []byte) (*reader, error) {
	defer c.Bound(ctx)()
	c.call++
	message := make([]byte, 4, 44+len(question))
	for _, n := range []uint32{c.call, 0, 2, program, 1, procedure, 0, 0, 0, 0} {
		message = binary.BigEndian.AppendUint32(message, n)
	}
	message = append(message, question...)
	binary.BigEndian.PutUint32(message, 1<<31|uint32(len(message)-4)) //nolint:gosec // a few thousand bytes
	if _, err := c.Write(message); err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	var header [4]byte
	if _, err := io.ReadFull(c, header[:]); err != nil {
		return nil, fmt.Errorf("read the answer: %w", hungUp(err))
	}
	length := binary.BigEndian.Uint32(header[:])
	if length&(1<<31) == 0 { // "HTTP" and "SSH-" have it clear as well
		return nil, bad("this is not Sun RPC")
	}
	if length &^= 1 << 31; length > maxAnswer {
		return nil, &line.TooLargeError{Most: maxAnswer}
	}
	answer := make([]byte, length)
	if _, err := io.ReadFull(c, answer); err != nil {
		return nil, fmt.Errorf("read the answer: %w", hungUp(err))
	}
	r := &reader{left: answer}
	id, kind, denied := r.number(), r.number(), r.number()
	r.skip(4)                               // the verifier's flavour
	r.skip(int(min(r.number(), maxAnswer))) // and the verifier
	accepted := r.number()
	switch {
	case r.err != nil:
		return nil, r.err
	case id != c.call || kind != 1:
		return nil, bad("the answer is not to this question")
	case denied != 0:
		return nil, line.Because(cluster.BadAuth, errors.New("it does not take questions without credentials"))
	case accepted != 0:
		return nil, bad("it does not take the question: %d", accepted)
	}
	return r, nil
}

func bad(format string, args ...any) error {
	return line.Because(cluster.BadProtocol, fmt.Errorf(format, args...))
}

// hungUp gives a reason to a server that took the question and ended the connection.
func hungUp(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return line.Because(cluster.BadProtocol, err)
	}
	return err
}

// reader reads XDR (RFC 4506); after an error everything is zero.
type reader struct {
	left []byte
	err  error
}

func (r *reader) skip(n int) {
	if r.err == nil && len(r.left) < n {
		r.err = bad("the answer is cut short")
	}
	if r.err != nil {
		r.left = nil
		return
	}
	r.left = r.left[n:]
}

func (r *reader) number() uint32 {
	now := r.left
	if r.skip(4); r.err != nil {
		return 0
	}
	return binary.BigEndian.Uint32(now)
}

func (r *reader) text() { r.skip(int(min(r.number(), maxAnswer)+3) &^ 3) }
