package ntpd

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The messages as RFC 9327 has them, big-endian.
const (
	header      = 12
	versionMode = 2<<3 | 6 // version 2, which all know, and mode 6: control
	isResponse  = 0x80
	isError     = 0x40
	hasMore     = 0x20
	opMask      = 0x1f

	maxPieces = 64
	maxAnswer = 16 << 10
)

// operation is the number of a question.
type operation byte

const (
	readStatus    operation = 1
	readVariables operation = 2
)

var errOther = errors.New("the answer to another question")

// encode makes a question about the system itself, which is association 0.
func encode(op operation, sequence uint16, question string) []byte {
	padded := (len(question) + 3) &^ 3
	request := make([]byte, header+padded)
	request[0], request[1] = versionMode, byte(op)
	binary.BigEndian.PutUint16(request[2:], sequence)
	binary.BigEndian.PutUint16(request[10:], uint16(len(question))) //nolint:gosec // one of ours
	copy(request[header:], question)
	return request
}

// piece is one packet of an answer.
type piece struct {
	status uint16
	offset int
	more   bool
	data   []byte
}

func decode(packet []byte, op operation, sequence uint16) (piece, error) {
	if len(packet) < header || packet[0]&7 != 6 {
		return piece{}, fmt.Errorf("%d bytes that are no control message of NTP", len(packet))
	}
	if packet[1]&isResponse == 0 || operation(packet[1]&opMask) != op || binary.BigEndian.Uint16(packet[2:]) != sequence {
		return piece{}, errOther
	}
	status := binary.BigEndian.Uint16(packet[4:])
	if packet[1]&isError != 0 {
		return piece{}, fmt.Errorf("ntpd answers operation %d with error %d", op, status>>8)
	}
	length := int(binary.BigEndian.Uint16(packet[10:]))
	if len(packet) < header+length {
		return piece{}, fmt.Errorf("ntpd's answer to operation %d was cut at %d bytes", op, len(packet))
	}
	return piece{
		status: status,
		offset: int(binary.BigEndian.Uint16(packet[8:])),
		more:   packet[1]&hasMore != 0,
		data:   bytes.Clone(packet[header : header+length]),
	}, nil
}

// pieces are those of an answer that have come.
type pieces []piece

// add tells the whole answer once there is no gap and the last piece is there.
func (all *pieces) add(p piece) (whole []byte, ok bool, err error) {
	if p.offset+len(p.data) > maxAnswer {
		return nil, false, fmt.Errorf("an answer of more than %d bytes: not plausible", maxAnswer)
	}
	*all = append(*all, p)
	slices.SortFunc(*all, func(a, b piece) int { return cmp.Compare(a.offset, b.offset) })
	for i, p := range *all {
		switch {
		case p.offset > len(whole):
			return nil, false, nil // one is missing
		case p.offset < len(whole) && i > 0:
			return nil, false, fmt.Errorf("pieces of an answer that overlap at byte %d", p.offset)
		}
		whole = append(whole, p.data...)
		if !p.more {
			return whole, true, nil
		}
	}
	return nil, false, nil
}
