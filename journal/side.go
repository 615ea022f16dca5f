package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/internal/durable"
)

// mark is one line of marks.jsonl: what happened to the journal on this host.
// Marks are never lines of the journal, so that copies of it stay equal.
type mark struct {
	// Mark is opened, recovered or segment-changed.
	Mark string `json:"mark"`
	Time string `json:"time"`
	Boot string `json:"boot,omitzero"`
	// Records is how many the journal has at this point.
	Records uint64 `json:"records"`
	// Rewritten is how many records behind the checkpoint were written anew.
	Rewritten uint64 `json:"rewritten,omitzero"`
	// Segment is the file that records go to from now on.
	Segment string `json:"segment,omitzero"`
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
func addMark(dir string, now Reading, m mark) error {
	m.Time, m.Boot = stamp(now), now.Boot
	if err := appendSide(filepath.Join(dir, marksFile), m, true); err != nil {
		return err
	}
	return durable.SyncDir(dir) // it may be the first one
}

// appendSide adds one JSON line to a side file. If the last line has no end (a
// crash, a full disk), the new one begins on a line of its own all the same.
func appendSide(path string, v any, sync bool) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if n := info.Size(); n > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], n-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			line = append([]byte("\n"), line...)
		}
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return err
	}
	if sync {
		if err := f.Sync(); err != nil {
			return fmt.Errorf("%w: %w", durable.ErrSync, err)
		}
	}
	return f.Close()
}
