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
	"net"
	"syscall"
	"time"
)

// Address is where chronyd listens for commands unless told otherwise.
const Address = "127.0.0.1:323"

// maxSources is how many sources are asked for at most: more than anybody has.
const maxSources = 256

// ErrAbsent tells that nobody listens: chronyd does not run, or has cmdport 0.
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

// Ask asks the chronyd at address ("host:port"). It gives up when ctx ends, which must
// have a deadline. An address at which nobody listens is ErrAbsent; one that never
// answers is os.ErrDeadlineExceeded.
func Ask(ctx context.Context, address string) (Status, error) {
	s, err := ask(ctx, address)
	if errors.Is(err, syscall.ECONNREFUSED) {
		err = ErrAbsent
	}
	if err != nil {
		return Status{}, fmt.Errorf("ask chronyd on %s: %w", address, err)
	}
	return s, nil
}

func ask(ctx context.Context, address string) (Status, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "udp", address)
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
