package journal

import (
	"context"
	"errors"
	"io"
)

// Identity is what a journal is known by. It stands in the genesis record.
type Identity struct {
	// ID is the journal's UUIDv7.
	ID string `json:"journal"`
	// Host is the host that it was created on.
	Host string `json:"host"`
	// Origin is the first line of every checkpoint: HOST/fettle/ID.
	Origin string `json:"origin"`
	// VerifierKey is the public key, in the text form of golang.org/x/mod/sumdb/note.
	VerifierKey string `json:"verifier_key"`
}

// InitOptions is what Init cannot know. All fields are needed.
type InitOptions struct {
	// Host names this host, as in //host/fettle/….
	Host string
	// Now is the time of the genesis record.
	Now Reading
	// NewID makes a UUIDv7.
	NewID func() string
	// Rand is where the key comes from: crypto/rand.Reader.
	Rand io.Reader
}

// Init creates a journal in dir (mode 0700) and its Ed25519 key in keyFile
// (mode 0600, outside of dir), and writes the genesis record and the first
// checkpoint. It refuses where a journal or a key file is already there.
func Init(dir, keyFile string, o InitOptions) (Identity, error) {
	return Identity{}, errors.ErrUnsupported
}

// Options is what Open needs beside the files.
type Options struct {
	// Host names this host in the source of each record. Empty: the host that
	// the journal was created on.
	Host string
	// Now reads the clocks. Needed.
	Now func() Reading
	// NewID makes a UUIDv7 for drafts without one. Needed.
	NewID func() string
	// KnownTypes says whether this program understands a record type. A
	// critical record of another type makes Open refuse. Nil knows none but
	// the journal's own.
	KnownTypes func(recordType string) bool
	// PinnedID, if set, is the only journal that is opened.
	PinnedID string
	// WrapFile, if set, stands between the journal and each segment that it
	// appends to: tests inject faults here.
	WrapFile func(File) File
}

// File is a segment being appended to.
type File interface {
	io.WriteCloser
	// Sync makes everything written so far durable (fdatasync).
	Sync() error
}

// Journal is a journal open for writing. Its methods may be called from any
// goroutine.
type Journal struct{}

// Open takes the journal in dir for writing: it locks it, checks every line
// against the newest checkpoint, and recovers from an unclean end. An error
// that is fs.ErrNotExist means that there is no journal in dir; ErrLocked that
// another process has it; a *DamageError that its lines are not what was
// written.
func Open(dir, keyFile string, o Options) (*Journal, error) { return nil, errors.ErrUnsupported }

// Identity returns the journal's id, origin and public key.
func (j *Journal) Identity() Identity { return Identity{} }

// Replay calls fn with every record in order. It stops at fn's first error and
// returns it. Records appended after Replay began may be left out.
func (j *Journal) Replay(fn func(Record) error) error { return errors.ErrUnsupported }

// Append writes drafts as one group and returns when all of them are durable:
// one write, one fdatasync. ErrRefused means that a draft was not acceptable
// and nothing was written. Any other error is final: it wraps ErrFailed, as
// does every later one.
func (j *Journal) Append(drafts []Draft) ([]Record, error) { return nil, errors.ErrUnsupported }

// Checkpoint signs the tree as it is and puts the checkpoint in place, durably.
func (j *Journal) Checkpoint() error { return errors.ErrUnsupported }

// MaybeCheckpoint calls Checkpoint when one is due: with records that none
// covers, after a second or at 256 of them; else every hour. The owner calls
// it a few times a second.
func (j *Journal) MaybeCheckpoint(now Reading) error { return errors.ErrUnsupported }

// Size returns the number of durable records, which is the next record's
// sequence number.
func (j *Journal) Size() uint64 { return 0 }

// Checkpointed returns how many records the newest checkpoint covers.
func (j *Journal) Checkpointed() uint64 { return 0 }

// Bytes returns the length of all segments.
func (j *Journal) Bytes() int64 { return 0 }

// Close writes a last checkpoint and gives the journal up. After a failure it
// only gives it up.
func (j *Journal) Close() error { return errors.ErrUnsupported }

// VerifyOptions is what Verify may be given beyond the public key.
type VerifyOptions struct {
	// Anchor is a signed checkpoint that was kept elsewhere. The journal must
	// contain it.
	Anchor []byte
}

// Report is what Verify found in a sound journal.
type Report struct {
	Identity Identity
	// Records is the number of good lines.
	Records uint64
	// Proven is how many of them the newest checkpoint covers: the rest is
	// readable, but nothing proves it yet.
	Proven uint64
	// Root is the Merkle root of the proven records, in base64.
	Root string
	// Checkpoints is how many signed checkpoints agree with the lines.
	Checkpoints int
	// Segments and Bytes say how much was read.
	Segments int
	Bytes    int64
	// Tail is the unfinished end, if there is one: a group that was being
	// written, or what a crash left of it.
	Tail *Tail
}

// Tail is an unfinished end of a journal.
type Tail struct {
	// File, Line and Offset are where it begins.
	File   string
	Line   int
	Offset int64
	// Bytes is its length.
	Bytes int64
	// Reason says what is wrong with its first line.
	Reason string
}

// Verify checks the journal in dir with nothing but its files and the public
// key. It takes no lock and works beside a running writer. Damage is a
// *DamageError; the Report says up to where the journal is proven.
func Verify(dir, verifierKey string, o VerifyOptions) (Report, error) {
	return Report{}, errors.ErrUnsupported
}

// Read calls fn with every record from sequence number from on, and returns at
// the end of the journal. It works beside a running writer and stops cleanly
// before an unfinished group; what it shows may not be durable yet.
func Read(dir string, from uint64, fn func(Record) error) error { return errors.ErrUnsupported }

// Follow is Read that waits for more at the end (it looks every 200 ms) until
// ctx is done, whose error it returns.
func Follow(ctx context.Context, dir string, from uint64, fn func(Record) error) error {
	return errors.ErrUnsupported
}
