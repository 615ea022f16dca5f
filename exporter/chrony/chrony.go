// Package chrony asks chronyd how it keeps the clock, over the protocol that its
// own chronyc speaks (version 6: chrony 2.0 and later). It only asks what anybody on
// the host may ask, and can ask nothing that changes something.
//
// Ask is all there is; wire.go has the messages.
package chrony

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// Address is where chronyd listens for commands unless told otherwise.
	Address = "127.0.0.1:323"
	// Socket is where it listens for commands in any case. The folder that it is in is
	// open to root and to chronyd's own user.
	Socket = "/run/chrony/chronyd.sock"
)

// maxSources is how many sources are asked for at most: more than anybody has.
const maxSources = 256

// ErrAbsent tells that nobody listens: chronyd does not run, or, of an address with a
// port, has cmdport 0.
var ErrAbsent = errors.New("no chronyd listens")

// Status is what chronyd knows of the clock and of its sources of time.
type Status struct {
	Tracking Tracking
	Sources  []Source
}

// Synchronised tells whether the clock follows a source that answers. A chronyd that
// serves its own clock (`local stratum`) claims a leap status and a stratum like any
// other, but has selected no source.
func (s Status) Synchronised() bool {
	if s.Tracking.Leap == LeapUnknown {
		return false
	}
	for _, source := range s.Sources {
		if source.State == Selected && source.Reachable() {
			return true
		}
	}
	return false
}

// Reachable counts the sources that answered one of the last eight polls.
func (s Status) Reachable() int {
	n := 0
	for _, source := range s.Sources {
		if source.Reachable() {
			n++
		}
	}
	return n
}

// Ask asks the chronyd at address ("host:port", or a socket's path). It gives up when
// ctx ends, which must have a deadline. An address at which nobody listens is ErrAbsent;
// one that never answers is os.ErrDeadlineExceeded.
func Ask(ctx context.Context, address string) (Status, error) {
	s, err := ask(ctx, address)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		err = ErrAbsent
	}
	if err != nil {
		return Status{}, fmt.Errorf("ask chronyd on %s: %w", address, err)
	}
	return s, nil
}

func ask(ctx context.Context, address string) (Status, error) {
	conn, err := dial(ctx, address)
	if err != nil {
		return Status{}, err
	}
	defer func() { _ = conn.Close() }() // only read from
	until, ok := ctx.Deadline()
	if !ok {
		return Status{}, errors.New("a context without a deadline")
	}
	if err := conn.SetDeadline(until); err != nil {
		return Status{}, err
	}
	// A context that is cancelled before its deadline ends the wait as well.
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()

	var s Status
	body, err := exchange(conn, commandTracking, 0)
	if err != nil {
		return Status{}, err
	}
	s.Tracking = decodeTracking(body)
	if body, err = exchange(conn, commandSources, 0); err != nil {
		return Status{}, err
	}
	n := binary.BigEndian.Uint32(body)
	if n > maxSources {
		return Status{}, fmt.Errorf("%d sources: not plausible", n)
	}
	for i := range n {
		body, err := exchange(conn, commandSource, i)
		if errors.Is(err, errNoSuchSource) {
			break // it was removed since they were counted
		}
		if err != nil {
			return Status{}, err
		}
		s.Sources = append(s.Sources, decodeSource(body))
	}
	return s, nil
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	if filepath.IsAbs(address) {
		return dialSocket(address)
	}
	return new(net.Dialer).DialContext(ctx, "udp", address)
}

// dialSocket connects to a socket of datagrams, from one of its own beside it: that is
// where the answer goes, and the only place that chronyd may be allowed to write to.
func dialSocket(path string) (net.Conn, error) {
	own := filepath.Join(filepath.Dir(path), "fettle."+strings.ToLower(rand.Text()[:12])+".sock")
	conn, err := net.DialUnix("unixgram", &net.UnixAddr{Name: own, Net: "unixgram"}, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		// It is made before the other one is found to be missing.
		if e := os.Remove(own); e != nil && !errors.Is(e, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			err = errors.Join(err, e)
		}
		return nil, err
	}
	// chronyd answers as a user of its own.
	if err := os.Chmod(own, 0o666); err != nil { //nolint:gosec // a socket that takes answers, in a folder that is closed
		return nil, errors.Join(err, conn.Close(), os.Remove(own))
	}
	return bound{conn, own}, nil
}

// bound is a connection whose own socket goes with it.
type bound struct {
	net.Conn
	own string
}

// Close implements net.Conn.
func (b bound) Close() error { return errors.Join(b.Conn.Close(), os.Remove(b.own)) }

// exchange sends one question and waits for its answer. What answers another one
// (a late answer, somebody's guess) is passed over.
func exchange(conn net.Conn, c command, index uint32) ([]byte, error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	sequence := binary.BigEndian.Uint32(random[:])
	if _, err := conn.Write(encode(c, sequence, index)); err != nil {
		return nil, err
	}
	var buffer [1024]byte
	for {
		n, err := conn.Read(buffer[:])
		if err != nil {
			return nil, err
		}
		if body, err := decode(buffer[:n], c, sequence); !errors.Is(err, errOther) {
			return body, err
		}
	}
}
