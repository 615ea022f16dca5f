package mongodb

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// What an answer may be: replSetGetStatus of fifty members has 60 KiB. The smallest
// element has two bytes, and makes a field of forty.
const (
	mostBytes = 1 << 18
	mostDepth = 16
)

// document is a BSON document, or an array, whose keys are "0", "1" and so on. The order
// counts: the first key of a command is its name.
type document []field

// field is one element. What is read is one of float64, string, document, []byte, bool,
// time.Time, timestamp and int64; of every other type it is nil.
type field struct {
	key   string
	value any
}

// timestamp is a position in the oplog: seconds since 1970, and a count within them.
type timestamp struct{ seconds, count uint32 }

var errBSON = errors.New("a document that is cut off, or none")

// append writes d. Values are string, int32, bool, []byte and document: what questions
// are made of.
func (d document) append(b []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	for _, f := range d {
		key := func(kind byte) { b = append(append(append(b, kind), f.key...), 0) }
		switch v := f.value.(type) {
		case string:
			key(0x02)
			b = binary.LittleEndian.AppendUint32(b, uint32(len(v)+1)) //nolint:gosec // questions are short
			b = append(append(b, v...), 0)
		case document:
			key(0x03)
			b = v.append(b)
		case []byte:
			key(0x05)
			b = binary.LittleEndian.AppendUint32(b, uint32(len(v))) //nolint:gosec // questions are short
			b = append(append(b, 0), v...)
		case bool:
			key(0x08)
			b = append(b, map[bool]byte{true: 1}[v])
		case int32:
			key(0x10)
			b = binary.LittleEndian.AppendUint32(b, uint32(v)) //nolint:gosec // the same bits
		}
	}
	b = append(b, 0)
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start)) //nolint:gosec // questions are short
	return b
}

// reader reads documents. Lengths are the server's, and believed only as far as bytes
// are there.
type reader struct{ b []byte }

func (r *reader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.b) {
		return nil, errBSON
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken, nil
}

func (r *reader) uint32() (uint32, error) {
	b, err := r.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (r *reader) uint64() (uint64, error) {
	b, err := r.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// cstring is a text up to a zero byte.
func (r *reader) cstring() (string, error) {
	for i, c := range r.b {
		if c == 0 {
			text := string(r.b[:i])
			r.b = r.b[i+1:]
			return text, nil
		}
	}
	return "", errBSON
}

// text is a text with its length before it, and a zero byte behind.
func (r *reader) text() (string, error) {
	n, err := r.uint32()
	if err != nil || n == 0 || uint64(n) > uint64(len(r.b)) {
		return "", errBSON
	}
	b, err := r.take(int(n))
	if err != nil || b[n-1] != 0 {
		return "", errBSON
	}
	return string(b[:n-1]), nil
}

// document reads one document, which may not be deeper than mostDepth.
func (r *reader) document(depth int) (document, error) {
	n, err := r.uint32()
	if err != nil || n < 5 || uint64(n)-4 > uint64(len(r.b)) || depth == mostDepth {
		return nil, errBSON
	}
	body, err := r.take(int(n) - 4)
	if err != nil {
		return nil, err
	}
	in, d := reader{body}, document{}
	for {
		kind, err := in.take(1)
		if err != nil {
			return nil, err
		}
		if kind[0] == 0 {
			if len(in.b) > 0 {
				return nil, errBSON
			}
			return d, nil
		}
		key, err := in.cstring()
		if err != nil {
			return nil, err
		}
		value, err := in.value(kind[0], depth)
		if err != nil {
			return nil, err
		}
		d = append(d, field{key, value})
	}
}

func (r *reader) value(kind byte, depth int) (any, error) {
	switch kind {
	case 0x01: // double
		n, err := r.uint64()
		return math.Float64frombits(n), err
	case 0x02, 0x0d, 0x0e: // text, code, symbol
		return r.text()
	case 0x03, 0x04: // document, array
		return r.document(depth + 1)
	case 0x05:
		return r.binary()
	case 0x06, 0x0a, 0x7f, 0xff: // nothing, smallest, largest
		return nil, nil
	case 0x07: // an ID
		_, err := r.take(12)
		return nil, err
	case 0x08:
		b, err := r.take(1)
		return err == nil && b[0] == 1, err
	case 0x09:
		n, err := r.uint64()
		return time.UnixMilli(int64(n)), err //nolint:gosec // the same bits
	case 0x0b: // a regular expression
		_, err := r.cstring()
		if err == nil {
			_, err = r.cstring()
		}
		return nil, err
	case 0x10:
		n, err := r.uint32()
		return int64(int32(n)), err //nolint:gosec // the same bits
	case 0x11:
		n, err := r.uint64()
		return timestamp{seconds: uint32(n >> 32), count: uint32(n)}, err //nolint:gosec // its two halves
	case 0x12:
		n, err := r.uint64()
		return int64(n), err //nolint:gosec // the same bits
	case 0x13: // a decimal number
		_, err := r.take(16)
		return nil, err
	}
	return nil, errBSON
}

func (r *reader) binary() (any, error) {
	n, err := r.uint32()
	if err != nil || uint64(n) > uint64(len(r.b)) {
		return nil, errBSON
	}
	if _, err := r.take(1); err != nil { // its kind
		return nil, err
	}
	b, err := r.take(int(n))
	return b, err
}

func (d document) get(key string) any {
	for _, f := range d {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

func (d document) text(key string) string     { s, _ := d.get(key).(string); return s }
func (d document) sub(key string) document    { s, _ := d.get(key).(document); return s }
func (d document) time(key string) time.Time  { t, _ := d.get(key).(time.Time); return t }
func (d document) stamp(key string) timestamp { t, _ := d.get(key).(timestamp); return t }
func (d document) is(key string) bool         { b, _ := d.get(key).(bool); return b }
func (d document) number(key string) (n float64) {
	switch v := d.get(key).(type) {
	case float64:
		n = v
	case int64:
		n = float64(v)
	case bool: // ok: true of some old answers
		if v {
			n = 1
		}
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0
	}
	return n
}
