//go:build unix

package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A program that was just forked shares the lock until its exec, also when
// fettle itself is gone by then. So lock tries for a moment.
const (
	lockTries = 50
	lockPause = 20 * time.Millisecond
)

// lock takes the journal in dir for this process, until unlock. The kernel
// gives it back when the process ends, however it ends; the pid in the file is
// only for the message to a second one.
func lock(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock journal: %w", err)
	}
	for try := 1; ; try++ {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || try == lockTries {
			break
		}
		time.Sleep(lockPause) //nolint:forbidigo // flock cannot be waited for with a deadline
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		f.Close()
		holder, _ := os.ReadFile(path)
		return nil, fmt.Errorf("%w: process %s holds the lock %s; there is one writer at a time", ErrLocked, strings.TrimSpace(string(holder)), path)
	}
	if err == nil {
		err = errors.Join(f.Truncate(0), writePID(f))
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock journal: %s: %w", path, err)
	}
	return f, nil
}

// unlock gives the journal up. Closing the file alone would leave the lock with
// a program that is just being forked.
func unlock(f *os.File) error {
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
}

func writePID(f *os.File) error {
	_, err := fmt.Fprintln(f, os.Getpid())
	return err
}
