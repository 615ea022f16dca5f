package journal

import (
	"io"
	"os"

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
	// WrapFile, if set, stands between the journal and each segment that it
	// appends to: tests inject faults here.
	WrapFile func(File) File
}

// knows says whether a record may be passed on.
func (o Options) knows(d *Draft) bool {
	return !d.Critical || isOwn(d.Type) || o.KnownTypes != nil && o.KnownTypes(d.Type)
}

// File is a segment being appended to.
type File interface {
	io.WriteCloser
	// Sync makes everything written so far durable (fdatasync).
	Sync() error
}

// segmentFile is the File on a disk.
type segmentFile struct{ *os.File }

func (f segmentFile) Sync() error { return durable.Datasync(f.File) }
