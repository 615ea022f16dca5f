package journal

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/fettle-io/fettle/internal/durable"
)

// When MaybeCheckpoint writes one.
const (
	checkpointEvery   = time.Second // while there are records without one
	checkpointRecords = 1 << 16     // or at so many
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
	full     atomic.Pointer[error] // nil: room is reserved ahead
	moving   sync.Mutex            // held by Archive

	mu             sync.Mutex
	keys           *keychain
	file           File // the newest segment
	reservation    reservation
	lines          lineMaker
	next           group
	tree           frontier
	bytes          int64         // of all segments
	opened         uint64        // the record that opens the newest segment
	lastCarried    uint64        // the last of its carried records, or itself
	open           int64         // bytes from there on
	carried        int64         // of these, up to and with the carried records
	checkpointed   uint64        // records that the newest checkpoint covers
	checkpointedAt time.Duration // Reading.Since of its writing
	kept, thinned  int64         // bytes of checkpoints.jsonl: now, and when last thinned
	failure        error         // the first one, for good
	closed         bool
}

// Identity returns the journal's id, origin and public key.
func (j *Journal) Identity() Identity { return j.identity }

// VerifierKey returns the public key that signs now. It is that of Identity
// until Rekey changes it.
func (j *Journal) VerifierKey() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.keys.keys[len(j.keys.keys)-1].Key
}

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

// Bytes returns the length of all segments that have their lines here.
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
// one write, one fdatasync. It returns the records, valid until the next Append,
// without their lines: these are for those who read the journal. ErrRefused means that a draft was not
// acceptable and nothing was written. Any other error is final: it wraps
// ErrFailed, as does every later one.
func (j *Journal) Append(drafts []Draft) ([]Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usable(); err != nil {
		return nil, err
	}
	if len(drafts) == 0 {
		return nil, nil
	}
	for i := range drafts {
		if err := j.options.accepts(&drafts[i]); err != nil {
			return nil, err
		}
	}
	return j.append(drafts)
}

func (j *Journal) append(drafts []Draft) ([]Record, error) {
	records, err := j.group(drafts)
	if err != nil {
		return nil, err
	}
	if err := j.put(); err != nil {
		return nil, j.fail(fmt.Errorf("append: %w", err))
	}
	j.reserve(records[len(records)-1].At)
	return records, nil
}

// group is the bytes of a group in the making, used again for the next one.
type group struct {
	bytes   []byte
	lines   []struct{ from, to int }
	tree    frontier // with the group in it
	records []Record
}

// groupKept is the size up to which a group's memory is kept for the next one.
const groupKept = 1 << 20

// put makes the group durable, and puts its lines into the tree meanwhile.
func (j *Journal) put() error {
	g := &j.next
	if _, err := j.file.Write(g.bytes); err != nil {
		return err
	}
	hashed := make(chan struct{})
	g.tree.size, g.tree.roots = j.tree.size, append(g.tree.roots[:0], j.tree.roots...)
	go func() {
		defer close(hashed)
		for _, line := range g.lines {
			g.tree.add(g.bytes[line.from:line.to])
		}
	}()
	err := j.file.Sync()
	<-hashed
	if err != nil {
		return err
	}
	j.tree, g.tree = g.tree, j.tree
	n := int64(len(g.bytes))
	j.bytes += n
	j.open += n
	if n > groupKept {
		*g = group{}
	}
	return nil
}

// group makes the bytes of a group: an empty line, which is the group mark,
// and a line per draft.
func (j *Journal) group(drafts []Draft) ([]Record, error) {
	g := &j.next
	g.bytes, g.lines = append(g.bytes[:0], '\n'), g.lines[:0]
	if cap(g.records) < len(drafts) {
		g.records = make([]Record, len(drafts))
	}
	records := g.records[:len(drafts):len(drafts)]
	var now Reading
	for i := range drafts {
		r := &records[i]
		r.Draft = drafts[i]
		r.Seq = j.tree.size + uint64(i)
		if r.At == (Reading{}) {
			if now == (Reading{}) {
				now = j.options.Now()
			}
			r.At = now
		}
		j.complete(&r.Draft)
		from := len(g.bytes)
		var err error
		if g.bytes, err = j.lines.append(g.bytes, r.Seq, &r.Draft); err != nil {
			return nil, err
		}
		g.lines = append(g.lines, struct{ from, to int }{from, len(g.bytes)})
		g.bytes = append(g.bytes, '\n')
	}
	return records, nil
}

// complete fills in what a draft may leave open, but for the time.
func (j *Journal) complete(d *Draft) {
	d.At.Wall = d.At.Wall.UTC().Round(0)
	if d.ID == "" {
		d.ID = j.options.NewID()
	}
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
// covers, after a second or at 65,536 of them; else every hour. The owner calls
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
	msg, err := c.put(j.options.disk, j.dir, j.identity.Origin, j.signer)
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
	if j.kept, err = keepCheckpoint(j.options.disk, j.dir, c.size, msg, now); err != nil {
		return err
	}
	if j.kept-j.thinned < j.options.thinAt {
		return nil
	}
	j.kept, err = thin(j.options.disk, j.dir)
	j.thinned = j.kept
	if errors.Is(err, durable.ErrSync) {
		return j.fail(err)
	}
	return err
}

// Replay calls fn with every record from the one that opens the newest segment
// on: with what that carries, the state of all of it. It stops at fn's first
// error and returns it. Records appended after Replay began may be left out.
func (j *Journal) Replay(fn func(Record) error) error {
	j.mu.Lock()
	from, size := j.opened, j.tree.size
	j.mu.Unlock()
	c := cursor{dir: j.dir, from: from}
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
	if j.failure == nil {
		err = errors.Join(err, j.release())
	}
	j.closed = true
	return errors.Join(err, j.file.Close(), unlock(j.lock))
}
