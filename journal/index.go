package journal

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"sync"
	"time"
)

const (
	indexChunk = 1 << 16 // spots that are made, and forgotten, at once: 1 MiB
	indexSpots = 32      // chunks: two million spots in 32 MiB
	indexReach = 1 << 20 // records that a first reading goes back, at least, where there are as many
	indexPause = 4096    // records after which a reading lets others have the processor
)

// Index tells where in a journal the newest records about something stand, so that
// they are read without all others. It is made from the files by CatchUp and kept in
// memory, within bounds: what is older it does not know, and what it returns may
// therefore begin in the middle. Its methods may be called at the same time.
type Index struct {
	dir   string
	about func(Record) []string
	seed  maphash.Seed
	turn  chan struct{} // who reads the files has its element

	cursor cursor // whose turn it is
	began  bool

	mu     sync.RWMutex
	files  []string
	chunks [][]spot // the newest last
	next   uint64   // the first record that was not looked at
}

// spot is one record about one thing. The name is a hash of it: who reads the
// record sees whether it is meant.
type spot struct {
	about  uint32
	file   uint32
	offset int64
}

// NewIndex makes an index of the journal in dir, without reading it yet. about names
// what a record is about; it must not keep the record.
func NewIndex(dir string, about func(Record) []string) *Index {
	return &Index{dir: dir, about: about, seed: maphash.MakeSeed(), turn: make(chan struct{}, 1)}
}

// CatchUp reads what was written since the last time. The first time it goes back a
// million records and on to the beginning of their segment. Where another reading is
// under way it waits for it while ctx lasts.
func (x *Index) CatchUp(ctx context.Context) error {
	select {
	case x.turn <- struct{}{}:
		defer func() { <-x.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !x.began {
		from, err := reach(x.dir)
		if err != nil {
			return err
		}
		x.cursor, x.began = cursor{dir: x.dir, from: from}, true
	}
	n := 0
	return x.cursor.advance(end, func(r Record) error {
		x.note(r, x.cursor.at)
		if n++; n%indexPause != 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			x.cursor.from = r.Seq + 1
			return ctx.Err()
		case <-time.After(time.Millisecond):
			return nil
		}
	})
}

// reach is where a first reading begins.
func reach(dir string) (uint64, error) {
	segments, err := segmentsIn(dir)
	if err != nil {
		return 0, err
	}
	last := len(segments) - 1
	from := segments[last].first
	for i := last; i >= 0 && segments[i].path != ""; i-- {
		from = segments[i].first
		if segments[last].first-from >= indexReach {
			break
		}
	}
	return from, nil
}

// note takes one record.
func (x *Index) note(r Record, at place) {
	names := x.about(r)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.next = r.Seq + 1
	for _, name := range names {
		if n := len(x.files); n == 0 || x.files[n-1] != at.file {
			x.files = append(x.files, at.file)
		}
		if n := len(x.chunks); n == 0 || len(x.chunks[n-1]) == indexChunk {
			x.chunks = append(x.chunks, make([]spot, 0, indexChunk))
			x.chunks = x.chunks[max(0, len(x.chunks)-indexSpots):]
		}
		last := &x.chunks[len(x.chunks)-1]
		*last = append(*last, spot{about: x.hash(name), file: uint32(len(x.files) - 1), offset: at.offset}) //nolint:gosec // one for each segment
	}
}

func (x *Index) hash(name string) uint32 { return uint32(maphash.String(x.seed, name)) } //nolint:gosec // the lower half will do

// Records returns, in order, the records about name that the index knows; of more than
// most the first few and the newest, and how many were left out in between. One that
// cannot be read any more, because it is damaged or its segment is gone, is left out as
// well: the error tells of the first such, and the others are returned beside it.
func (x *Index) Records(name string, most int) (records []Record, left int, err error) {
	spots, files := x.spots(name)
	if over := len(spots) - most; over > 0 {
		head := most / 8
		spots, left = append(spots[:head:head], spots[head+over:]...), over
	}
	var p parser
	for len(spots) > 0 {
		n := 1
		for n < len(spots) && spots[n].file == spots[0].file {
			n++
		}
		some, e := readSpots(files[spots[0].file], spots[:n], &p)
		records, err, spots = append(records, some...), cmp.Or(err, e), spots[n:]
	}
	return records, left, err
}

// readSpots reads the records that stand in one file; of what cannot be read the first
// one is the error.
func readSpots(path string, spots []spot, p *parser) (records []Record, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the journal again: %w", err)
	}
	defer f.Close()
	for _, s := range spots {
		line, e := bufio.NewReaderSize(io.NewSectionReader(f, s.offset, MaxLine+1), 4<<10).ReadBytes('\n')
		var r Record
		if e == nil {
			r, e = p.parse(bytes.TrimSuffix(line, []byte("\n")))
		}
		if e != nil {
			err = cmp.Or(err, fmt.Errorf("read %s at %d again: %w", path, s.offset, e))
			continue
		}
		records = append(records, r)
	}
	return records, err
}

func (x *Index) spots(name string) (found []spot, files []string) {
	want := x.hash(name)
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, chunk := range x.chunks {
		for _, s := range chunk {
			if s.about == want {
				found = append(found, s)
			}
		}
	}
	return found, x.files
}

// Next is the sequence number of the first record that the index has not looked at.
func (x *Index) Next() uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.next
}
