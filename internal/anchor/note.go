package anchor

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// Checkpoint is what a note says. Its signature was not looked at.
type Checkpoint struct {
	Origin string
	// Size is the number of records, Root the Merkle root over them.
	Size uint64
	Root [32]byte
}

// Parse reads a C2SP tlog-checkpoint without checking who signed it.
func Parse(note []byte) (Checkpoint, error) {
	lines := strings.SplitN(string(note), "\n", 4)
	if len(lines) < 4 || lines[0] == "" {
		return Checkpoint{}, errors.New("not a checkpoint: want origin, number of records, root and signature on lines of their own")
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("not a checkpoint: %q is no number of records", clip(lines[1]))
	}
	c := Checkpoint{Origin: lines[0], Size: size}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != len(c.Root) {
		return Checkpoint{}, fmt.Errorf("not a checkpoint: %q is no root", clip(lines[2]))
	}
	copy(c.Root[:], root)
	return c, nil
}

func clip(s string) string { return s[:min(len(s), 64)] }

// quoted stands before a checkpoint in a line of syslog.
const quoted = `checkpoint "`

// line is a checkpoint on one line of printable ASCII, which no syslog server
// changes.
func line(note []byte) string { return quoted[:len(quoted)-1] + strconv.QuoteToASCII(string(note)) }

// maxText is the longest line that Notes looks at, in bytes.
const maxText = 64 << 10

// Notes finds the signed checkpoints in a text, in order: notes as they are, JSON
// lines with one in "checkpoint" (what a file anchor writes, and the journal's own
// checkpoints.jsonl), and lines of syslog. What is none of these is passed over; a
// text without any checkpoint is an error.
func Notes(r io.Reader) ([][]byte, error) {
	var all [][]byte
	var plain []string // the lines of a note so far
	keep := func(note string) {
		if _, err := Parse([]byte(note)); err == nil {
			all = append(all, []byte(note))
		}
	}
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxText)
	for s.Scan() {
		text := strings.TrimSuffix(s.Text(), "\r")
		if _, rest, found := strings.Cut(text, quoted); found {
			if q, err := strconv.QuotedPrefix(`"` + rest); err == nil {
				if note, err := strconv.Unquote(q); err == nil {
					keep(note)
				}
			}
			continue
		}
		var kept struct {
			Note string `json:"checkpoint"`
		}
		if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &kept) == nil {
			keep(kept.Note)
			continue
		}
		switch {
		case strings.HasPrefix(text, "— "): // a signature: the note's last line, or one of them
			if n := len(plain); n >= 4 && plain[n-1] == "" {
				keep(strings.Join(plain[n-4:], "\n") + "\n" + text + "\n")
			}
		default:
			plain = append(plain, text)
			if len(plain) > 4 {
				plain = plain[1:]
			}
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read the anchor: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no signed checkpoint in the anchor: want a note, a file of them, or lines of syslog")
	}
	return dedupe(all), nil
}

// dedupe leaves out what stands there twice in a row.
func dedupe(all [][]byte) [][]byte {
	out := all[:1]
	for _, n := range all[1:] {
		if !bytes.Equal(n, out[len(out)-1]) {
			out = append(out, n)
		}
	}
	return out
}
