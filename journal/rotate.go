package journal

import (
	"bufio"
	"errors"
	"io"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/internal/durable"
)

// RotateDue says whether it is time for a new segment: the open one has grown
// by Options.SegmentBytes behind its carried records, and by as much as those
// have, so that a large state is not carried again and again.
func (j *Journal) RotateDue() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	grown := j.open - j.carried
	return grown >= j.options.SegmentBytes && grown >= j.carried
}

// Rotate begins a new segment with a record of the journal's own and the
// carried ones, as one group: all of it is durable when Rotate returns. It
// returns them in this order, without their lines. Errors are as in Append, but
// for one that is neither ErrFailed nor ErrRefused (a full disk): then the open
// segment stays the open one, and the journal goes on.
func (j *Journal) Rotate(carried []Draft) ([]Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usable(); err != nil {
		return nil, err
	}
	records, err := j.rotate(carried, j.options.Now())
	if errors.Is(err, durable.ErrSync) && j.failure == nil {
		err = j.fail(err)
	}
	return records, err
}

func (j *Journal) rotate(carried []Draft, now Reading) ([]Record, error) {
	if j.checkpointed < j.tree.size {
		if err := j.checkpoint(now); err != nil {
			return nil, err
		}
	}
	first := j.tree.size
	path := segmentPath(j.dir, first)
	next := newSegment{journal: j, now: now, tree: j.tree.clone()}
	if err := j.options.disk.Prepare(path+".tmp", 0o600, func(w io.Writer) error { return next.write(w, carried) }); err != nil {
		return nil, err
	}
	// From here on no other segment is written to, if all goes well.
	if err := j.release(); err != nil {
		return nil, err
	}
	if err := j.addMark(now, mark{Mark: "segment-changed", Records: first, Segment: filepath.Base(path)}); err != nil {
		return nil, err
	}
	if err := j.options.disk.Place(path+".tmp", path); err != nil {
		return nil, err
	}
	before := j.file
	if err := j.appendTo(path); err != nil {
		return nil, j.fail(err) // the new segment is there, and the old one has ended
	}
	j.tree = next.tree
	j.opened, j.open, j.carried = first, next.bytes, next.bytes
	j.lastCarried = first + uint64(len(carried))
	j.bytes += next.bytes
	j.reserve(now)
	before.Close() // all of it is synced
	return next.records, nil
}

// newSegment is the first group of a segment in the making.
type newSegment struct {
	journal *Journal
	now     Reading
	tree    frontier
	records []Record
	bytes   int64
	line    []byte
}

// write writes the group, a line at a time: the carried records may be many.
func (n *newSegment) write(to io.Writer, carried []Draft) error {
	w := bufio.NewWriterSize(to, 1<<20)
	if err := w.WriteByte('\n'); err != nil {
		return err
	}
	n.bytes = 1
	n.records = make([]Record, 0, 1+len(carried))
	first, err := n.opening(len(carried))
	if err != nil {
		return err
	}
	if err := n.add(w, first); err != nil {
		return err
	}
	for _, d := range carried {
		if err := n.journal.options.accepts(&d); err != nil {
			return err
		}
		if err := n.add(w, d); err != nil {
			return err
		}
	}
	return w.Flush()
}

// opening is the record that the segment opens with.
func (n *newSegment) opening(carried int) (Draft, error) {
	id := n.journal.identity
	data, err := json.Marshal(opening{
		ID: id.ID, Host: id.Host, Size: n.tree.size, Root: n.tree.root(), Edge: n.tree.roots,
		Carried: uint64(carried), Keys: n.journal.keys.keys, //nolint:gosec // a length
	})
	return Draft{Type: segmentNew, Subject: "journal/" + id.ID, Critical: true, Data: data}, err
}

func (n *newSegment) add(w io.Writer, d Draft) error {
	if d.At == (Reading{}) {
		d.At = n.now
	}
	n.journal.complete(&d)
	seq := n.tree.size
	var err error
	if n.line, err = n.journal.lines.append(n.line[:0], seq, &d); err != nil {
		return err
	}
	n.tree.add(n.line)
	n.line = append(n.line, '\n')
	n.bytes += int64(len(n.line))
	n.records = append(n.records, Record{Seq: seq, Draft: d})
	_, err = w.Write(n.line)
	return err
}
