package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
)

// Open takes the journal in dir for writing: it locks it, checks every line
// against the newest checkpoint, and recovers from an unclean end. An error
// that is fs.ErrNotExist means that there is no journal in dir; ErrLocked that
// another process has it; a *DamageError that its lines are not what was
// written. In all these cases nothing was changed.
func Open(dir, keyFile string, o Options) (*Journal, error) {
	if o.Now == nil || o.NewID == nil {
		return nil, errors.New("open journal: Options.Now and Options.NewID are needed")
	}
	if _, err := segmentsIn(dir); err != nil {
		return nil, err
	}
	held, err := lock(dir)
	if err != nil {
		return nil, err
	}
	j, err := open(dir, keyFile, o)
	if err != nil {
		return nil, errors.Join(err, unlock(held))
	}
	j.lock = held
	return j, nil
}

func open(dir, keyFile string, o Options) (*Journal, error) {
	segments, err := segmentsIn(dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{dir: dir, options: o}
	if j.identity, err = identityIn(segments); err != nil {
		return nil, err
	}
	if o.PinnedID != "" && j.identity.ID != o.PinnedID {
		return nil, fmt.Errorf("%s holds the journal %s, but the configuration pins %s: check the path", dir, j.identity.ID, o.PinnedID)
	}
	if o.Host == "" {
		j.options.Host = j.identity.Host
	} else if !hostName.MatchString(o.Host) {
		return nil, fmt.Errorf("open journal: %q is not the name of a host", o.Host)
	}
	if j.signer, err = readKey(dir, keyFile); err != nil {
		return nil, err
	}
	verifier, err := keyFits(j.signer, j.identity)
	if err != nil {
		return nil, err
	}
	found, err := j.survey(segments, verifier)
	if err != nil {
		return nil, err
	}
	if found.unclean() {
		if err := j.recover(found); err != nil {
			return nil, fmt.Errorf("recover journal in %s: %w", dir, err)
		}
	}
	return j, j.begin()
}

// begin opens the newest segment for appending and notes it.
func (j *Journal) begin() error {
	segments, err := segmentsIn(j.dir)
	if err != nil {
		return err
	}
	newest := segments[len(segments)-1]
	f, err := os.OpenFile(newest.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	now := j.options.Now()
	j.checkpointedAt = now.Since
	err = addMark(j.dir, now, mark{Mark: "opened", Records: j.tree.size, Segment: filepath.Base(newest.path)})
	if err == nil && j.checkpointed < j.tree.size {
		err = j.checkpoint(now)
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("open journal: %w", err)
	}
	j.file = segmentFile{f}
	if j.options.WrapFile != nil {
		j.file = j.options.WrapFile(j.file)
	}
	return nil
}

// survey is what Open found: the lines that the checkpoint covers, those behind
// them, and a torn tail.
type survey struct {
	journey
	verifier note.Verifier
	covered  uint64
	// pending are the good lines that no checkpoint covers, by segment.
	pending []pending
}

// pending is a range of bytes with good lines that no checkpoint covers.
type pending struct {
	segment
	seq      uint64 // of its first record
	from, to int64  // group marks included
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

// survey checks every line and the root, and builds the tree.
func (j *Journal) survey(segments []segment, v note.Verifier) (*survey, error) {
	c, err := readCheckpoint(j.dir, v)
	if err != nil {
		return nil, err
	}
	s := &survey{verifier: v, covered: c.size}
	var good int64 // the offset behind the last line in this segment
	var file string
	s.journey, err = walk(segments, func(r Record, at place) error {
		if at.file != file {
			file, good = at.file, 0
		}
		if !j.options.knows(&r.Draft) {
			return fmt.Errorf("%s:%d (seq %d): the record type %q is critical and not known to this version of fettle: use the version that wrote it, or a later one", at.file, at.line, at.seq, r.Type)
		}
		end := at.offset + int64(len(r.Line)) + 1
		if at.seq >= c.size {
			// What was signed had been checked before. This has not been.
			if err := checkData(r.Data); err != nil {
				return (&fault{place: at, reason: "not a record: data: " + err.Error()}).damage()
			}
			s.pend(r.Seq, at, good, end, segments)
		}
		good = end
		j.tree.add(r.Line)
		if j.tree.size == c.size && j.tree.root() != c.root {
			return rootDamage(at, c, 0, segments[0])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.damage(c.size); err != nil {
		return nil, err
	}
	j.checkpointed, j.bytes = c.size, s.bytes()
	return s, nil
}

// pend adds a line to the pending ranges.
func (s *survey) pend(seq uint64, at place, from, to int64, segments []segment) {
	if n := len(s.pending); n > 0 && s.pending[n-1].path == at.file {
		s.pending[n-1].to = to
		return
	}
	for _, seg := range segments {
		if seg.path == at.file {
			s.pending = append(s.pending, pending{seg, seq, from, to})
		}
	}
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
	if sound == 0 {
		at = place{file: first.path, line: 2, offset: 1}
	}
	at.seq = sound
	f := fault{place: at, reason: fmt.Sprintf("the lines of seq %d to %d do not have the root that was signed for %d records: one of them was changed", sound, c.size-1, c.size)}
	return f.damage()
}
