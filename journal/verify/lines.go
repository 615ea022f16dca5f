package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"os"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

// record is what is read of a line. The proof is over the line itself.
type record struct {
	Seq  *uint64         `json:"seq"`
	Type string          `json:"type"`
	Time time.Time       `json:"time"`
	ID   string          `json:"id"`
	Data json.RawMessage `json:"data"`
}

// maxLine is the longest line that fettle writes, in bytes.
const maxLine = 1 << 20

// parse checks the form of a line: one JSON object with what a record needs, that
// ends in the CRC-32C of all that stands before `,"crc":"9f1c02ab"}`.
func parse(line []byte, seq uint64) (record, error) {
	var r record
	n := len(line) - len(`,"crc":"9f1c02ab"}`)
	if n < 0 || len(line) > maxLine || !bytes.HasPrefix(line, []byte(`{"specversion":"1.0",`)) {
		return r, errors.New("not a record")
	}
	if end := fmt.Sprintf(`,"crc":"%08x"}`, crc32.Checksum(line[:n], crc32.MakeTable(crc32.Castagnoli))); string(line[n:]) != end {
		return r, fmt.Errorf("not a record: it ends in %s, and its bytes want %s", line[n:], end)
	}
	if err := json.Unmarshal(line, &r); err != nil || !utf8.Valid(line) {
		return r, errors.New("not a record: not valid JSON")
	}
	if r.Seq == nil || r.Type == "" || r.ID == "" || r.Time.IsZero() || len(r.Data) == 0 || r.Data[0] != '{' {
		return r, errors.New("not a record: it needs seq, type, time, id and data")
	}
	if *r.Seq != seq {
		return r, fmt.Errorf("record %d stands here", *r.Seq)
	}
	return r, nil
}

// fault is a line that is not the record that should stand there.
type fault struct {
	error
	seq uint64 // of the record that should
	// followed: an empty line stands behind it. fettle begins a group only when the
	// one before is on the disk, so no crash leaves this: the line was good once.
	followed bool
}

// readLines calls each with the records of a file, from number seq on and before
// stop. It returns the number behind the last one, and the fault it stopped at.
func readLines(file string, seq, stop uint64, each func(record, []byte) error) (uint64, *fault, error) {
	text, err := os.ReadFile(file)
	for n := 1; err == nil && len(text) > 0 && seq < stop; n++ {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if text = rest; len(line) == 0 && whole {
			continue // here a group begins
		}
		r, problem := parse(line, seq)
		if problem == nil && !whole {
			problem = errors.New("the line has no end")
		}
		if problem != nil {
			followed := bytes.HasPrefix(rest, []byte("\n")) || bytes.Contains(rest, []byte("\n\n"))
			return seq, &fault{fmt.Errorf("%s:%d: record %d: %w", file, n, seq, problem), seq, followed}, nil
		}
		if err = each(r, line); err != nil {
			err = fmt.Errorf("%s:%d: record %d: %w", file, n, seq, err)
		}
		seq++
	}
	return seq, nil, err
}

// tree is the right edge of a growing Merkle tree: the roots of its complete
// subtrees, the largest first. There is one for each bit that is set in size.
type tree struct {
	size uint64
	edge []tlog.Hash
}

// add puts a leaf at the right end. While there is a complete subtree of the same
// size beside it, the two become one.
func (t *tree) add(h tlog.Hash) {
	for range bits.TrailingZeros64(^t.size) {
		last := len(t.edge) - 1
		h, t.edge = tlog.NodeHash(t.edge[last], h), t.edge[:last]
	}
	t.edge = append(t.edge, h)
	t.size++
}

// root joins the subtrees, from the right.
func (t *tree) root() tlog.Hash {
	h := t.edge[len(t.edge)-1]
	for i := len(t.edge) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.edge[i], h)
	}
	return h
}
