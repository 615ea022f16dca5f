package service

import (
	"strings"
	"testing"
)

func TestWriteLocked(t *testing.T) {
	const locks = `1: POSIX  ADVISORY  WRITE 812 08:01:1311 0 EOF
1: -> POSIX  ADVISORY  WRITE 913 08:01:99 0 EOF
2: FLOCK  ADVISORY  WRITE 500 00:1b:77 0 EOF
3: POSIX  ADVISORY  READ  501 08:01:1400 128 128
4: OFDLCK ADVISORY  WRITE -1 08:01:1500 0 EOF
5: LEASE  ACTIVE    READ  600 08:01:1600 0 EOF
`
	got := writeLocked(strings.NewReader(locks))
	for key, want := range map[string]bool{
		deviceKey(8, 1, 1311): true, deviceKey(0, 0x1b, 77): true, deviceKey(8, 1, 1500): true,
		deviceKey(8, 1, 99): false, deviceKey(8, 1, 1400): false, deviceKey(8, 1, 1600): false,
	} {
		if got[key] != want {
			t.Errorf("%s: got %v, want %v", key, got[key], want)
		}
	}
}
