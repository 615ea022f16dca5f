package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
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

// identityIn reads the genesis record.
func identityIn(segments []segment) (Identity, error) {
	first := segments[0]
	f, err := os.Open(first.path)
	if err != nil {
		return Identity{}, fmt.Errorf("open journal: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Identity{}, fmt.Errorf("open journal: %w", err)
	}
	at := place{file: first.path, line: 1}
	var id *Identity
	bad, err := newScanner(f, info.Size(), at, new(parser)).scan(1, func(r Record, where place) error {
		at = where
		if r.Type != genesis {
			return nil
		}
		id = new(Identity)
		return json.Unmarshal(r.Data, id)
	})
	switch {
	case bad != nil:
		return Identity{}, bad.damage()
	case err != nil:
		return Identity{}, fmt.Errorf("%s: genesis record: %w", first.path, err)
	case id == nil || id.Origin != origin(id.Host, id.ID):
		return Identity{}, (&fault{place: at, reason: "no genesis record, with which a journal begins"}).damage()
	}
	return *id, nil
}

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

// keyFits says whether s signs for id. It tries it: names and key hashes could
// agree by chance.
func keyFits(s note.Signer, id Identity) (note.Verifier, error) {
	v, err := note.NewVerifier(id.VerifierKey)
	if err != nil {
		return nil, fmt.Errorf("verifier key in the genesis record: %w", err)
	}
	probe, err := note.Sign(&note.Note{Text: "probe\n"}, s)
	if err != nil {
		return nil, fmt.Errorf("journal key: %w", err)
	}
	if _, err := note.Open(probe, note.VerifierList(v)); err != nil {
		return nil, fmt.Errorf("the key of %s is not the key of this journal, %s", s.Name(), id.VerifierKey)
	}
	return v, nil
}

// apart refuses a key file inside of dir, also by way of a symbolic link.
func apart(dir, keyFile string) error {
	if keyFile == "" {
		return errors.New("journal key: no file is named")
	}
	d, err := resolve(dir)
	if err != nil {
		return err
	}
	for _, path := range []string{filepath.Dir(keyFile), keyFile} {
		k, err := resolve(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(d, k)
		if err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return fmt.Errorf("journal key %s lies in the journal's directory %s: keep it elsewhere, such as /etc/fettle/journal.key", keyFile, dir)
		}
	}
	return nil
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
