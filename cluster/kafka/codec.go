package kafka

import (
	"encoding/binary"
	"errors"
	"math"
)

// writer writes a question. Its strings are short: names of the configuration and of
// what brokers told.
type writer struct{ b []byte }

func (w *writer) int8(n int8)   { w.b = append(w.b, byte(n)) }                          //nolint:gosec // the same bits
func (w *writer) int16(n int16) { w.b = binary.BigEndian.AppendUint16(w.b, uint16(n)) } //nolint:gosec // the same bits
func (w *writer) int32(n int32) { w.b = binary.BigEndian.AppendUint32(w.b, uint32(n)) } //nolint:gosec // the same bits
func (w *writer) int64(n int64) { w.b = binary.BigEndian.AppendUint64(w.b, uint64(n)) } //nolint:gosec // the same bits

func (w *writer) bool(b bool) {
	if b {
		w.int8(1)
	} else {
		w.int8(0)
	}
}

func (w *writer) string(s string) {
	w.int16(int16(min(len(s), math.MaxInt16))) //nolint:gosec // it is bounded
	w.b = append(w.b, s[:min(len(s), math.MaxInt16)]...)
}

func (w *writer) bytes(b []byte) {
	w.length(len(b))
	w.b = append(w.b, b...)
}

// length is that of a list, -1 of none.
func (w *writer) length(n int) { w.int32(int32(n)) } //nolint:gosec // it is bounded

var errShort = errors.New("an answer that is cut off")

// reader reads an answer. What was wrong is kept in err: everything after it is zero.
// Lengths are the broker's, and believed only as far as bytes are there.
type reader struct {
	b   []byte
	err error
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b) {
		r.err = errShort
		return make([]byte, min(max(n, 0), 8))
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) int16() int16 { return int16(binary.BigEndian.Uint16(r.take(2))) } //nolint:gosec // the same bits
func (r *reader) int32() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) } //nolint:gosec // the same bits
func (r *reader) int64() int64 { return int64(binary.BigEndian.Uint64(r.take(8))) } //nolint:gosec // the same bits

// string is "" of none.
func (r *reader) string() string {
	n := int(r.int16())
	if n <= 0 || r.err != nil {
		return ""
	}
	return string(r.take(n))
}

// skipBytes leaves out bytes that nobody needs.
func (r *reader) skipBytes() {
	if n := int(r.int32()); n > 0 && r.err == nil {
		r.take(n)
	}
}

// list calls fn for each element, and stops where the answer ends.
func (r *reader) list(fn func()) {
	n := int(r.int32())
	for i := 0; i < n && r.err == nil; i++ {
		fn()
	}
}

func (r *reader) ids() []int32 {
	var all []int32
	r.list(func() { all = append(all, r.int32()) })
	return all
}
