package gluster

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// maxPending is the most that is counted: more is too much in any case.
const maxPending = 100_000

// heals counts what waits to be healed. A brick whose disk hangs holds one goroutine,
// and the counts that come while it hangs are not to be had.
type heals struct {
	mu   sync.Mutex
	busy bool
}

// count counts the links in the brick's index: each is a file or directory of which
// another brick has an older copy. nil: it may not be read, or not in time.
func (h *heals) count(ctx context.Context, brick string) *int {
	h.mu.Lock()
	busy := h.busy
	h.busy = true
	h.mu.Unlock()
	if busy {
		return nil
	}
	counted := make(chan *int, 1)
	go func() {
		n, err := links(filepath.Join(brick, ".glusterfs", "indices", "xattrop"))
		h.mu.Lock()
		h.busy = false
		h.mu.Unlock()
		if err != nil {
			counted <- nil
			return
		}
		counted <- &n
	}()
	select {
	case n := <-counted:
		return n
	case <-ctx.Done():
		return nil
	}
}

// links counts the entries of an index, but for the file that they are links to.
func links(dir string) (n int, err error) {
	d, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	for n < maxPending {
		names, err := d.Readdirnames(1000)
		for _, name := range names {
			if !strings.HasPrefix(name, "xattrop") {
				n++
			}
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return maxPending, nil
}
