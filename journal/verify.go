package journal

import (
	"fmt"
	"path/filepath"
	"sort"

	"golang.org/x/mod/sumdb/note"
)

// VerifyOptions is what Verify may be given beyond the public key.
type VerifyOptions struct {
	// Anchor is a signed checkpoint that was kept elsewhere. The journal must
	// contain it.
	Anchor []byte
}

// Report is what Verify found. It is valid beside an error too, as far as
// Verify came.
type Report struct {
	Identity Identity
	// Records is the number of good lines.
	Records uint64
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
// key: every line, every signed checkpoint that is there, and every root. It
// takes no lock and works beside a running writer. Damage is a *DamageError;
// the Report says up to where the journal is proven.
func Verify(dir, verifierKey string, o VerifyOptions) (Report, error) {
	v, err := note.NewVerifier(verifierKey)
	if err != nil {
		return Report{}, fmt.Errorf("verifier key: %w", err)
	}
	segments, err := segmentsIn(dir)
	if err != nil {
		return Report{}, err
	}
	w := verification{}
	if w.report.Identity, err = identityIn(segments); err != nil {
		return w.report, err
	}
	if id := w.report.Identity; id.VerifierKey != verifierKey {
		return w.report, fmt.Errorf("this is not the journal of the key %s: its genesis record (%s:2) names %s", verifierKey, segments[0].path, id.VerifierKey)
	}
	// The checkpoints first: what they cover is there by the time the lines
	// are read.
	if err := w.collect(dir, v, o); err != nil {
		return w.report, err
	}
	segments, err = segmentsIn(dir)
	if err != nil {
		return w.report, err
	}
	return w.run(segments)
}

// verification is a Verify in progress.
type verification struct {
	report Report
	tree   frontier
	// claims are the signed checkpoints, by size; the next one is due when the
	// tree has that size.
	claims []claim
	due    int
	// sound is where the first line behind the last agreeing checkpoint stands.
	sound place
}

// claim is a signed checkpoint and where it was found.
type claim struct {
	checkpoint
	file string
}

func (w *verification) collect(dir string, v note.Verifier, o VerifyOptions) error {
	earlier, unread, err := pastCheckpoints(dir, v)
	if err != nil {
		return err
	}
	w.report.UnreadCheckpoints = unread
	newest, err := readCheckpoint(dir, v)
	if err != nil {
		return err
	}
	for _, p := range earlier {
		if p.size > newest.size {
			f := fault{place: p.place, reason: fmt.Sprintf("a later checkpoint, of %d records, than the newest, of %d: the journal was taken back", p.size, newest.size)}
			return f.damage()
		}
		w.claims = append(w.claims, claim{p.checkpoint, p.file})
	}
	w.claims = append(w.claims, claim{newest, filepath.Join(dir, checkpointFile)})
	if o.Anchor != nil {
		c, err := openCheckpoint(o.Anchor, v)
		if err != nil {
			return fmt.Errorf("anchor: %w", err)
		}
		w.claims = append(w.claims, claim{c, "the anchor"})
	}
	sort.SliceStable(w.claims, func(a, b int) bool { return w.claims[a].size < w.claims[b].size })
	return nil
}

func (w *verification) run(segments []segment) (Report, error) {
	found, err := walk(segments, func(r Record, at place) error {
		if err := checkData(r.Data); err != nil {
			f := fault{place: at, reason: "not a record: data: " + err.Error()}
			return f.damage()
		}
		if at.seq == w.report.Proven {
			w.sound = at
		}
		w.tree.add(r.Line)
		w.report.Records = w.tree.size
		return w.compare(segments[0])
	})
	w.report.Segments, w.report.Bytes = len(found.stretches), found.bytes()
	if err != nil {
		return w.report, err
	}
	covered := w.claims[len(w.claims)-1].size
	if err := found.damage(covered); err != nil {
		return w.report, err
	}
	w.report.Tail = found.tail()
	return w.report, nil
}

// compare holds the tree against the checkpoints of its size.
func (w *verification) compare(first segment) error {
	for ; w.due < len(w.claims) && w.claims[w.due].size <= w.tree.size; w.due++ {
		c := w.claims[w.due]
		root := w.tree.root()
		if c.root != root {
			err := rootDamage(w.sound, c.checkpoint, w.report.Proven, first)
			return fmt.Errorf("%w (signed in %s)", err, c.file)
		}
		w.report.Proven, w.report.Root = c.size, root.String()
		w.report.Checkpoints++
	}
	return nil
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
