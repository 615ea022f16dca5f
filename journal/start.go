package journal

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json"
)

// start is a segment that opens, and so a place from which a journal can be
// read without what stands before it.
type start struct {
	// index is its place among the segments.
	index    int
	identity Identity
	keys     *keychain
	// tree is the edge over the records before it.
	tree frontier
}

// newestStart finds the newest segment that opens. What follows it continues it.
func newestStart(segments []segment) (*start, error) {
	for i := len(segments) - 1; ; i-- {
		s, bad, err := startAt(segments, i)
		switch {
		case err != nil:
			return nil, err
		case s != nil:
			return s, nil
		case i == 0 || segments[i-1].path == "":
			return nil, bad.damage()
		}
	}
}

// oldestStart finds the first segment that opens and has its lines.
func oldestStart(segments []segment) (*start, error) {
	i := 0
	for segments[i].path == "" {
		i++ // the newest one has its lines
	}
	s, bad, err := startAt(segments, i)
	if err == nil && s == nil {
		err = bad.damage()
	}
	return s, err
}

// startAt returns nil and a fault if the segment does not open.
func startAt(segments []segment, i int) (*start, *fault, error) {
	r, at, bad, err := firstRecord(segments[i])
	switch {
	case err != nil || bad != nil:
		return nil, bad, err
	case at.seq == 0 && r.Type == genesis:
		s := &start{index: i}
		if err := json.Unmarshal(r.Data, &s.identity); err != nil {
			return nil, nil, fmt.Errorf("%s: genesis record: %w", at.file, err)
		}
		if id := s.identity; id.Origin != origin(id.Host, id.ID) {
			break
		}
		if s.keys, err = newKeychain(s.identity); err != nil {
			return nil, nil, fmt.Errorf("%s: genesis record: %w", at.file, err)
		}
		return s, nil, nil
	case at.seq > 0 && r.Type == segmentNew:
		s := &start{index: i}
		if err := s.take(r); err != nil {
			return nil, nil, (&fault{place: at, reason: err.Error()}).damage()
		}
		return s, nil, nil
	}
	reason := "no genesis record, with which a journal begins"
	if at.seq > 0 {
		reason = "no " + segmentNew + " record, and no lines before it that it could continue"
	}
	return nil, &fault{place: at, reason: reason}, nil
}

func (s *start) take(r Record) error {
	o, tree, err := parseOpening(r.Data, r.Seq)
	if err != nil {
		return err
	}
	s.identity, s.tree = o.identity(), tree
	if s.keys, err = newKeychain(s.identity); err != nil {
		return fmt.Errorf("%s: %w", segmentNew, err)
	}
	return s.keys.carried(o.Keys)
}

// firstRecord reads the first record of a segment, or the fault in its place.
func firstRecord(seg segment) (Record, place, *fault, error) {
	at := place{file: seg.path, line: 1, seq: seg.first}
	f, err := openLines(seg)
	if err != nil {
		return Record{}, at, nil, fmt.Errorf("open journal: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Record{}, at, nil, fmt.Errorf("open journal: %w", err)
	}
	var first *Record
	bad, err := newScanner(f, min(info.Size(), 2*MaxLine), at, new(parser)).scan(seg.first+1, func(r Record, where place) error {
		r.Line, r.Data = bytes.Clone(r.Line), bytes.Clone(r.Data)
		first, at = &r, where
		return nil
	})
	if err == nil && bad == nil && first == nil {
		bad = &fault{place: at, reason: "the segment is empty"}
		if seg.first == 0 {
			bad.reason = "no genesis record, with which a journal begins"
		}
	}
	if first == nil {
		return Record{}, at, bad, err
	}
	return *first, at, bad, err
}
