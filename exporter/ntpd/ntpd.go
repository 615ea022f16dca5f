// Package ntpd asks ntpd (that of ntp.org, and NTPsec's) how it keeps the clock, with
// the control messages of NTP that its own ntpq sends (mode 6, RFC 9327). It only asks
// what anybody on the host may ask unless ntp.conf says noquery, and can ask nothing
// that changes something.
//
// Ask is all there is; wire.go has the messages, and variables.go what is in them.
package ntpd

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

// Address is where ntpd takes control messages: the port of NTP.
const Address = "127.0.0.1:123"

// ErrAbsent tells that nobody listens: ntpd does not run.
var ErrAbsent = errors.New("no ntpd listens")

// Status is what ntpd knows of the clock and of its sources of time.
type Status struct {
	System  System
	Sources []Source
}

// Synchronised tells whether the clock follows a source that answers. The driver of
// the undisciplined local clock, which claims a stratum and is selected like any
// other, is none.
func (s Status) Synchronised() bool {
	if s.System.Leap == LeapUnknown || s.System.local() {
		return false
	}
	for _, source := range s.Sources {
		if source.Selected() && source.Reachable() {
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

// Ask asks the ntpd at address ("host:port"). It gives up when ctx ends, which must
// have a deadline. An address at which nobody listens is ErrAbsent; one that never
// answers is os.ErrDeadlineExceeded.
func Ask(ctx context.Context, address string) (Status, error) {
	s, err := ask(ctx, address)
	if errors.Is(err, syscall.ECONNREFUSED) {
		err = ErrAbsent
	}
	if err != nil {
		return Status{}, fmt.Errorf("ask ntpd on %s: %w", address, err)
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
	text, status, err := exchange(conn, readVariables, wanted)
	if err != nil {
		return Status{}, err
	}
	if s.System, err = readSystem(text, status); err != nil {
		return Status{}, err
	}
	associations, _, err := exchange(conn, readStatus, "")
	if err != nil {
		return Status{}, err
	}
	if s.Sources, err = readSources(associations); err != nil {
		return Status{}, err
	}
	return s, nil
}

// exchange sends one question and puts its answer together, which may come in pieces
// and in any order, and the system's status word. What answers another question (a
// late answer, somebody's guess) is passed over.
func exchange(conn net.Conn, op operation, question string) (data []byte, status uint16, err error) {
	var random [2]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, 0, err
	}
	sequence := binary.BigEndian.Uint16(random[:])
	if _, err := conn.Write(encode(op, sequence, question)); err != nil {
		return nil, 0, err
	}
	var answer pieces
	var buffer [2048]byte
	for range maxPieces {
		n, err := conn.Read(buffer[:])
		if err != nil {
			return nil, 0, err
		}
		p, err := decode(buffer[:n], op, sequence)
		if errors.Is(err, errOther) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		if whole, ok, err := answer.add(p); ok || err != nil {
			return whole, p.status, err
		}
	}
	return nil, 0, fmt.Errorf("no whole answer in %d packets", maxPieces)
}
