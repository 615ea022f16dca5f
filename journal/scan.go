package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// place is where a line stands.
type place struct {
	file   string
	line   int   // from 1
	offset int64 // of its first byte
	seq    uint64
}

// fault is the first line that is not the record that should stand there.
type fault struct {
	place
	reason string
	// followed says that later writes stand behind it (a group mark, or a
	// further segment), or that the line was on the disk before its segment had
	// a name (the first group). What a crash tore is neither.
	followed bool
}

func (f *fault) damage() *DamageError {
	return &DamageError{File: f.file, Line: f.line, Offset: f.offset, Seq: f.seq, Reason: f.reason}
}

// scanner reads the records of one open segment from its position on.
type scanner struct {
	r *bufio.Reader
	// at is where the next line begins, and the record that is due.
	at place
	// good is the offset behind the last good record.
	good int64
	// solid is the first record that a crash can have torn: the first line of a
	// segment, and its carried records, were on the disk before it had its name.
	solid  uint64
	parser *parser
}

// newScanner reads f from a place up to size: what a writer adds meanwhile is
// left for later.
func newScanner(f io.ReaderAt, size int64, at place, p *parser) *scanner {
	rest := size - at.offset
	r := bufio.NewReaderSize(io.NewSectionReader(f, at.offset, rest), int(min(rest, MaxLine))+1)
	s := &scanner{r: r, at: at, good: at.offset, parser: p}
	if at.offset == 0 {
		s.solid = at.seq + 1
	}
	return s
}

// scan calls each with every good record before limit. It ends at limit, at
// the end of the file (both: nil), or at a fault, behind which nothing was
// believed.
func (s *scanner) scan(limit uint64, each func(Record, place) error) (*fault, error) {
	for s.at.seq < limit {
		begin := s.at
		line, problem, err := s.next()
		if errors.Is(err, io.EOF) {
			if begin.seq < s.solid {
				return &fault{begin, fmt.Sprintf("the segment ends here, but it was made with the records up to seq %d: they are missing", s.solid-1), true}, nil
			}
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", begin.file, err)
		}
		if problem == nil && len(line) == 0 {
			continue // a group mark
		}
		var r Record
		if problem == nil {
			r, problem = s.parser.parse(line)
		}
		if problem == nil && r.Seq != begin.seq {
			problem = fmt.Errorf("seq %d stands where %d should", r.Seq, begin.seq)
		}
		if problem == nil && r.Type == segmentNew {
			problem = s.open(r)
		}
		if problem != nil {
			followed, err := s.marked()
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", begin.file, err)
			}
			return &fault{begin, problem.Error(), followed || begin.seq < s.solid}, nil
		}
		if err := each(r, begin); err != nil {
			return nil, err
		}
		s.at.seq++
		s.good = s.at.offset
	}
	return nil, nil
}

// open takes the record that opens a segment.
func (s *scanner) open(r Record) error {
	if s.good > 0 {
		return errors.New(segmentNew + ": it stands within a segment")
	}
	o, _, err := parseOpening(r.Data, r.Seq)
	if err == nil {
		s.solid = r.Seq + 1 + o.Carried
	}
	return err
}

// next returns the next line, valid until the one after it, or the problem
// with it.
func (s *scanner) next() (line []byte, problem, err error) {
	line, err = s.r.ReadSlice('\n')
	n := len(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		problem = fmt.Errorf("a line of more than %d bytes", MaxLine)
		line, err = s.r.ReadSlice('\n')
		n += len(line)
	}
	s.at.offset += int64(n)
	switch {
	case err == nil:
		s.at.line++
		return line[:len(line)-1], problem, nil
	case errors.Is(err, io.EOF) && n > 0:
		return nil, errors.New("the line has no end"), nil
	}
	return nil, nil, err
}

// marked reads on and says whether a group mark follows.
func (s *scanner) marked() (bool, error) {
	for {
		line, problem, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, err
		case problem == nil && len(line) == 0:
			return true, nil
		}
	}
}

// stretch is what a walk found in one segment.
type stretch struct {
	segment
	size int64 // of the file
	good int64 // the offset behind its last good record
	// superseded says that what stands behind good is no part of the journal:
	// the next segment has it.
	superseded bool
}

// journey is what a walk over all segments found.
type journey struct {
	stretches []stretch
	end       place  // behind the last good record
	fault     *fault // nil if every line is good
}

func (j *journey) last() stretch { return j.stretches[len(j.stretches)-1] }

// walk calls each with every good record of the journal in order.
func walk(segments []segment, each func(Record, place) error) (journey, error) {
	var j journey
	var p parser
	for i, seg := range segments {
		limit, isLast := uint64(1)<<63, i == len(segments)-1
		if !isLast {
			limit = segments[i+1].first
		}
		if err := j.visit(seg, limit, isLast, &p, each); err != nil {
			return j, err
		}
		if j.fault != nil {
			break
		}
	}
	return j, nil
}

func (j *journey) visit(seg segment, limit uint64, isLast bool, p *parser, each func(Record, place) error) error {
	f, err := openLines(seg)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	s := newScanner(f, info.Size(), place{file: seg.path, line: 1, seq: seg.first}, p)
	j.fault, err = s.scan(limit, each)
	if err != nil {
		return err
	}
	switch {
	case isLast:
	case j.fault != nil:
		j.fault.followed = true
	case s.at.seq < limit:
		j.fault = missing(s.at, limit)
	}
	j.end = s.at
	j.end.offset = s.good
	j.stretches = append(j.stretches, stretch{segment: seg, size: info.Size(), good: s.good, superseded: !isLast && s.good < info.Size()})
	return nil
}

// openLines opens the lines of a segment that was listed with them.
func openLines(seg segment) (*os.File, error) {
	f, err := os.Open(seg.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", seg.path, errMoved)
	}
	return f, err
}

// missing is the fault of a segment that ends before the next one begins.
func missing(at place, next uint64) *fault {
	return &fault{at, fmt.Sprintf("the segment ends here, the next one begins with seq %d: records are missing", next), true}
}
