package journal

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// followEvery is how often Follow looks for more.
const followEvery = 200 * time.Millisecond

// end is behind every sequence number.
const end = uint64(1) << 63

// Read calls fn with every record from sequence number from on, and returns at
// the end of the journal. It works beside a running writer and stops cleanly
// before an unfinished group; what it shows may not be durable yet. It checks
// each line, but no signature: that is for Verify. Where the lines went to an
// archive, the error is an *ArchivedError.
func Read(dir string, from uint64, fn func(Record) error) error {
	return ReadArchived(dir, "", from, fn)
}

// ReadArchived is Read, with the folder that Archive moved older lines to.
func ReadArchived(dir, archive string, from uint64, fn func(Record) error) error {
	c := cursor{dir: dir, archive: archive, from: from}
	return c.advance(end, fn)
}

// First returns the first record whose line is in dir: 0, unless older ones
// went to an archive.
func First(dir string) (uint64, error) {
	segments, err := segmentsIn(dir)
	if err != nil {
		return 0, err
	}
	for segments[0].path == "" {
		segments = segments[1:]
	}
	return segments[0].first, nil
}

// Follow is Read that waits for more at the end (it looks every 200 ms) until
// ctx is done, whose error it returns.
func Follow(ctx context.Context, dir string, from uint64, fn func(Record) error) error {
	c := cursor{dir: dir, from: from}
	for {
		err := c.advance(end, func(r Record) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return fn(r)
		})
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(followEvery):
		}
	}
}

// cursor is a place in a journal from which reading can go on, also when the
// writer has recovered in between and the line now stands in another file.
type cursor struct {
	dir     string
	archive string // the folder with older lines, if it is given
	from    uint64 // the first record that is wanted
	// at is where the next line begins, in the file that info tells.
	at     place
	info   os.FileInfo
	parser parser
}

// advance calls fn with the wanted records from the cursor on, before limit and
// the end.
func (c *cursor) advance(limit uint64, fn func(Record) error) error {
	for {
		segments, err := segmentsIn(c.dir)
		if err != nil {
			return err
		}
		next := max(c.at.seq, c.from)
		i := len(segments) - 1
		for segments[i].first > next {
			i--
		}
		stop, isLast := limit, i == len(segments)-1
		if !isLast {
			stop = min(limit, segments[i+1].first)
		}
		bad, err := c.read(segments[i], stop, fn)
		switch {
		case errors.Is(err, errMoved):
			continue // the next list says so
		case err != nil:
			return err
		case bad != nil && (bad.followed || !isLast):
			return bad.damage()
		case isLast || c.at.seq >= limit:
			return nil
		case c.at.seq < stop:
			return missing(c.at, stop).damage()
		}
	}
}

// read goes through one segment, from the cursor if it is the same file still.
func (c *cursor) read(seg segment, stop uint64, fn func(Record) error) (*fault, error) {
	want := max(c.at.seq, c.from)
	f, err := checker{archive: c.archive}.lines(seg)
	if errors.Is(err, fs.ErrNotExist) && seg.path != "" {
		return nil, errMoved
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, archived(c.dir, seg, want)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if c.info == nil || !os.SameFile(c.info, info) || info.Size() < c.at.offset {
		c.at = place{file: f.Name(), line: 1, seq: seg.first}
	}
	c.info = info
	if info.Size() == c.at.offset {
		return nil, nil // nothing new
	}
	s := newScanner(f, info.Size(), c.at, &c.parser)
	return s.scan(stop, func(r Record, at place) error {
		c.at = at
		if r.Seq >= want {
			if err := fn(r); err != nil {
				return err
			}
		}
		c.at.line++
		c.at.offset += int64(len(r.Line)) + 1
		c.at.seq++
		return nil
	})
}
