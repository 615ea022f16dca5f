package alert

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// The 64-bit FNV-1a hash.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
	// separator stands in no valid UTF-8.
	separator = 0xff
)

// FingerprintOf computes the fingerprint of a label set as Alertmanager does: the
// hash of its names and values, sorted by name. A test compares it with
// Prometheus' own, which would cost a second map of all labels.
func FingerprintOf(ls map[string]string) Fingerprint {
	var few [16]string
	names := few[:0]
	for name := range ls {
		names = append(names, name)
	}
	slices.Sort(names)
	sum := uint64(fnvOffset)
	for _, name := range names {
		sum = hashed(hashed(sum, name), ls[name])
	}
	var b [8]byte
	var text [16]byte
	binary.BigEndian.PutUint64(b[:], sum)
	hex.Encode(text[:], b[:])
	return Fingerprint(text[:])
}

func hashed(sum uint64, text string) uint64 {
	for i := range len(text) {
		sum = (sum ^ uint64(text[i])) * fnvPrime
	}
	return (sum ^ separator) * fnvPrime
}
