package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
)

// Rekey changes the key that signs. It makes a new one from random in
// newKeyFile (mode 0600), has the old one sign it in a record, and signs a
// checkpoint with it; it returns the new public key. The journal must not be in
// use. If it is interrupted, the same call again goes on where it was; Open
// says which of the two files it wants. The key of the genesis record stays the
// one with which the journal is verified.
func Rekey(dir, oldKeyFile, newKeyFile string, o Options, random io.Reader) (string, error) {
	verifierKey, err := rekey(dir, oldKeyFile, newKeyFile, o, random)
	if err != nil {
		return "", fmt.Errorf("change the key of the journal in %s: %w", dir, err)
	}
	return verifierKey, nil
}

func rekey(dir, oldKeyFile, newKeyFile string, o Options, random io.Reader) (string, error) {
	if err := apart(dir, newKeyFile); err != nil {
		return "", err
	}
	j, err := Open(dir, oldKeyFile, o)
	if replaced := (*replacedError)(nil); errors.As(err, &replaced) {
		// The record of an interrupted call is there: with the new key, Open
		// does the rest.
		if j, err = Open(dir, newKeyFile, o); err == nil {
			return j.VerifierKey(), j.Close()
		}
	}
	if err != nil {
		return "", err
	}
	changed, err := j.newKey(newKeyFile, random)
	if err == nil {
		err = j.changeKey(changed, newKeyFile)
	}
	return changed.New, errors.Join(err, j.Close())
}

// newKey makes the new key file, or takes the one that an interrupted call left.
func (j *Journal) newKey(keyFile string, random io.Reader) (keyChanged, error) {
	private, public, err := note.GenerateKey(random, j.identity.Origin)
	if err != nil {
		return keyChanged{}, err
	}
	switch err = j.createKey(keyFile, private); {
	case errors.Is(err, fs.ErrExist):
		if public, err = j.leftKey(keyFile); err != nil {
			return keyChanged{}, err
		}
	case err != nil:
		return keyChanged{}, err
	}
	c := keyChanged{From: j.Size(), Old: j.VerifierKey(), New: public}
	if c.Old == c.New {
		return keyChanged{}, fmt.Errorf("%s is the key that signs already", keyFile)
	}
	signed, err := note.Sign(&note.Note{Text: keyText(j.identity.Origin, c.From, c.New)}, j.signer)
	c.Note = string(signed)
	return c, err
}

func (j *Journal) createKey(keyFile, private string) error {
	if err := j.options.disk.MkdirAll(filepath.Dir(keyFile), 0o700); err != nil {
		return err
	}
	if _, err := os.Lstat(keyFile); err == nil {
		return fs.ErrExist
	}
	return j.options.disk.WriteFile(keyFile, []byte(private+"\n"), 0o600)
}

// leftKey reads the public key of a key file that is there already. It must
// have been made for this journal.
func (j *Journal) leftKey(keyFile string) (string, error) {
	s, err := readKey(j.dir, keyFile)
	if err != nil {
		return "", err
	}
	if s.Name() != j.identity.Origin {
		return "", fmt.Errorf("%s is there already, and is a key of %s", keyFile, s.Name())
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return "", fmt.Errorf("journal key: %w", err)
	}
	return publicKey(strings.TrimSpace(string(text)))
}

// changeKey writes the record and signs with the new key.
func (j *Journal) changeKey(c keyChanged, keyFile string) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	signer, err := readKey(j.dir, keyFile)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	records, err := j.append([]Draft{{Type: keyChange, Subject: "journal/" + j.identity.ID, Critical: true, Data: data}})
	if err != nil {
		return err
	}
	if err := j.keys.change(records[0].Data, records[0].Seq); err != nil {
		return err
	}
	j.signer = signer
	return j.checkpoint(j.options.Now())
}
