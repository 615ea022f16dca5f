package journal

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
)

// VerifyOptions is what Verify may be given beyond the public key.
type VerifyOptions struct {
	// Anchor is a signed checkpoint that was kept elsewhere. The journal must
	// contain it.
	Anchor []byte
	// Archive is the folder that Archive moved lines to. Without it their leaf
	// hashes stand for them.
	Archive string
}

// Report is what Verify found. It is valid beside an error too, as far as
// Verify came.
type Report struct {
	Identity Identity
	// Keys is how many keys have signed, one after the other.
	Keys int
	// Records is the number of good lines, those that went to an archive
	// included. Of Archived of them only the leaf hashes were there.
	Records, Archived uint64
	// Proven is how many of them a signed checkpoint covers: the rest can be
	// read, but nothing proves it yet.
	Proven uint64
	// Root is the Merkle root of the proven records, in base64.
	Root string
	// Checkpoints is how many signed checkpoints agree with the lines, and
	// UnreadCheckpoints how many lines of their side file are none.
	Checkpoints, UnreadCheckpoints int
	// Segments and Bytes say how much was read.
	Segments int
	Bytes    int64
	// Tail is the unfinished end, if there is one: a group that is being
	// written, or what a crash left of it. The next Open cuts it.
	Tail *Tail
}

// Tail is an unfinished end of a journal.
type Tail struct {
	// File, Line and Offset are where it begins.
	File   string
	Line   int
	Offset int64
	// Bytes is its length.
	Bytes int64
	// Reason says what is wrong with it.
	Reason string
}

// Verify checks the journal in dir with nothing but its files and the public
// key of its genesis record: every line, every signed checkpoint that is there,
// every root, and the chain of keys. It takes no lock and works beside a
// running writer. Damage is a *DamageError; the Report says up to where the
// journal is proven.
func Verify(dir, verifierKey string, o VerifyOptions) (r Report, err error) {
	err = steady(func() error {
		r, err = verify(dir, verifierKey, o)
		return err
	})
	return r, err
}

func verify(dir, verifierKey string, o VerifyOptions) (Report, error) {
	segments, err := segmentsIn(dir)
	if err != nil {
		return Report{}, err
	}
	first, err := oldestStart(segments)
	if err != nil {
		return Report{}, err
	}
	w := verification{report: Report{Identity: first.identity}}
	if id := first.identity; id.VerifierKey != verifierKey {
		return w.report, fmt.Errorf("this is not the journal of the key %s: its genesis record names %s", verifierKey, id.VerifierKey)
	}
	if w.keys, err = newKeychain(first.identity); err != nil {
		return w.report, err
	}
	// The checkpoints first, the newest last: what they cover is there by the
	// time the lines are read, and none is later than the newest.
	earlier, unread, err := pastCheckpoints(dir)
	if err != nil {
		return w.report, err
	}
	newest, err := readCheckpoint(dir)
	if err != nil {
		return w.report, err
	}
	w.report.UnreadCheckpoints = unread
	if segments, err = segmentsIn(dir); err != nil {
		return w.report, err
	}
	if err := w.read(segments, o.Archive); err != nil {
		return w.report, err
	}
	unsigned := w.collect(dir, newest, earlier, o.Anchor)
	return w.run(segments, unsigned)
}

// verification is a Verify in progress.
type verification struct {
	report Report
	found  []*checked
	keys   *keychain
	tree   frontier
	// signed are the signed checkpoints, by size; the next one is due when the
	// tree has that size.
	signed  []signed
	due     int
	covered uint64
}

// signed is a checkpoint whose signature is right, and where it was found.
type signed struct {
	checkpoint
	file string
}

// read checks all segments, on all processors, and follows the chain of keys.
func (w *verification) read(segments []segment, archive string) error {
	w.found = make([]*checked, len(segments))
	errs := make([]error, len(segments))
	indexes := make(chan int)
	var work sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(segments)) {
		work.Go(func() {
			for i := range indexes {
				next := end
				if i+1 < len(segments) {
					next = segments[i+1].first
				}
				w.found[i], errs[i] = checker{archive: archive}.check(segments[i], next)
			}
		})
	}
	for i := range segments {
		indexes <- i
	}
	close(indexes)
	work.Wait()
	for i, c := range w.found {
		if errs[i] != nil {
			return errs[i]
		}
		w.report.Segments++
		w.report.Bytes += c.size
		for _, own := range c.own {
			if err := w.keys.follow(own); err != nil {
				return err
			}
		}
		if c.fault != nil {
			break // what is behind it is not believed
		}
	}
	w.report.Keys = len(w.keys.keys)
	return nil
}

