package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
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
type segment struct {
	first uint64
	path  string
}

var segmentName = regexp.MustCompile(`^([0-9]{12})\.jsonl$`)

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%012d.jsonl", first))
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
	var evidence string // a file that only a journal leaves
	for _, e := range entries {
		if m := segmentName.FindStringSubmatch(e.Name()); m != nil {
			first, err := strconv.ParseUint(m[1], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("segment %s: %w", e.Name(), err)
			}
			segments = append(segments, segment{first, filepath.Join(dir, e.Name())})
		}
		switch e.Name() {
		case checkpointFile, checkpointsFile, marksFile:
			evidence = e.Name()
		}
	}
	switch {
	case len(segments) == 0 && evidence == "":
		return nil, noJournal(dir)
	case len(segments) == 0:
		return nil, &DamageError{File: dir, Reason: evidence + " is there, but no segment is: the records are missing"}
	}
	sort.Slice(segments, func(a, b int) bool { return segments[a].first < segments[b].first })
	if first := segments[0]; first.first != 0 {
		return nil, &DamageError{File: first.path, Reason: fmt.Sprintf("the journal begins with seq %d: the segments before it are missing", first.first)}
	}
	return segments, nil
}

func noJournal(dir string) error {
	return fmt.Errorf("no journal in %s: check the path, or create one with fettle journal init: %w", dir, fs.ErrNotExist)
}
