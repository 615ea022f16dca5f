package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/internal/durable"
)

// mark is one line of marks.jsonl: what happened to the journal on this host.
// Marks are never lines of the journal, so that copies of it stay equal.
type mark struct {
	// Mark is opened, recovered, segment-changed or archived.
	Mark string `json:"mark"`
	Time string `json:"time"`
	Boot string `json:"boot,omitzero"`
	// Records is how many the journal has at this point.
	Records uint64 `json:"records"`
	// Rewritten is how many records behind the checkpoint were written anew.
	Rewritten uint64 `json:"rewritten,omitzero"`
	// Segment is the file that records go to from now on, or that went to an
	// archive.
	Segment string `json:"segment,omitzero"`
	// To is the folder that the lines of Segment went to.
	To string `json:"to,omitzero"`
	// Cut is the torn tail that was taken away.
	Cut *cut `json:"cut,omitzero"`
}

// cut is a torn tail, where it stood and what was wrong with it.
type cut struct {
	Segment string `json:"segment"`
	Line    int    `json:"line"`
	Offset  int64  `json:"offset"`
	Bytes   int64  `json:"bytes"`
	Reason  string `json:"reason"`
}

func stamp(now Reading) string { return now.Wall.UTC().Format(time.RFC3339Nano) }

// addMark adds a mark to the side file, durably.
func (j *Journal) addMark(now Reading, m mark) error {
	m.Time, m.Boot = stamp(now), now.Boot
	if _, err := appendSide(j.options.disk, filepath.Join(j.dir, marksFile), m, true); err != nil {
		return err
	}
	return j.options.disk.SyncDir(j.dir) // it may be the first one
}

// appendSide adds one JSON line to a side file, and returns its length then. If
// the last line has no end (a crash, a full disk), the new one begins on a line
// of its own all the same.
func appendSide(disk durable.Disk, path string, v any, sync bool) (int64, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	whole, err := endsInLine(path)
	if err != nil {
		return 0, err
	}
	if !whole {
		line = append([]byte("\n"), line...)
	}
	f, err := disk.OpenFile(path, os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if _, err := f.Write(append(line, '\n')); err != nil {
		return 0, err
	}
	if sync {
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return f.Size(), f.Close()
}

// endsInLine says whether a file is empty, missing, or ends with a line break.
func endsInLine(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err == nil, err
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return last[0] == '\n', err
}
