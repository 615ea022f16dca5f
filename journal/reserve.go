package journal

import (
	"errors"
	"fmt"
	"time"

	"github.com/fettle-io/fettle/internal/durable"
)

// reserveAgain is how long a full disk is left alone.
const reserveAgain = time.Second

// reservation is the room on the disk behind the end of the open segment.
type reservation struct {
	file *durable.File
	end  int64 // up to where it goes
	// off says that the file system cannot do it.
	off bool
	// tried is when the disk was full, by Reading.Since.
	tried time.Duration
}

// Full says whether as much room is reserved ahead as Options.Ahead wants: nil,
// or an error that wraps ErrFull until it can be had again, which is tried once
// a second at most. Append goes on all the same, into what is reserved.
func (j *Journal) Full() error {
	if j.full.Load() == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.usable() == nil {
		j.reserve(j.options.Now())
	}
	if err := j.full.Load(); err != nil {
		return *err
	}
	return nil
}

// reserve keeps room ahead, in steps of a quarter.
func (j *Journal) reserve(now Reading) {
	r, ahead := &j.reservation, j.options.Ahead
	if at := r.file.Size(); ahead < 0 || r.off || r.end-at >= ahead {
		return
	}
	if j.full.Load() != nil && now.Since-r.tried < reserveAgain && now.Since >= r.tried {
		return
	}
	end := r.file.Size() + ahead + ahead/4
	err := r.file.Reserve(end)
	switch {
	case err == nil:
		r.end = end
		j.full.Store(nil)
	case errors.Is(err, errors.ErrUnsupported):
		r.off = true
		j.full.Store(nil)
	default:
		r.tried = now.Since
		full := fmt.Errorf("%w: %d bytes ahead of the records cannot be reserved: %w", ErrFull, ahead, err)
		j.full.Store(&full)
	}
}

// release gives back what was reserved and not written.
func (j *Journal) release() error {
	r := &j.reservation
	if r.end <= r.file.Size() {
		return nil
	}
	r.end = 0
	return r.file.Truncate(r.file.Size())
}
