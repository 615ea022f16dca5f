package journal

import (
	"fmt"
	"io"

	"github.com/fettle-io/fettle/internal/durable"
)

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
	// critical record of another type makes Open refuse the journal, and
	// Append refuse the draft. Nil knows none but the journal's own.
	KnownTypes func(recordType string) bool
	// PinnedID, if set, is the only journal that is opened.
	PinnedID string
	// Each, if set, is called with every record that Open believes, in order:
	// from the one that opens the newest segment (journal.segment, or genesis)
	// to the end. Its error ends Open. What it was told is void if Open fails.
	Each func(Record) error
	// SegmentBytes is how long a segment grows, beside its carried records,
	// before RotateDue says so. 0: 64 MiB.
	SegmentBytes int64
	// Ahead is how many bytes are reserved on the disk ahead of what is
	// written. 0: 64 MiB; negative: none.
	Ahead int64
	// WrapFile, if set, stands between the journal and each segment that it
	// appends to: tests inject faults here.
	WrapFile func(File) File

	disk   durable.Disk // tests see each step here
	thinAt int64        // by how much checkpoints.jsonl grows before it is thinned
}

const (
	defaultBytes  = 64 << 20 // of Options.SegmentBytes and Options.Ahead
	defaultThinAt = 1 << 20
)

func (o Options) withDefaults() Options {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultBytes
	}
	if o.Ahead == 0 {
		o.Ahead = defaultBytes
	}
	if o.thinAt == 0 {
		o.thinAt = defaultThinAt
	}
	return o
}

// knows says whether a record may be passed on.
func (o Options) knows(d *Draft) bool {
	return !d.Critical || isOwn(d.Type) || o.KnownTypes != nil && o.KnownTypes(d.Type)
}

// accepts refuses a draft that is not for a caller to write.
func (o Options) accepts(d *Draft) error {
	switch {
	case isOwn(d.Type):
		return fmt.Errorf("%w: records of type %q are the journal's own", ErrRefused, d.Type)
	case !o.knows(d):
		return fmt.Errorf("%w: the type %q is critical, and this program would not open a journal with it", ErrRefused, d.Type)
	}
	return nil
}

// File is a segment being appended to.
type File interface {
	io.WriteCloser
	// Sync makes everything written so far durable (fdatasync).
	Sync() error
}

// segmentFile is the File on a disk.
type segmentFile struct{ *durable.File }

func (f segmentFile) Sync() error { return f.Datasync() }
