package journal

import (
	"errors"
	"fmt"
)

var (
	// ErrFailed is what every Append and Checkpoint answers after a write or a
	// sync failed: what is on the disk is unknown, and only opening the
	// journal anew can tell. It wraps the first cause.
	ErrFailed = errors.New("journal failed, no further record is written; restart to recover")
	// ErrLocked says that another process holds the journal.
	ErrLocked = errors.New("journal is in use")
	// ErrClosed is what a closed journal answers.
	ErrClosed = errors.New("journal is closed")
	// ErrRefused says that Append did not take a draft (too long, no JSON
	// object, an unknown critical type). Nothing of its group was written, and
	// the journal goes on.
	ErrRefused = errors.New("record refused")
	// ErrFull says that the disk has no room left to reserve ahead of what is
	// written. What was reserved before can still be written.
	ErrFull = errors.New("no room on the journal's disk")
)

// ArchivedError says that the lines of a record are not in the journal's
// directory any more, and where they went.
type ArchivedError struct {
	// Seq is the record that was asked for.
	Seq uint64
	// Segment is the name of the file with its line.
	Segment string
	// Dir is the folder that it went to, as far as that is known.
	Dir string
}

// Error says where to look.
func (e *ArchivedError) Error() string {
	where := "an archive folder"
	if e.Dir != "" {
		where = e.Dir
	}
	return fmt.Sprintf("record %d went to the archive: it is in %s, in %s", e.Seq, e.Segment, where)
}

// DamageError says where a journal is not what was written: a bad line that a
// checkpoint covers or that later writes follow, missing lines, or lines that
// do not have the root that was signed. Nothing is changed when it is found.
type DamageError struct {
	// File is the path of the file.
	File string
	// Line is the line in File, from 1; group marks (empty lines) count. 0 if
	// the damage has no line.
	Line int
	// Offset is the byte in File at which the line begins.
	Offset int64
	// Seq is the record that should stand there.
	Seq uint64
	// Reason says what is wrong.
	Reason string
}

// Error gives place and reason in one line.
func (e *DamageError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("journal damaged: %s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("journal damaged at %s:%d (byte %d, seq %d): %s", e.File, e.Line, e.Offset, e.Seq, e.Reason)
}
