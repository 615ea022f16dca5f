package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// The files of a journal beside its segments.
const (
	checkpointFile  = "checkpoint"
	checkpointsFile = "checkpoints.jsonl"
	marksFile       = "marks.jsonl"
	lockFile        = "lock"
)

// segment is one file of records. It ends where the next one begins: what
// stands in it from that sequence number on has been superseded.
//
// A segment opens with the genesis record or with a journal.segment record. One
// that does not was made by recovery, and continues the one before it.
type segment struct {
	first uint64
	// path is the file of its lines, empty if they went to an archive.
	path string
	// leaves is the file of its leaf hashes, empty if there is none yet.
	leaves string
}

var segmentName = regexp.MustCompile(`^([0-9]{12})\.(jsonl|leaves)$`)

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%012d.jsonl", first))
}

func leavesPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%012d.leaves", first))
}

// segmentsIn lists the segments of the journal in dir in order. Where there is
// no journal, the error is fs.ErrNotExist and says what to do.
func segmentsIn(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noJournal(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	var segments []segment
	var evidence string         // a file that only a journal leaves
	for _, e := range entries { // sorted by name
		if m := segmentName.FindStringSubmatch(e.Name()); m != nil {
			first, err := strconv.ParseUint(m[1], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("segment %s: %w", e.Name(), err)
			}
			if n := len(segments); n == 0 || segments[n-1].first != first {
				segments = append(segments, segment{first: first})
			}
			seg, path := &segments[len(segments)-1], filepath.Join(dir, e.Name())
			if m[2] == "leaves" {
				seg.leaves = path
			} else {
				seg.path = path
			}
		}
		switch e.Name() {
		case checkpointFile, checkpointsFile, marksFile:
			evidence = e.Name()
		}
	}
	if len(segments) == 0 {
		if evidence == "" {
			return nil, noJournal(dir)
		}
		return nil, &DamageError{File: dir, Reason: evidence + " is there, but no segment is: the records are missing"}
	}
	if first := segments[0]; first.first != 0 {
		return nil, &DamageError{File: first.file(), Reason: fmt.Sprintf("the journal begins with seq %d: the segments before it are missing", first.first)}
	}
	if last := segments[len(segments)-1]; last.path == "" {
		return nil, &DamageError{File: last.leaves, Reason: "the lines of the newest segment are missing"}
	}
	return segments, nil
}

// file is what is there of a segment: its lines, else its leaf hashes.
func (s segment) file() string {
	if s.path != "" {
		return s.path
	}
	return s.leaves
}

func noJournal(dir string) error {
	return fmt.Errorf("no journal in %s: check the path, or create one with fettle journal init: %w", dir, fs.ErrNotExist)
}
