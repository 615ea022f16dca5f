package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fettle-io/fettle/internal/anchor"
	"github.com/fettle-io/fettle/journal"
)

// proof says that a record is in a journal, or that a journal goes on from what it
// was, to somebody who has its verifier key and nothing else. It is public: it
// changes by addition.
type proof struct {
	// Kind is record or growth.
	Kind string `json:"kind"`
	// Checkpoint is the signed note that the proof leads to, and Size and Root what
	// it says.
	Checkpoint string    `json:"checkpoint"`
	Size       uint64    `json:"size"`
	Root       tlog.Hash `json:"root"`
	// Keys are the journal's keys, each but the first with the note of the one
	// before it: a checkpoint is signed by the last one that began before it.
	Keys []proofKey `json:"keys"`

	// Of a record: its number, its line, and the hashes of RFC 6962's audit path.
	Seq    *uint64     `json:"seq,omitempty"`
	Record string      `json:"record,omitempty"`
	Path   []tlog.Hash `json:"path,omitempty"`

	// Of growth: the signed note of then, and RFC 6962's consistency proof.
	Old         string      `json:"old_checkpoint,omitempty"`
	OldSize     uint64      `json:"old_size,omitempty"`
	Consistency []tlog.Hash `json:"consistency,omitempty"`
}

// proofKey is a key of a journal.
type proofKey struct {
	From uint64 `json:"from"`
	Key  string `json:"key"`
	Note string `json:"note,omitempty"`
}

// check verifies a proof with the verifier key alone.
func (p proof) check(key string) error {
	keys, err := chain(p.Keys, key)
	if err != nil {
		return err
	}
	c, err := keys.open(p.Checkpoint)
	switch {
	case err != nil:
		return err
	case c.Size != p.Size || tlog.Hash(c.Root) != p.Root:
		return errors.New("the checkpoint does not say what the proof says of it")
	}
	size := int64(p.Size) //nolint:gosec // a checkpoint's size is below 2^63
	switch p.Kind {
	case "record":
		if p.Seq == nil || *p.Seq >= p.Size {
			return errors.New("the proof has no record that the checkpoint covers")
		}
		if err := tlog.CheckRecord(p.Path, size, p.Root, int64(*p.Seq), tlog.RecordHash([]byte(p.Record))); err != nil { //nolint:gosec // below size
			return fmt.Errorf("record %d: %w", *p.Seq, err)
		}
		return nil
	case "growth":
		old, err := keys.open(p.Old)
		if err != nil {
			return fmt.Errorf("the old checkpoint: %w", err)
		}
		if old.Size != p.OldSize {
			return errors.New("the old checkpoint does not say what the proof says of it")
		}
		return tlog.CheckTree(p.Consistency, size, p.Root, int64(old.Size), tlog.Hash(old.Root)) //nolint:gosec // below 2^63
	}
	return fmt.Errorf("a proof of kind %q is not known to this version", p.Kind)
}

// keyChain is the verifiers of a proof's keys, checked.
type keyChain struct {
	origin    string
	keys      []proofKey
	verifiers []note.Verifier
}

// chain checks that each key was signed by the one before it, from the trusted one
// on, which may be any of them.
func chain(keys []proofKey, trusted string) (*keyChain, error) {
	begin := slices.IndexFunc(keys, func(k proofKey) bool { return k.Key == trusted })
	if begin < 0 {
		return nil, errors.New("the proof is of a journal with another key")
	}
	c := &keyChain{keys: keys[begin:]}
	for i, k := range c.keys {
		v, err := note.NewVerifier(k.Key)
		if err != nil {
			return nil, fmt.Errorf("key of record %d: %w", k.From, err)
		}
		if i == 0 {
			c.origin = v.Name()
		} else {
			n, err := note.Open([]byte(k.Note), note.VerifierList(c.verifiers[i-1]))
			if err != nil || n.Text != fmt.Sprintf("%s\nfettle journal key\n%d\n%s\n", c.origin, k.From, k.Key) || v.Name() != c.origin || k.From <= c.keys[i-1].From {
				return nil, fmt.Errorf("the key of record %d is not signed by the one before it", k.From)
			}
		}
		c.verifiers = append(c.verifiers, v)
	}
	return c, nil
}

// open checks the signature of a checkpoint.
func (c *keyChain) open(text string) (anchor.Checkpoint, error) {
	says, err := anchor.Parse([]byte(text))
	if err != nil {
		return says, err
	}
	i := len(c.keys) - 1
	for i > 0 && c.keys[i].From >= says.Size {
		i--
	}
	n, err := note.Open([]byte(text), note.VerifierList(c.verifiers[i]))
	if err != nil || !strings.HasPrefix(n.Text, c.origin+"\n") {
		return says, fmt.Errorf("the checkpoint over %d records is not signed by the key of %s: %w", says.Size, c.origin, err)
	}
	return says, nil
}

// keysOf reads the keys of a journal, with the notes that connect them.
func keysOf(dir string) ([]proofKey, error) {
	begin, err := journal.First(dir)
	if err != nil {
		return nil, err
	}
	var keys []proofKey
	err = journal.Read(dir, begin, func(r journal.Record) error {
		var d struct {
			VerifierKey string     `json:"verifier_key"`
			Keys        []proofKey `json:"keys"`
			From        uint64     `json:"from"`
			New         string     `json:"new"`
			Note        string     `json:"note"`
		}
		switch r.Type {
		case "genesis", "journal.segment", "journal.key":
			if err := json.Unmarshal(r.Data, &d); err != nil {
				return fmt.Errorf("seq %d: %w", r.Seq, err)
			}
		}
		switch r.Type {
		case "genesis":
			keys = []proofKey{{Key: d.VerifierKey}}
		case "journal.segment":
			keys = d.Keys
		case "journal.key":
			keys = append(keys, proofKey{From: d.From, Key: d.New, Note: d.Note})
		}
		return nil
	})
	return keys, err
}
