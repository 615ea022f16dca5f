package programs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lock keeps two processes from building the same program at the same time.
// The kernel gives it back when its process ends, however it ends.
type lock struct {
	file *os.File
}

// openLock makes the lock's file, and its folder where there is none.
func openLock(path string) (*lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &lock{file: f}, nil
}

// acquire waits until the lock is ours or ctx ends.
func (l *lock) acquire(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Flock(int(l.file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("locking %s: %w", l.file.Name(), err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("locking %s: %w", l.file.Name(), context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Close gives the lock back. Its file stays: removing it would let two
// processes lock two files of one name.
func (l *lock) Close() error { return l.file.Close() }
