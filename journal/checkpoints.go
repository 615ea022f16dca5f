package journal

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/internal/durable"
)

// past is one line of checkpoints.jsonl.
type past struct {
	Time string `json:"time"`
	Size uint64 `json:"size"`
	Note string `json:"checkpoint"`
}

// keepCheckpoint adds a checkpoint that is in place to the side file of all of
// them. The side file is not synced: it never holds one that was not durable
// before, and the last few may be missing after a power cut.
func keepCheckpoint(disk durable.Disk, dir string, size uint64, msg []byte, now Reading) (length int64, err error) {
	return appendSide(disk, filepath.Join(dir, checkpointsFile), past{stamp(now), size, string(msg)}, false)
}

// thin takes earlier checkpoints out of the side file. Those at which a segment
// ends stay, and the newest; of the others every second one. Done again and
// again, that leaves the fewer the longer ago.
func thin(disk durable.Disk, dir string) (length int64, err error) {
	segments, err := segmentsIn(dir)
	if err != nil {
		return 0, err
	}
	path := filepath.Join(dir, checkpointsFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	all := bytes.SplitAfter(b, []byte("\n"))
	kept, odd := all[:0], false
	for i, line := range all {
		var p past
		if json.Unmarshal(line, &p) != nil {
			continue
		}
		_, ends := slices.BinarySearchFunc(segments, p.Size, func(s segment, size uint64) int {
			return cmp.Compare(s.first, size)
		})
		if odd = odd != !ends; ends || odd || i >= len(all)-2 { // behind the last line is an empty one
			kept = append(kept, line)
		}
	}
	err = disk.Replace(path, 0o600, func(w io.Writer) error {
		for _, line := range kept {
			length += int64(len(line))
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		return nil
	})
	return length, err
}

// claim is a checkpoint and where it was found. Who signed it is known once the
// keys are.
type claim struct {
	size uint64
	msg  []byte
	place
}

// pastCheckpoints reads the side file. It is evidence, not authority: a line
// that a crash tore is only counted.
func pastCheckpoints(dir string) (all []claim, unread int, err error) {
	path := filepath.Join(dir, checkpointsFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	at := place{file: path, line: 1}
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		var p past
		if err := json.Unmarshal(line, &p); err == nil {
			at.seq = p.Size
			all = append(all, claim{p.Size, []byte(p.Note), at})
		} else if whole {
			unread++ // else it is being written
		}
		b = rest
		at.line++
		at.offset += int64(len(line)) + 1
	}
	return all, unread, nil
}
