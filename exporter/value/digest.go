package value

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// bits of a digest: what a float64, which metrics are, holds without loss.
const bits = 52

// Digest is a number that is the same for the same content, and another one for another:
// the first 52 bits of the SHA-256, or with a key of the HMAC. Without the key, what is
// short can be found out by trying.
func Digest(content, key []byte) float64 {
	sum := sha256.Sum256(content)
	if len(key) > 0 {
		mac := hmac.New(sha256.New, key)
		mac.Write(content)
		mac.Sum(sum[:0])
	}
	return float64(binary.BigEndian.Uint64(sum[:8]) >> (64 - bits))
}
