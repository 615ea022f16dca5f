//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// fakeInfo is a file that belongs to somebody.
type fakeInfo struct {
	fs.FileInfo
	uid int
}

func (fakeInfo) Mode() fs.FileMode { return 0o644 }
func (f fakeInfo) Sys() any        { return &syscall.Stat_t{Uid: uint32(f.uid)} } //nolint:gosec // small numbers

func TestTrustedOwner(t *testing.T) {
	for _, uid := range []int{0, os.Geteuid()} {
		if err := trusted("/p.yml", fakeInfo{uid: uid}); err != nil {
			t.Errorf("of user %d: %v", uid, err)
		}
	}
	want := "/p.yml belongs to user 4242, and a playbook says what is run: it must belong to root or to the user that fettle runs as (chown root /p.yml)"
	if err := trusted("/p.yml", fakeInfo{uid: 4242}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
