package chrony

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// The messages as candm.h of chrony has them, big-endian.
const (
	version       = 6
	typeRequest   = 1
	typeReply     = 2
	requestHeader = 20
	replyHeader   = 28
	// requestSize is that of every request. chronyd answers none that is shorter than
	// its answer, so that it cannot be used to amplify; longer ones are welcome.
	requestSize = 160
)

// command is the number of a question.
type command uint16

const (
	commandSources  command = 14
	commandSource   command = 15
	commandTracking command = 33
)

// reply is the number of c's reply, and its length behind the header.
func (c command) reply() (code uint16, length int) {
	switch c {
	case commandSources:
		return 2, 4
	case commandSource:
		return 3, 48
	default:
		return 5, 76
	}
}

var (
	errOther        = errors.New("the answer to another question")
	errNoSuchSource = errors.New("no such source")
)

// Leap is what the leap indicator of NTP says.
type Leap uint16

// The values of Leap.
const (
	LeapNone    Leap = iota // no leap second at the end of the day
	LeapInsert              // the last minute of the day has 61 seconds
	LeapDelete              // the last minute of the day has 59 seconds
	LeapUnknown             // the clock is not synchronised
)

// Tracking is how the clock is kept.
type Tracking struct {
	ReferenceID    uint32
	Stratum        uint16
	Leap           Leap
	ReferenceTime  time.Time // the last time that the clock was compared
	Correction     float64   // seconds that the clock is still to be moved forward
	RootDelay      float64   // seconds, there and back, to the first clock of the chain
	RootDispersion float64   // seconds of error gathered on the way from it
}

// State is what chronyd makes of a source.
type State uint16

// Selected is the State of the source that the clock follows. The other states, from
// 1 to 5, say why one is not, or not alone.
const Selected State = 0

// Source is one source of time.
type Source struct {
	Stratum      uint16
	State        State
	Reachability uint16 // a bit for each of the last eight polls, the last one lowest
}

// Reachable tells whether the source answered one of the last eight polls.
func (s Source) Reachable() bool { return s.Reachability != 0 }

func encode(c command, sequence, index uint32) []byte {
	request := make([]byte, requestSize)
	request[0], request[1] = version, typeRequest
	binary.BigEndian.PutUint16(request[4:], uint16(c))
	binary.BigEndian.PutUint32(request[8:], sequence)
	binary.BigEndian.PutUint32(request[requestHeader:], index)
	return request
}

// decode checks a reply and answers with what lies behind its header.
func decode(reply []byte, c command, sequence uint32) ([]byte, error) {
	if len(reply) < replyHeader || reply[1] != typeReply {
		return nil, fmt.Errorf("%d bytes that are no reply of chronyd", len(reply))
	}
	if reply[0] != version {
		return nil, fmt.Errorf("version %d of the protocol, want %d: chronyd is older than 2.0 or newer than this program", reply[0], version)
	}
	if binary.BigEndian.Uint32(reply[16:]) != sequence || binary.BigEndian.Uint16(reply[4:]) != uint16(c) {
		return nil, errOther
	}
	switch status := binary.BigEndian.Uint16(reply[8:]); status {
	case 0:
	case 2:
		return nil, errors.New("chronyd refuses to answer: cmdallow in its configuration")
	case 4:
		return nil, errNoSuchSource
	default:
		return nil, fmt.Errorf("chronyd answers command %d with status %d", c, status)
	}
	code, length := c.reply()
	if got := binary.BigEndian.Uint16(reply[6:]); got != code {
		return nil, fmt.Errorf("chronyd answers command %d with reply %d, want %d", c, got, code)
	}
	if len(reply) < replyHeader+length {
		return nil, fmt.Errorf("chronyd's reply to command %d was cut at %d bytes", c, len(reply))
	}
	return reply[replyHeader : replyHeader+length], nil
}

func decodeTracking(body []byte) Tracking {
	// 4 to 23 are the source's address.
	seconds := uint64(binary.BigEndian.Uint32(body[28:]))<<32 | uint64(binary.BigEndian.Uint32(body[32:]))
	return Tracking{
		ReferenceID:    binary.BigEndian.Uint32(body),
		Stratum:        binary.BigEndian.Uint16(body[24:]),
		Leap:           Leap(binary.BigEndian.Uint16(body[26:])),
		ReferenceTime:  time.Unix(int64(seconds), int64(binary.BigEndian.Uint32(body[36:]))), //nolint:gosec // beyond 2^63 it is no time either way
		Correction:     float(body[40:]),
		RootDelay:      float(body[64:]),
		RootDispersion: float(body[68:]),
	}
}

func decodeSource(body []byte) Source {
	// 0 to 19 are its address, 20 its poll interval.
	return Source{
		Stratum:      binary.BigEndian.Uint16(body[22:]),
		State:        State(binary.BigEndian.Uint16(body[24:])),
		Reachability: binary.BigEndian.Uint16(body[30:]),
	}
}

// float reads chrony's own 32 bits of floating point: 7 of a signed exponent, 25 of a
// signed coefficient. All of them are finite.
func float(b []byte) float64 {
	bits := int32(binary.BigEndian.Uint32(b)) //nolint:gosec // the sign is meant
	return math.Ldexp(float64(bits<<7>>7), int(bits>>25)-25)
}
