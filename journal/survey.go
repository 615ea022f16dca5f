package journal

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// survey is what Open found: the lines that the checkpoint covers, those behind
// them, and a torn tail.
type survey struct {
	journey
	covered uint64
	// pending are the good lines that no checkpoint covers, by segment.
	pending []pending
}

// pending is a range of bytes with good lines that no checkpoint covers.
type pending struct {
	segment
	seq      uint64 // of its first record
	from, to int64  // group marks included
	leaves   []tlog.Hash
}

// unclean says whether anything stands behind the checkpoint.
func (s *survey) unclean() bool {
	if len(s.pending) > 0 {
		return true
	}
	for _, one := range s.stretches {
		if one.good < one.size {
			return true
		}
	}
	return false
}

// survey checks the newest segment and what continues it: every line, and the
// root. It builds the tree, and passes on every line.
func (j *Journal) survey(segments []segment) (*survey, error) {
	c, msg, err := j.newestCheckpoint(segments)
	if err != nil {
		return nil, err
	}
	j.opened = segments[0].first
	if c.size < j.opened {
		return nil, tooOld(place{file: segments[0].path, line: 2, offset: 1, seq: j.opened}, c.size)
	}
	s := &survey{covered: c.size}
	if c.size == j.opened && j.tree.root() != c.root {
		return nil, rootDamage(place{}, c, 0, segments[0])
	}
	var good int64 // the offset behind the last line in this segment
	var file string
	s.journey, err = walk(segments, func(r Record, at place) error {
		if at.file != file {
			file, good = at.file, 0
		}
		end := at.offset + int64(len(r.Line)) + 1
		if at.seq >= c.size {
			// What was signed had been checked before. This has not been.
			if err := checkData(r.Data); err != nil {
				return (&fault{place: at, reason: "not a record: data: " + err.Error()}).damage()
			}
			s.pend(r, at, good, end, segments)
		}
		good = end
		return j.take(r, at, end, c, segments[0])
	})
	if err != nil {
		return nil, err
	}
	if err := s.damage(c.size); err != nil {
		return nil, err
	}
	// The key that had to sign it is known for certain only now.
	if _, err := j.keys.open(msg); err != nil {
		return nil, checkpointDamage(j.dir, err)
	}
	j.checkpointed = c.size
	return s, nil
}

// take adds one line to what is known of the journal.
func (j *Journal) take(r Record, at place, end int64, c checkpoint, first segment) error {
	if !j.options.knows(&r.Draft) {
		return fmt.Errorf("%s:%d (seq %d): the record type %q is critical and not known to this version of fettle: use the version that wrote it, or a later one", at.file, at.line, at.seq, r.Type)
	}
	switch {
	case r.Type == keyChange:
		if err := j.keys.change(r.Data, r.Seq); err != nil {
			return (&fault{place: at, reason: err.Error()}).damage()
		}
	case r.Type == segmentNew:
		o, _, err := parseOpening(r.Data, r.Seq)
		if err != nil {
			return err
		}
		j.lastCarried = o.Size + o.Carried
	}
	if r.Seq == j.lastCarried {
		j.carried = end
	}
	j.tree.add(r.Line)
	if j.tree.size == c.size && j.tree.root() != c.root {
		return rootDamage(at, c, 0, first)
	}
	if j.options.Each != nil {
		return j.options.Each(r)
	}
	return nil
}

// newestCheckpoint reads the newest checkpoint, signed by a key that is named
// where these segments open, or by one that they bring.
func (j *Journal) newestCheckpoint(segments []segment) (checkpoint, []byte, error) {
	msg, err := readCheckpoint(j.dir)
	if err != nil {
		return checkpoint{}, nil, err
	}
	c, err := j.keys.open(msg)
	if err == nil {
		return c, msg, nil
	}
	keys := j.keys.clone()
	if _, walkErr := walk(segments, func(r Record, _ place) error {
		if r.Type == keyChange {
			return keys.change(r.Data, r.Seq)
		}
		return nil
	}); walkErr == nil {
		c, err = keys.open(msg)
	}
	if err != nil {
		return checkpoint{}, nil, checkpointDamage(j.dir, err)
	}
	return c, msg, nil
}

// pend adds a line to the pending ranges.
func (s *survey) pend(r Record, at place, from, to int64, segments []segment) {
	if n := len(s.pending); n == 0 || s.pending[n-1].path != at.file {
		for _, seg := range segments {
			if seg.path == at.file {
				s.pending = append(s.pending, pending{segment: seg, seq: r.Seq, from: from})
			}
		}
	}
	p := &s.pending[len(s.pending)-1]
	p.to, p.leaves = to, append(p.leaves, leafHash(r.Line))
}

// damage tells damage from a torn tail. A fault is damage where a checkpoint
// covers the line, or where later writes follow it: an Append begins only when
// the one before is durable, so a crash tears nothing but the last group.
func (j *journey) damage(covered uint64) error {
	switch {
	case j.fault != nil && (j.fault.seq < covered || j.fault.followed):
		return j.fault.damage()
	case j.end.seq < covered:
		end := fault{place: j.end, reason: fmt.Sprintf("the journal ends here, but the checkpoint covers %d records: %d are missing", covered, covered-j.end.seq)}
		return end.damage()
	}
	return nil
}

// rootDamage says that the lines before c.size are not what was signed, though
// each of them looks well. Those before sound agree with an earlier checkpoint.
func rootDamage(at place, c checkpoint, sound uint64, first segment) error {
	if sound <= first.first {
		sound = first.first
		at = place{file: first.file(), line: 2, offset: 1}
	}
	at.seq = sound
	lines := fmt.Sprintf("the lines of seq %d to %d", sound, c.size-1)
	if sound == c.size {
		lines = "the segment's edge"
	}
	f := fault{place: at, reason: fmt.Sprintf("%s do not have the root that was signed for %d records: one of them was changed", lines, c.size)}
	return f.damage()
}
