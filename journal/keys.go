package journal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
)

// key is one of the keys that sign a journal's checkpoints, one after the
// other. It signs those of more than From records, up to its successor's From.
type key struct {
	// From is the record that brought it: the genesis record, or a
	// journal.key record.
	From uint64 `json:"from"`
	// Key is the public key, in the text form of golang.org/x/mod/sumdb/note.
	Key string `json:"key"`
	// Note is the key before it saying so: a signed note over keyText. The
	// first key has none.
	Note string `json:"note,omitzero"`
}

// keyChanged is the data of a journal.key record.
type keyChanged struct {
	From uint64 `json:"from"`
	Old  string `json:"old"`
	New  string `json:"new"`
	Note string `json:"note"`
}

// keyText is what the old key signs. Its second line is no number, as a
// checkpoint's is: neither can be taken for the other.
func keyText(origin string, from uint64, verifierKey string) string {
	return fmt.Sprintf("%s\nfettle journal key\n%d\n%s\n", origin, from, verifierKey)
}

// keychain is all keys of a journal, the one of the genesis record first. Each
// but the first is signed by the one before it.
type keychain struct {
	origin    string
	keys      []key
	verifiers []note.Verifier
}

// newKeychain begins with the key of the genesis record.
func newKeychain(id Identity) (*keychain, error) {
	v, err := note.NewVerifier(id.VerifierKey)
	if err != nil {
		return nil, fmt.Errorf("verifier key: %w", err)
	}
	if v.Name() != id.Origin {
		return nil, fmt.Errorf("the verifier key is one of %s, not of %s", v.Name(), id.Origin)
	}
	return &keychain{id.Origin, []key{{Key: id.VerifierKey}}, []note.Verifier{v}}, nil
}

// add checks the next key and takes it.
func (c *keychain) add(k key) error {
	if last := c.keys[len(c.keys)-1]; k.From <= last.From {
		return fmt.Errorf("the key of record %d follows the one of record %d", k.From, last.From)
	}
	v, err := note.NewVerifier(k.Key)
	if err != nil {
		return fmt.Errorf("new verifier key: %w", err)
	}
	if v.Name() != c.origin {
		return fmt.Errorf("the new verifier key is one of %s, not of %s", v.Name(), c.origin)
	}
	n, err := note.Open([]byte(k.Note), note.VerifierList(c.newest()))
	if err != nil {
		return fmt.Errorf("the key before it did not sign it: %w", err)
	}
	if n.Text != keyText(c.origin, k.From, k.Key) {
		return errors.New("what the key before it signed is something else")
	}
	c.keys, c.verifiers = append(c.keys, k), append(c.verifiers, v)
	return nil
}

// change takes the key of a journal.key record at seq.
func (c *keychain) change(data []byte, seq uint64) error {
	var d keyChanged
	if err := json.Unmarshal(data, &d); err != nil {
		return fmt.Errorf("%s: %w", keyChange, err)
	}
	if d.From != seq || d.Old != c.keys[len(c.keys)-1].Key {
		return errors.New(keyChange + ": it does not follow from the key before it")
	}
	if err := c.add(key{From: d.From, Key: d.New, Note: d.Note}); err != nil {
		return fmt.Errorf("%s: %w", keyChange, err)
	}
	return nil
}

// newest is the key that signs now.
func (c *keychain) newest() note.Verifier { return c.verifiers[len(c.verifiers)-1] }

// signs is the key that has to sign a checkpoint of so many records.
func (c *keychain) signs(size uint64) note.Verifier {
	i := len(c.keys) - 1
	for i > 0 && c.keys[i].From >= size {
		i--
	}
	return c.verifiers[i]
}

// carried takes the keys of an opening, all of which are checked anew.
func (c *keychain) carried(keys []key) error {
	if len(keys) == 0 || keys[0] != c.keys[0] {
		return errors.New(segmentNew + ": its first key is not that of the genesis record")
	}
	if len(keys) < len(c.keys) || !slices.Equal(keys[:len(c.keys)], c.keys) {
		return errors.New(segmentNew + ": its keys are not those of the records before it")
	}
	for _, k := range keys[len(c.keys):] {
		if err := c.add(k); err != nil {
			return fmt.Errorf("%s: %w", segmentNew, err)
		}
	}
	return nil
}

func (c *keychain) clone() *keychain {
	return &keychain{c.origin, slices.Clone(c.keys), slices.Clone(c.verifiers)}
}

// follow takes the keys of one of the journal's own records.
func (c *keychain) follow(r ownRecord) error {
	var err error
	switch r.Type {
	case keyChange:
		err = c.change(r.Data, r.Seq)
	case segmentNew:
		var o *opening
		if o, _, err = parseOpening(r.Data, r.Seq); err == nil {
			err = c.carried(o.Keys)
		}
	}
	if err != nil {
		return (&fault{place: r.place, reason: err.Error()}).damage()
	}
	return nil
}
