package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/internal/durable"
)

// Archive moves the lines of all segments but the newest keep (at least one) to
// a folder, and leaves their hashes behind: the journal can still be verified,
// and the moved records be proven. A segment that recovery made counts as one
// with the segment that it continues. It returns how many segment files were
// moved; an error leaves nothing lost, and the next call goes on. It does not
// keep Append waiting. A segment that is not what was signed is not moved: that
// is a *DamageError.
func (j *Journal) Archive(dir string, keep int) (moved int, err error) {
	j.moving.Lock()
	defer j.moving.Unlock()
	j.mu.Lock()
	err = j.usable()
	j.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if err := j.away(dir); err != nil {
		return 0, err
	}
	segments, err := segmentsIn(j.dir)
	if err != nil {
		return 0, err
	}
	last, err := archivable(segments, keep)
	if err != nil || last == 0 {
		return 0, err
	}
	if err := j.options.disk.MkdirAll(dir, 0o700); err != nil {
		return 0, fmt.Errorf("archive: %w", err)
	}
	var tree frontier
	for i, seg := range segments[:last] {
		did, err := j.archive(dir, seg, segments[i+1], &tree)
		if err != nil {
			return moved, fmt.Errorf("archive: %w", err)
		}
		if did {
			moved++
		}
	}
	return moved, nil
}

// away refuses a folder inside of the journal's.
func (j *Journal) away(dir string) error {
	if dir == "" {
		return errors.New("archive: no folder is named")
	}
	inside, err := within(j.dir, dir)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	if inside {
		return fmt.Errorf("archive: %s lies in the journal's directory %s", dir, j.dir)
	}
	return nil
}

// archivable returns how many segments may go: all before the newest keep ones
// that open.
func archivable(segments []segment, keep int) (int, error) {
	keep = max(keep, 1)
	for i := len(segments) - 1; i > 0 && segments[i].path != ""; i-- {
		from, _, err := startAt(segments, i)
		if err != nil {
			return 0, err
		}
		if from == nil {
			continue
		}
		if keep--; keep > 0 {
			continue
		}
		if segments[i-1].path == "" {
			return 0, nil // all of them went before
		}
		return i, nil
	}
	return 0, nil
}

// archive moves the lines of one segment, if they are there, and says whether
// it did. tree is that of the segments before it.
func (j *Journal) archive(dir string, seg, next segment, tree *frontier) (bool, error) {
	found, err := checker{}.check(seg, next.first)
	if err != nil {
		return false, err
	}
	nothing := func() error { return nil }
	if err := found.grow(tree, j.identity, nothing); err != nil {
		return false, err
	}
	if found.fault != nil {
		return false, found.fault.damage()
	}
	if seg.path == "" {
		return false, nil
	}
	// The root with which a later segment opens was signed. It has to be the
	// one of these lines before they go.
	if from, err := j.opens(next); err != nil {
		return false, err
	} else if from != nil && from.tree.root() != tree.root() {
		return false, &DamageError{File: seg.path, Line: 2, Offset: 1, Seq: seg.first, Reason: "the lines up to here do not have the root with which " + next.path + " opens: one of them was changed"}
	}
	if err := j.keepLeaves(seg, found); err != nil {
		return false, err
	}
	if err := j.copyOut(dir, seg, found); err != nil {
		return false, err
	}
	return true, j.forget(dir, seg, next.first)
}

// opens returns how a segment opens, nil if it continues another or went away.
func (j *Journal) opens(seg segment) (*start, error) {
	if seg.path == "" {
		return nil, nil
	}
	from, _, err := startAt([]segment{seg}, 0)
	return from, err
}

// keepLeaves makes the leaf hashes of a segment durable.
func (j *Journal) keepLeaves(seg segment, found *checked) error {
	err := j.options.disk.Replace(leavesPath(j.dir, seg.first), 0o600, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		for _, h := range found.leaves {
			if _, err := b.Write(h[:]); err != nil {
				return err
			}
		}
		return b.Flush()
	})
	if errors.Is(err, durable.ErrSync) {
		j.mu.Lock()
		defer j.mu.Unlock()
		return j.fail(err)
	}
	return err
}

// copyOut makes the copy of a segment durable. A failed sync there is not the
// journal's: the folder may be on another disk.
func (j *Journal) copyOut(dir string, seg segment, found *checked) error {
	disk, to := j.options.disk, segmentPath(dir, seg.first)
	same := func(path string) error { // check holds them against the leaf hashes
		copied, err := checker{}.check(segment{seg.first, path, leavesPath(j.dir, seg.first)}, found.end.seq)
		if err == nil && copied.fault != nil {
			err = copied.fault.damage()
		}
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		if err := same(to); err != nil { // of another try, else of another journal
			return fmt.Errorf("%s is there already, and is not the same segment: %w", to, err)
		}
		return disk.SyncDir(dir)
	}
	if err := disk.Prepare(to+".tmp", 0o600, func(w io.Writer) error { return copyTo(w, seg.path, found.good) }); err != nil {
		return err
	}
	if err := same(to + ".tmp"); err != nil {
		return fmt.Errorf("the copy is not what was copied: %w", err)
	}
	return disk.Place(to+".tmp", to)
}

// copyTo writes the first bytes of a file.
func copyTo(w io.Writer, path string, bytes int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(w, f, bytes)
	return err
}

// forget removes the lines of a segment that is in the archive.
func (j *Journal) forget(dir string, seg segment, next uint64) error {
	now := j.options.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usable(); err != nil {
		return err
	}
	to, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	info, err := os.Stat(seg.path)
	if err != nil {
		return err
	}
	err = j.addMark(now, mark{Mark: "archived", Records: next, Segment: filepath.Base(seg.path), To: to})
	if err == nil {
		if err = j.options.disk.Remove(seg.path); err == nil {
			j.bytes -= info.Size()
			err = j.options.disk.SyncDir(j.dir)
		}
	}
	if errors.Is(err, durable.ErrSync) {
		return j.fail(err)
	}
	return err
}

// archived says where the marks say that a segment went.
func archived(dir string, seg segment, seq uint64) error {
	gone := &ArchivedError{Seq: seq, Segment: filepath.Base(segmentPath("", seg.first))}
	b, err := os.ReadFile(filepath.Join(dir, marksFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for line := range bytes.Lines(b) {
		var m mark
		if json.Unmarshal(line, &m) == nil && m.Mark == "archived" && m.Segment == gone.Segment {
			gone.Dir = m.To
		}
	}
	return gone
}
