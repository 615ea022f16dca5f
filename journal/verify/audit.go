package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// auditor is an audit in progress.
type auditor struct {
	report
	tree      tree
	keys      []key // the given one first; each was signed by the one before it
	verifiers []note.Verifier
	roots     map[uint64]tlog.Hash // the tree's, at the sizes that checkpoints name
	opening   opening              // of the newest segment
}

// audit goes once over the lines, and then holds the checkpoints against them. The
// checkpoints are read first, so that what they cover is there by then.
func audit(dir, publicKey, archive, anchor string) (report, error) {
	a := &auditor{roots: map[uint64]tlog.Hash{}}
	if err := a.addKey(key{Key: publicKey}); err != nil {
		return a.report, fmt.Errorf("the public key: %w", err)
	}
	a.Journal = a.verifiers[0].Name()
	newest, err := a.checkpoints(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return a.report, err
	}
	earlier, err := a.checkpoints(filepath.Join(dir, "checkpoints.jsonl"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return a.report, err
	}
	must := newest[:1] // be signed
	if anchor != "" {
		anchors, err := a.checkpoints(anchor)
		if err != nil {
			return a.report, err
		}
		for _, c := range anchors {
			c.kept = true
			must = append(must, c)
		}
	}
	bad, err := a.segments(dir, archive)
	if err != nil {
		return a.report, err
	}
	a.Keys = len(a.keys)

	// The newest checkpoint and the anchors must be signed. An earlier one that is
	// not is no evidence against the journal; one that is, must fit.
	covered := newest[0].size
	for _, c := range earlier {
		switch {
		case a.signed(c) != nil:
			a.Unread++
		case c.size > newest[0].size:
			return a.report, fmt.Errorf("an earlier checkpoint covers %d records, the newest one %d: the journal was taken back", c.size, newest[0].size)
		default:
			must = append(must, c)
		}
	}
	slices.SortStableFunc(must, func(x, y checkpoint) int { return int(x.size) - int(y.size) }) //nolint:gosec // below 2^63
	for _, c := range must {
		if err := a.signed(c); err != nil {
			return a.report, err
		}
		if covered = max(covered, c.size); c.size > a.Records {
			continue // told below
		}
		if a.roots[c.size] != c.root {
			return a.report, fmt.Errorf("of the records %d to %d one is not what was signed (%s): the root is %s, signed was %s", a.Proven, c.size-1, c.file, a.roots[c.size], c.root)
		}
		a.Proven, a.Root = c.size, c.root.String()
		if c.kept {
			a.Anchors++
		} else {
			a.Checkpoints++
		}
	}

	// A crash tears only the end: what no checkpoint covers and no group follows. A
	// segment gets its name when its opening is on the disk, with what belongs to
	// it and a checkpoint over all before it.
	whole := max(covered, a.opening.Size+a.opening.Carried)
	switch {
	case bad != nil && (bad.followed || bad.seq < whole):
		return a.report, bad
	case a.Records < whole:
		return a.report, fmt.Errorf("the journal ends after %d records, and there were %d: some are missing", a.Records, whole)
	case newest[0].size < a.opening.Size:
		return a.report, fmt.Errorf("the newest checkpoint covers %d records, and one over %d was there before: it was taken back", newest[0].size, a.opening.Size)
	case bad != nil:
		a.Tail = bad.Error()
	}
	return a.report, nil
}

var segmentName = regexp.MustCompile(`^([0-9]{12})\.(jsonl|leaves)$`) //nolint:gochecknoglobals // read only

// segments goes over all of them in order. It stops at the first fault.
func (a *auditor) segments(dir, archive string) (*fault, error) {
	var first []uint64 // their first records
	files, err := os.ReadDir(dir)
	for _, f := range files {
		if m := segmentName.FindStringSubmatch(f.Name()); m != nil {
			n, _ := strconv.ParseUint(m[1], 10, 63)
			first = append(first, n)
		}
	}
	if first = slices.Compact(first); err != nil || len(first) == 0 || first[0] != 0 {
		return nil, fmt.Errorf("%s: its first segment is missing: %w", dir, err)
	}
	for i, n := range first {
		last, stop := i == len(first)-1, uint64(math.MaxInt64)
		if !last {
			stop = first[i+1]
		}
		lines, hashes, err := stored(dir, archive, n)
		if err == nil && hashes != nil && !last && uint64(len(hashes)) != tlog.HashSize*(stop-n) {
			err = fmt.Errorf("%d bytes of hashes for %d records", len(hashes), stop-n)
		}
		if err != nil || last && lines == "" {
			return nil, fmt.Errorf("the segment of record %d: %w", n, cmp.Or(err, os.ErrNotExist))
		}
		if lines == "" {
			for h := range slices.Chunk(hashes, tlog.HashSize) {
				a.leaf(tlog.Hash(h))
			}
			a.Archived += stop - n
			continue
		}
		end, bad, err := readLines(lines, n, stop, func(r record, line []byte) error {
			h := tlog.RecordHash(line)
			if at := tlog.HashSize * int(*r.Seq-n); hashes != nil && h != tlog.Hash(hashes[at:at+tlog.HashSize]) { //nolint:gosec // within the file
				return errors.New("the hash that was kept is that of another line")
			}
			if err := a.own(r, *r.Seq == n); err != nil {
				return err
			}
			a.leaf(h)
			return nil
		})
		switch {
		case err != nil:
			return nil, err
		case bad != nil:
			bad.followed = bad.followed || !last || end == n
			return bad, nil
		case !last && end < stop, end == n:
			return nil, fmt.Errorf("%s ends before record %d: records are missing", lines, end)
		}
	}
	return nil, nil
}

// stored finds the lines of a segment, in the journal or else in the archive, and
// the hashes that were kept of them. One of both is enough.
func stored(dir, archive string, first uint64) (lines string, hashes []byte, err error) {
	name := fmt.Sprintf("%012d", first)
	hashes, err = os.ReadFile(filepath.Join(dir, name+".leaves"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", nil, err
	}
	for _, at := range []string{dir, archive} {
		lines := filepath.Join(at, name+".jsonl")
		if _, err := os.Stat(lines); err == nil && at != "" {
			return lines, hashes, nil
		}
	}
	return "", hashes, err
}

func (a *auditor) leaf(h tlog.Hash) {
	a.tree.add(h)
	a.Records = a.tree.size
	if _, named := a.roots[a.Records]; named {
		a.roots[a.Records] = a.tree.root()
	}
}
