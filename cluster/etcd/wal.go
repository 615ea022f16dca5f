package etcd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"google.golang.org/protobuf/encoding/protowire"
)

// Record types of etcd's log.
const (
	recordMetadata = 1
	recordCRC      = 4
)

// Each segment begins with a checksum and the metadata: no need to look further.
const (
	maxHeadRecords = 8
	maxHeadBytes   = 1 << 20
)

// owner is whose log it is.
type owner struct{ nodeID, clusterID uint64 }

// readOwner reads the metadata record at the head of a log segment. Damage is
// ErrDamaged, any other error is reading's own.
func readOwner(path string) (owner, error) {
	f, err := os.Open(path)
	if err != nil {
		return owner{}, err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	var sum uint32 // runs on through the segments; the first record brings it along
	for range maxHeadRecords {
		rec, err := readRecord(r)
		if err != nil {
			return owner{}, err
		}
		if rec.kind == recordCRC {
			sum = rec.crc
			continue
		}
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), rec.data)
		if sum != rec.crc {
			return owner{}, fmt.Errorf("%w: checksum of the log's head does not match", ErrDamaged)
		}
		if rec.kind == recordMetadata {
			return decodeOwner(rec.data)
		}
	}
	return owner{}, fmt.Errorf("%w: no metadata at the log's head", ErrDamaged)
}

type record struct {
	kind uint64
	crc  uint32
	data []byte
}

// readRecord reads one frame: 8 bytes, little endian, of which the lower 56 bits
// are the record's length, and, with the highest bit set, bits 56 to 58 that of
// the padding behind it.
func readRecord(r io.Reader) (record, error) {
	var frame [8]byte
	if _, err := io.ReadFull(r, frame[:]); err != nil {
		return record{}, cut(err)
	}
	head := binary.LittleEndian.Uint64(frame[:])
	size, padding := head&(1<<56-1), uint64(0)
	if head>>63 == 1 {
		padding = head >> 56 & 7
	}
	if size == 0 || size > maxHeadBytes {
		return record{}, fmt.Errorf("%w: no record at the log's head", ErrDamaged)
	}
	body := make([]byte, size+padding)
	if _, err := io.ReadFull(r, body); err != nil {
		return record{}, cut(err)
	}
	var rec record
	err := fields(body[:size], func(n protowire.Number, value uint64, data []byte) {
		switch n {
		case 1:
			rec.kind = value
		case 2:
			rec.crc = uint32(value) //nolint:gosec // the field is a uint32
		case 3:
			rec.data = data
		}
	})
	return rec, err
}

func decodeOwner(b []byte) (owner, error) {
	var m owner
	err := fields(b, func(n protowire.Number, value uint64, _ []byte) {
		switch n {
		case 1:
			m.nodeID = value
		case 2:
			m.clusterID = value
		}
	})
	if err == nil && (m.nodeID == 0 || m.clusterID == 0) {
		err = fmt.Errorf("%w: no member ID in the log", ErrDamaged)
	}
	return m, err
}

// fields walks a protobuf message's numbers and byte strings.
func fields(b []byte, each func(n protowire.Number, value uint64, data []byte)) error {
	for len(b) > 0 {
		n, kind, used := protowire.ConsumeTag(b)
		if used < 0 {
			return fmt.Errorf("%w: %w", ErrDamaged, protowire.ParseError(used))
		}
		b = b[used:]
		var value uint64
		var data []byte
		switch kind {
		case protowire.VarintType:
			value, used = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			data, used = protowire.ConsumeBytes(b)
		default:
			used = protowire.ConsumeFieldValue(n, kind, b)
		}
		if used < 0 {
			return fmt.Errorf("%w: %w", ErrDamaged, protowire.ParseError(used))
		}
		each(n, value, data)
		b = b[used:]
	}
	return nil
}

// cut makes a log that ends too early damage.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the log is cut short", ErrDamaged)
	}
	return err
}
