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

// readCheckpoint returns the newest checkpoint of the journal in dir, unchecked.
func readCheckpoint(dir string) ([]byte, error) {
	path := filepath.Join(dir, checkpointFile)
	msg, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &DamageError{File: path, Reason: "the checkpoint is missing; if fettle journal init was interrupted, remove the journal and its key and run it again"}
	}
	return msg, err
}

// checkpointDamage says that the newest checkpoint is none.
func checkpointDamage(dir string, err error) error {
	return &DamageError{File: filepath.Join(dir, checkpointFile), Reason: err.Error()}
}

// open checks a checkpoint: the key that signs for its size has to have signed
// it.
func (c *keychain) open(msg []byte) (checkpoint, error) {
	// The size is not to be believed before the signature is checked: it only
	// says which key that is.
	size, err := claimedSize(msg)
	if err != nil {
		return checkpoint{}, fmt.Errorf("not signed by the key of %s: %w", c.origin, err)
	}
	return openCheckpoint(msg, c.signs(size))
}

// claimedSize reads the number of records of a checkpoint that nobody checked.
func claimedSize(msg []byte) (uint64, error) {
	_, rest, _ := bytes.Cut(msg, []byte("\n"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	size, err := strconv.ParseUint(string(line), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%.20q is not a number of records", line)
	}
	return size, nil
}

// put signs a checkpoint and puts it in place durably.
func (c checkpoint) put(disk durable.Disk, dir, origin string, s note.Signer) ([]byte, error) {
	msg, err := c.sign(origin, s)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	if err := disk.WriteFile(filepath.Join(dir, checkpointFile), msg, 0o600); err != nil {
		return nil, fmt.Errorf("write checkpoint: %w", err)
	}
	return msg, nil
}
