package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fettle-io/fettle/internal/durable"
)

// checkpoint is a C2SP tlog-checkpoint: origin, number of records and Merkle
// root, in a signed note.
type checkpoint struct {
	size uint64
	root tlog.Hash
}

// sign returns the signed note.
func (c checkpoint) sign(origin string, s note.Signer) ([]byte, error) {
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, c.size, c.root)
	return note.Sign(&note.Note{Text: text}, s)
}

// openCheckpoint checks a signed note and returns what it says.
func openCheckpoint(msg []byte, v note.Verifier) (checkpoint, error) {
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		return checkpoint{}, fmt.Errorf("not signed by the key of %s: %w", v.Name(), err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] != v.Name() {
		return checkpoint{}, fmt.Errorf("not a checkpoint of %s", v.Name())
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil || strconv.FormatUint(size, 10) != lines[1] {
		return checkpoint{}, fmt.Errorf("%q is not a number of records", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return checkpoint{}, fmt.Errorf("%q is not a root", lines[2])
	}
	return checkpoint{size, root}, nil
}

// readCheckpoint returns the newest checkpoint of the journal in dir.
func readCheckpoint(dir string, v note.Verifier) (checkpoint, error) {
	path := filepath.Join(dir, checkpointFile)
	msg, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return checkpoint{}, &DamageError{File: path, Reason: "the checkpoint is missing; if fettle journal init was interrupted, remove the journal and its key and run it again"}
	}
	if err != nil {
		return checkpoint{}, err
	}
	c, err := openCheckpoint(msg, v)
	if err != nil {
		return checkpoint{}, &DamageError{File: path, Reason: err.Error()}
	}
	return c, nil
}

// past is one line of checkpoints.jsonl.
type past struct {
	Time string `json:"time"`
	Size uint64 `json:"size"`
	Note string `json:"checkpoint"`
}

// keepCheckpoint adds a checkpoint that is in place to the side file of all of
// them. The side file is not synced: it never holds one that was not durable
// before, and the last few may be missing after a power cut.
func keepCheckpoint(dir string, size uint64, msg []byte, now Reading) error {
	return appendSide(filepath.Join(dir, checkpointsFile), past{stamp(now), size, string(msg)}, false)
}

// pastCheckpoint is an earlier checkpoint and where it stands.
type pastCheckpoint struct {
	checkpoint
	place
}

// pastCheckpoints reads the side file. It is evidence, not authority: a line
// that a crash tore, or that is not signed by this key, is only counted.
func pastCheckpoints(dir string, v note.Verifier) (all []pastCheckpoint, unread int, err error) {
	path := filepath.Join(dir, checkpointsFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	at := place{file: path, line: 1}
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if c, err := parsePast(line, v); err == nil {
			at.seq = c.size
			all = append(all, pastCheckpoint{c, at})
		} else if whole {
			unread++ // else it is being written
		}
		b = rest
		at.line++
		at.offset += int64(len(line)) + 1
	}
	return all, unread, nil
}

func parsePast(line []byte, v note.Verifier) (checkpoint, error) {
	var p past
	if err := json.Unmarshal(line, &p); err != nil {
		return checkpoint{}, fmt.Errorf("not an earlier checkpoint: %w", err)
	}
	c, err := openCheckpoint([]byte(p.Note), v)
	if err == nil && c.size != p.Size {
		err = fmt.Errorf("the size %d is not that of the checkpoint, %d", p.Size, c.size)
	}
	return c, err
}

// putCheckpoint signs a checkpoint and puts it in place durably.
func putCheckpoint(dir, origin string, c checkpoint, s note.Signer) ([]byte, error) {
	msg, err := c.sign(origin, s)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	if err := durable.WriteFile(filepath.Join(dir, checkpointFile), msg, 0o600); err != nil {
		return nil, fmt.Errorf("write checkpoint: %w", err)
	}
	return msg, nil
}
