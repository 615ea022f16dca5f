package journal

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Identity is what a journal is known by. It stands in the genesis record.
type Identity struct {
	// ID is the journal's UUIDv7.
	ID string `json:"journal"`
	// Host is the host that it was created on.
	Host string `json:"host"`
	// Origin is the first line of every checkpoint: HOST/fettle/ID.
	Origin string `json:"origin"`
	// VerifierKey is the public key, in the text form of
	// golang.org/x/mod/sumdb/note.
	VerifierKey string `json:"verifier_key"`
}

// hostName is what may stand in an origin, which is also the name of a key.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?$`)

// origin names a journal in its checkpoints and the source of its records.
func origin(host, id string) string { return host + "/fettle/" + id }

// readKey returns the signer in keyFile, which only its owner may read and
// which must not lie where the journal lies: whoever copies or archives the
// journal would copy the key with it.
func readKey(dir, keyFile string) (note.Signer, error) {
	if err := apart(dir, keyFile); err != nil {
		return nil, err
	}
	info, err := os.Stat(keyFile)
	if err != nil {
		return nil, fmt.Errorf("journal key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("journal key %s: mode %04o lets others at it, want 0600", keyFile, mode)
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("journal key: %w", err)
	}
	s, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("journal key %s: %w", keyFile, err)
	}
	return s, nil
}

// keyFits says whether s is the newest of a journal's keys. It tries it: names
// and key hashes could agree by chance.
func keyFits(s note.Signer, keys *keychain) error {
	probe, err := note.Sign(&note.Note{Text: "probe\n"}, s)
	if err != nil {
		return fmt.Errorf("journal key: %w", err)
	}
	for i, v := range slices.Backward(keys.verifiers) {
		if _, err := note.Open(probe, note.VerifierList(v)); err != nil {
			continue
		}
		if i < len(keys.keys)-1 {
			return &replacedError{keys.keys[i+1].From, keys.keys[len(keys.keys)-1].Key}
		}
		return nil
	}
	return fmt.Errorf("the key of %s is not the key of this journal, %s", s.Name(), keys.keys[len(keys.keys)-1].Key)
}

// replacedError says that a key is one of the journal's, but not the newest.
type replacedError struct {
	from uint64
	key  string
}

func (e *replacedError) Error() string {
	return fmt.Sprintf("this key of the journal was replaced by record %d: name the file of the new one, %s", e.from, e.key)
}

// publicKey computes the public key of a private one, both in the text form of
// golang.org/x/mod/sumdb/note.
func publicKey(private string) (string, error) {
	parts := strings.SplitN(private, "+", 5) // PRIVATE KEY name hash key
	if len(parts) != 5 {
		return "", errors.New("not a private key")
	}
	key, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(key) != 1+ed25519.SeedSize {
		return "", errors.New("not a private key")
	}
	public, ok := ed25519.NewKeyFromSeed(key[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("not a private key")
	}
	return note.NewEd25519VerifierKey(parts[2], public)
}

// apart refuses a key file inside of dir, also by way of a symbolic link.
func apart(dir, keyFile string) error {
	if keyFile == "" {
		return errors.New("journal key: no file is named")
	}
	for _, path := range []string{filepath.Dir(keyFile), keyFile} {
		inside, err := within(dir, path)
		if err != nil {
			return err
		}
		if inside {
			return fmt.Errorf("journal key %s lies in the journal's directory %s: keep it elsewhere, such as /etc/fettle/journal.key", keyFile, dir)
		}
	}
	return nil
}

// within says whether path lies in dir or is dir, also by way of a symbolic
// link.
func within(dir, path string) (bool, error) {
	d, err := resolve(dir)
	if err != nil {
		return false, err
	}
	p, err := resolve(path)
	if err != nil {
		return false, err
	}
	rel, err := filepath.Rel(d, p)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)), nil
}

// resolve returns the absolute path without symbolic links, as far as it
// exists.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	target, err := filepath.EvalSymlinks(abs)
	if errors.Is(err, os.ErrNotExist) {
		parent := filepath.Dir(abs)
		if parent == abs {
			return abs, nil
		}
		parent, err = resolve(parent)
		return filepath.Join(parent, filepath.Base(abs)), err
	}
	return target, err
}
