package journal

import (
	"context"
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
// each line, but no signature: that is for Verify.
func Read(dir string, from uint64, fn func(Record) error) error {
	c := cursor{dir: dir, from: from}
	return c.advance(end, fn)
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
	dir  string
	from uint64 // the first record that is wanted
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
	f, err := os.Open(seg.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	want := max(c.at.seq, c.from)
	if c.info == nil || !os.SameFile(c.info, info) || info.Size() < c.at.offset {
		c.at = place{file: seg.path, line: 1, seq: seg.first}
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
