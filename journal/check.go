package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// checked is what one segment holds, as far as that can be told without the
// others.
type checked struct {
	stretch
	// leaves are the hashes of its good lines, or those that were kept of lines
	// that are gone.
	leaves []tlog.Hash
	// own are the journal's own records in it.
	own   []ownRecord
	end   place  // behind the last good record
	fault *fault // nil if every line is good
}

// errMoved says that what was the newest segment went to the archive meanwhile:
// the segments have to be listed again.
var errMoved = errors.New("a segment was archived while this was reading")

// moves is how often a reader begins anew because of that.
const moves = 10

// steady calls do, again if segments moved meanwhile.
func steady(do func() error) error {
	err := do()
	for n := 1; n < moves && errors.Is(err, errMoved); n++ {
		err = do()
	}
	return err
}

type ownRecord struct {
	Record
	place
}

// checker reads segments: each line's crc, form and place. The segments can be
// read at the same time.
type checker struct {
	// archive is the folder with the lines that are gone, empty if it is not
	// given.
	archive string
	// pace is waited for before so many bytes are read; nil: no time is lost.
	pace func(bytes int) error
}

// check reads one segment. next is the first record of the one after it; the
// last segment has none (end).
func (c checker) check(seg segment, next uint64) (*checked, error) {
	f, err := c.lines(seg)
	if errors.Is(err, fs.ErrNotExist) {
		if next == end {
			return nil, fmt.Errorf("read %s: %w", seg.path, errMoved)
		}
		return c.leaves(seg, next)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	found := &checked{leaves: make([]tlog.Hash, 0, info.Size()/512)}
	s := newScanner(c.paced(f), info.Size(), place{file: f.Name(), line: 1, seq: seg.first}, new(parser))
	found.fault, err = s.scan(next, func(r Record, at place) error {
		if err := checkData(r.Data); err != nil {
			return (&fault{place: at, reason: "not a record: data: " + err.Error()}).damage()
		}
		if isOwn(r.Type) {
			own := r
			own.Line, own.Data = bytes.Clone(r.Line), bytes.Clone(r.Data)
			found.own = append(found.own, ownRecord{own, at})
		}
		found.leaves = append(found.leaves, leafHash(r.Line))
		return nil
	})
	// What is no JSON is a fault like any other, but nothing is cut for it.
	if d := (*DamageError)(nil); errors.As(err, &d) {
		found.fault, err = &fault{place{d.File, d.Line, d.Offset, d.Seq}, d.Reason, true}, nil
	}
	if err != nil {
		return nil, err
	}
	switch {
	case next == end:
	case found.fault != nil:
		found.fault.followed = true
	case s.at.seq < next:
		found.fault = missing(s.at, next)
	}
	found.end = s.at
	found.end.offset = s.good
	found.stretch = stretch{segment: seg, size: info.Size(), good: s.good}
	found.path = f.Name()
	if found.fault == nil && seg.leaves != "" {
		return found, c.compare(seg, found)
	}
	return found, nil
}

// lines opens the lines of a segment, wherever they are.
func (c checker) lines(seg segment) (*os.File, error) {
	if seg.path != "" {
		f, err := os.Open(seg.path)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	if c.archive == "" {
		return nil, fs.ErrNotExist
	}
	return os.Open(filepath.Join(c.archive, filepath.Base(segmentPath("", seg.first))))
}

// leaves is check for a segment whose lines are gone.
func (c checker) leaves(seg segment, next uint64) (*checked, error) {
	path := seg.leaves
	if path == "" { // they went while this was reading
		path = leavesPath(filepath.Dir(seg.path), seg.first)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	count := next - seg.first
	if info.Size() != int64(count)*tlog.HashSize { //nolint:gosec // segments are not that long
		return nil, &DamageError{File: path, Seq: seg.first, Reason: fmt.Sprintf("it has %d bytes, but the hashes of %d records have %d", info.Size(), count, count*tlog.HashSize)}
	}
	b, err := io.ReadAll(io.NewSectionReader(c.paced(f), 0, info.Size()))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	found := &checked{stretch: stretch{segment: seg}, end: place{file: path, seq: next}}
	found.path = ""
	for h := range slices.Chunk(b, tlog.HashSize) {
		found.leaves = append(found.leaves, tlog.Hash(h))
	}
	return found, nil
}

// compare holds the leaf hashes that were kept against the lines.
func (c checker) compare(seg segment, found *checked) error {
	kept, err := c.leaves(seg, seg.first+uint64(len(found.leaves)))
	if err != nil {
		return err
	}
	for i, h := range kept.leaves {
		if h != found.leaves[i] {
			return &DamageError{File: seg.leaves, Seq: seg.first + uint64(i), Offset: int64(i) * tlog.HashSize, Reason: "it is not the hash of the line in " + found.end.file}
		}
	}
	return nil
}

func (c checker) paced(r io.ReaderAt) io.ReaderAt {
	if c.pace == nil {
		return r
	}
	return pacedReader{r, c.pace}
}

type pacedReader struct {
	io.ReaderAt
	pace func(int) error
}

func (p pacedReader) ReadAt(b []byte, offset int64) (int, error) {
	if err := p.pace(len(b)); err != nil {
		return 0, err
	}
	return p.ReaderAt.ReadAt(b, offset)
}

// pause returns a pace of so many bytes a second that ends with ctx.
func pause(ctx context.Context, bytesPerSecond int64) func(int) error {
	return func(n int) error {
		if err := ctx.Err(); err != nil || bytesPerSecond <= 0 {
			return err
		}
		timer := time.NewTimer(time.Duration(float64(n) / float64(bytesPerSecond) * float64(time.Second)))
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// grow adds a segment to the tree of those before it, and calls grown after
// each record. It says if the segment does not open as those end.
func (c *checked) grow(tree *frontier, id Identity, grown func() error) error {
	own := c.own
	for _, h := range c.leaves {
		if len(own) > 0 && own[0].Seq == tree.size {
			if err := own[0].follows(tree, id); err != nil {
				return err
			}
			own = own[1:]
		}
		tree.addLeaf(h)
		if err := grown(); err != nil {
			return err
		}
	}
	return nil
}

// follows holds an opening against the records before it.
func (o ownRecord) follows(tree *frontier, id Identity) error {
	if o.Type != segmentNew {
		return nil
	}
	opened, edge, err := parseOpening(o.Data, o.Seq)
	var reason string
	switch {
	case err != nil:
		reason = err.Error()
	case edge.root() != tree.root() || !slices.Equal(edge.roots, tree.roots):
		reason = "the lines before this segment do not have the root that it opens with: one of them was changed"
	case opened.ID != id.ID || opened.Host != id.Host:
		reason = "the segment is of another journal, " + opened.ID
	default:
		return nil
	}
	return (&fault{place: o.place, reason: reason}).damage()
}