// collect checks who signed the checkpoints, and that none is later than the
// newest. It returns what is wrong with them.
func (w *verification) collect(dir string, newest []byte, earlier []claim, anchor []byte) error {
	path := filepath.Join(dir, checkpointFile)
	c, err := w.keys.open(newest)
	if err == nil {
		w.signed = append(w.signed, signed{c, path})
		w.covered = c.size
	} else {
		err = checkpointDamage(dir, err)
	}
	if err == nil {
		err = w.atLeast(dir, c)
	}
	for _, past := range earlier {
		p, bad := w.keys.open(past.msg)
		if bad != nil || p.size != past.size {
			w.report.UnreadCheckpoints++
			continue
		}
		if err == nil && p.size > c.size {
			f := fault{place: past.place, reason: fmt.Sprintf("a later checkpoint, of %d records, than the newest, of %d: the journal was taken back", p.size, c.size)}
			return f.damage()
		}
		w.signed = append(w.signed, signed{p, past.file})
	}
	if anchor != nil {
		a, bad := w.keys.open(anchor)
		if bad != nil {
			return fmt.Errorf("anchor: %w", bad)
		}
		w.signed = append(w.signed, signed{a, "the anchor"})
		w.covered = max(w.covered, a.size)
	}
	return err
}

// atLeast says whether the newest checkpoint is older than a segment: one over
// all before it was signed ahead of each.
func (w *verification) atLeast(dir string, c checkpoint) error {
	var newest ownRecord
	for _, found := range w.found {
		for _, own := range found.own {
			if own.Type == segmentNew {
				newest = own
			}
		}
	}
	if c.size >= newest.Seq {
		return nil
	}
	// A writer may have made both since the checkpoint was read.
	msg, err := readCheckpoint(dir)
	if err == nil {
		if c, err = w.keys.open(msg); err == nil && c.size >= newest.Seq {
			return nil
		}
	}
	return tooOld(newest.place, c.size)
}

// tooOld says that a segment opens behind the newest checkpoint.
func tooOld(opens place, covered uint64) error {
	f := fault{place: opens, reason: fmt.Sprintf("the newest checkpoint covers %d records, but one of %d was signed before this segment was made: the checkpoint was taken back", covered, opens.seq)}
	return f.damage()
}

// run builds the tree. unsigned is what is wrong with the checkpoints: it comes
// second to damage in the lines, which may hide the key that signed them.
func (w *verification) run(segments []segment, unsigned error) (Report, error) {
	slices.SortStableFunc(w.signed, func(a, b signed) int { return cmp.Compare(a.size, b.size) })
	j := journey{}
	for _, c := range w.found {
		if err := c.grow(&w.tree, w.report.Identity, func() error { return w.compare(segments) }); err != nil {
			return w.report, err
		}
		if c.path == "" {
			w.report.Archived += uint64(len(c.leaves))
		}
		if j.end, j.fault = c.end, c.fault; c.fault != nil {
			break
		}
	}
	if j.fault != nil && j.fault.followed {
		return w.report, j.fault.damage()
	}
	if unsigned != nil {
		return w.report, unsigned
	}
	if err := j.damage(w.covered); err != nil {
		return w.report, err
	}
	j.stretches = []stretch{w.found[len(w.found)-1].stretch}
	w.report.Tail = j.tail()
	return w.report, nil
}

// compare holds the tree against the checkpoints of its size.
func (w *verification) compare(segments []segment) error {
	w.report.Records = w.tree.size
	for ; w.due < len(w.signed) && w.signed[w.due].size <= w.tree.size; w.due++ {
		c := w.signed[w.due]
		root := w.tree.root()
		if c.root != root {
			err := rootDamage(placeOf(segments, w.report.Proven), c.checkpoint, w.report.Proven, segments[0])
			return fmt.Errorf("%w (signed in %s)", err, c.file)
		}
		w.report.Proven, w.report.Root = c.size, root.String()
		w.report.Checkpoints++
	}
	return nil
}

// placeOf finds where a record stands, as far as its line is there.
func placeOf(segments []segment, seq uint64) place {
	i := len(segments) - 1
	for segments[i].first > seq {
		i--
	}
	at := place{file: segments[i].file(), seq: seq}
	if segments[i].path == "" {
		return at
	}
	found := errors.New("found")
	_, _ = walk(segments[i:i+1], func(r Record, where place) error {
		if r.Seq == seq {
			at = where
			return found
		}
		return nil
	})
	return at
}

// tail describes what stands behind the last good line.
func (j *journey) tail() *Tail {
	last := j.last()
	if last.good == last.size {
		return nil
	}
	t := &Tail{File: last.path, Line: j.end.line, Offset: last.good, Bytes: last.size - last.good, Reason: "a group mark, and nothing behind it"}
	if j.fault != nil {
		t.Line, t.Reason = j.fault.line, j.fault.reason
	}
	return t
}
