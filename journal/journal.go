package journal

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/fettle-io/fettle/internal/durable"
)

// When MaybeCheckpoint writes one.
const (
	checkpointEvery   = time.Second // while there are records without one
	checkpointRecords = 256         // or at so many
	checkpointIdle    = time.Hour   // and when there are none
)

// Journal is a journal open for writing. Its methods may be called from any
// goroutine.
type Journal struct {
	dir      string
	options  Options
	identity Identity
	signer   note.Signer
	lock     *os.File

	mu             sync.Mutex
	file           File // the newest segment
	tree           frontier
	bytes          int64
	checkpointed   uint64        // records that the newest checkpoint covers
	checkpointedAt time.Duration // Reading.Since of its writing
	failure        error         // the first one, for good
	closed         bool
}

// Identity returns the journal's id, origin and public key.
func (j *Journal) Identity() Identity { return j.identity }

// Size returns the number of durable records, which is the next record's
// sequence number.
func (j *Journal) Size() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.tree.size
}

// Checkpointed returns how many records the newest checkpoint covers.
func (j *Journal) Checkpointed() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.checkpointed
}

// Bytes returns the length of all segments.
func (j *Journal) Bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes
}

// usable says why nothing can be written.
func (j *Journal) usable() error {
	if j.failure != nil {
		return j.failure
	}
	if j.closed {
		return ErrClosed
	}
	return nil
}

// fail ends writing for this process.
func (j *Journal) fail(cause error) error {
	j.failure = fmt.Errorf("%w: %w", ErrFailed, cause)
	return j.failure
}

// Append writes drafts as one group and returns when all of them are durable:
// one write, one fdatasync. ErrRefused means that a draft was not acceptable
// and nothing was written. Any other error is final: it wraps ErrFailed, as
// does every later one.
func (j *Journal) Append(drafts []Draft) ([]Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usable(); err != nil {
		return nil, err
	}
	if len(drafts) == 0 {
		return nil, nil
	}
	group, records, err := j.group(drafts)
	if err != nil {
		return nil, err
	}
	if _, err := j.file.Write(group); err != nil {
		return nil, j.fail(fmt.Errorf("append: %w", err))
	}
	if err := j.file.Sync(); err != nil {
		return nil, j.fail(fmt.Errorf("append: %w", err))
	}
	for _, r := range records {
		j.tree.add(r.Line)
	}
	j.bytes += int64(len(group))
	return records, nil
}

// group makes the bytes of a group: an empty line, which is the group mark,
// and a line per draft.
func (j *Journal) group(drafts []Draft) ([]byte, []Record, error) {
	source := "//" + origin(j.options.Host, j.identity.ID)
	records := make([]Record, len(drafts))
	spans := make([]struct{ line, data, end int }, len(drafts))
	room := 1
	for _, d := range drafts {
		room += len(d.Data) + 512 // which the attributes rarely fill
	}
	group := append(make([]byte, 0, room), '\n')
	var now Reading
	for i, d := range drafts {
		if d.At == (Reading{}) {
			if now == (Reading{}) {
				now = j.options.Now()
			}
			d.At = now
		}
		d.At.Wall = d.At.Wall.UTC().Round(0)
		if d.ID == "" {
			d.ID = j.options.NewID()
		}
		if !j.options.knows(&d) {
			return nil, nil, fmt.Errorf("%w: the type %q is critical, and this program would not open a journal with it", ErrRefused, d.Type)
		}
		seq := j.tree.size + uint64(i)
		spans[i].line = len(group)
		var err error
		if group, spans[i].data, err = appendLine(group, seq, source, d); err != nil {
			return nil, nil, err
		}
		spans[i].end = len(group)
		group = append(group, '\n')
		records[i] = Record{Seq: seq, Draft: d}
	}
	for i, s := range spans { // group has stopped moving
		records[i].Line = group[s.line:s.end:s.end]
		records[i].Data = group[s.data : s.end-crcLen : s.end-crcLen]
	}
	return group, records, nil
}

// Checkpoint signs the tree as it is and puts the checkpoint in place, durably.
// An error that is ErrFailed is final, as in Append; after any other one, such
// as a full disk, the journal goes on and the older checkpoint stands.
func (j *Journal) Checkpoint() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usable(); err != nil {
		return err
	}
	return j.checkpoint(j.options.Now())
}

// MaybeCheckpoint calls Checkpoint when one is due: with records that none
// covers, after a second or at 256 of them; else every hour. The owner calls
// it a few times a second.
func (j *Journal) MaybeCheckpoint(now Reading) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usable(); err != nil {
		return err
	}
	without, since := j.tree.size-j.checkpointed, now.Since-j.checkpointedAt
	due := without > 0 && since >= checkpointEvery || without >= checkpointRecords || since >= checkpointIdle
	if !due {
		return nil
	}
	return j.checkpoint(now)
}

func (j *Journal) checkpoint(now Reading) error {
	c := checkpoint{j.tree.size, j.tree.root()}
	msg, err := putCheckpoint(j.dir, j.identity.Origin, c, j.signer)
	if errors.Is(err, durable.ErrSync) {
		return j.fail(err)
	}
	if err != nil {
		return err
	}
	isNew := c.size > j.checkpointed
	j.checkpointed, j.checkpointedAt = c.size, now.Since
	if !isNew {
		return nil
	}
	return keepCheckpoint(j.dir, c.size, msg, now)
}

// Replay calls fn with every record in order. It stops at fn's first error and
// returns it. Records appended after Replay began may be left out.
func (j *Journal) Replay(fn func(Record) error) error {
	size := j.Size()
	c := cursor{dir: j.dir}
	if err := c.advance(size, fn); err != nil {
		return err
	}
	if c.at.seq < size {
		f := fault{place: c.at, reason: fmt.Sprintf("the journal ends here, but %d records were written", size)}
		return f.damage()
	}
	return nil
}

// Close writes a last checkpoint and gives the journal up. After a failure it
// only gives it up.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	var err error
	if j.failure == nil && j.checkpointed < j.tree.size {
		err = j.checkpoint(j.options.Now())
	}
	j.closed = true
	return errors.Join(err, j.file.Close(), unlock(j.lock))
}
