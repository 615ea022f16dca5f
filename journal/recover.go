package journal

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/fettle-io/fettle/internal/durable"
)

// recover makes what stands behind the checkpoint certain. After a failed
// fsync, or a crash, the page cache may show lines that are not on the disk.
// So they are not believed where they stand: they are written anew, into new
// files, and synced. The torn tail stays behind. DESIGN.md walks through a
// crash at each point.
func (j *Journal) recover(s *survey) error {
	now := j.options.Now()
	m := mark{Mark: "recovered", Records: j.tree.size, Cut: s.torn()}
	if len(s.pending) > 0 {
		m.Rewritten = s.end.seq - s.pending[0].seq
	}
	if err := j.addMark(now, m); err != nil { // before anything is cut
		return err
	}
	rewritten := make(map[string]bool)
	for _, p := range s.pending {
		path, err := p.rewrite(j.options.disk, j.dir)
		if err != nil {
			return err
		}
		rewritten[path] = true
		if path != p.path {
			if err := j.addMark(now, mark{Mark: "segment-changed", Records: p.seq, Segment: filepath.Base(path)}); err != nil {
				return err
			}
			// Now that the new segment is durable, the old one ends before it.
			if err := j.options.disk.Truncate(p.path, p.from); err != nil {
				return err
			}
			rewritten[p.path] = true
		}
	}
	for _, one := range s.stretches {
		if one.good == one.size || rewritten[one.path] {
			continue
		}
		if err := j.options.disk.Truncate(one.path, one.good); err != nil {
			return err
		}
	}
	return nil
}

// rewrite puts the pending lines of one segment into a segment of their own.
// If they are all that the segment has, the new file takes its place. The page
// cache may have let go of what was read before: the copy has to be of the lines
// that were believed.
func (p pending) rewrite(disk durable.Disk, dir string) (string, error) {
	old, err := os.Open(p.path)
	if err != nil {
		return "", err
	}
	defer old.Close()
	path := segmentPath(dir, p.seq)
	if err := disk.Prepare(path+".tmp", 0o600, func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(old, p.from, p.to-p.from))
		return err
	}); err != nil {
		return "", err
	}
	copied, err := checker{}.check(segment{first: p.seq, path: path + ".tmp"}, end)
	if err != nil {
		return "", err
	}
	if !slices.Equal(copied.leaves, p.leaves) {
		return "", fmt.Errorf("%s changed while it was read: the disk does not hold what it showed", p.path)
	}
	return path, disk.Place(path+".tmp", path)
}

// torn describes the torn tail, nil if there is none.
func (s *survey) torn() *cut {
	last := s.last()
	bytes := last.size - last.good
	if bytes == 0 {
		return nil
	}
	c := &cut{Segment: filepath.Base(last.path), Line: s.end.line, Offset: last.good, Bytes: bytes, Reason: "a group mark, and nothing behind it"}
	if s.fault != nil {
		c.Line, c.Reason = s.fault.line, s.fault.reason
	}
	return c
}
