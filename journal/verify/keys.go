package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// key signs checkpoints over more than From records, up to its successor's From.
type key struct {
	From uint64 `json:"from"` // the record that brought it
	Key  string `json:"key"`
	Note string `json:"note"` // by the key before it: text below
}

// addKey takes the first key, or the next one, which the one before it signed.
func (a *auditor) addKey(k key) error {
	v, err := note.NewVerifier(k.Key)
	if err != nil {
		return err
	}
	if i := len(a.keys) - 1; i >= 0 {
		n, err := note.Open([]byte(k.Note), note.VerifierList(a.verifiers[i]))
		if text := fmt.Sprintf("%s\nfettle journal key\n%d\n%s\n", a.Journal, k.From, k.Key); err != nil || n.Text != text || k.From <= a.keys[i].From || v.Name() != a.Journal {
			return errors.New("the key before it did not sign the new key")
		}
	}
	a.keys, a.verifiers = append(a.keys, k), append(a.verifiers, v)
	return nil
}

// opening is the data of the record that opens each segment but the first, so that
// it can be read without those before.
type opening struct {
	ID, Host string
	Size     uint64 // how many records stand before
	Root     string // over them
	Carried  uint64 // how many records are written at once with it
	Keys     []key  // so far
}

// own looks at the journal's own records; first: it is the first one of a segment.
func (a *auditor) own(r record, first bool) error {
	switch {
	case (r.Type == "io.fettle.genesis.v1") != (*r.Seq == 0), r.Type == "io.fettle.journal.segment.v1" && !first:
		return fmt.Errorf("a record of type %s does not belong here", r.Type)
	case *r.Seq == 0:
		var g struct {
			Journal, Host, Origin string
			Key                   string `json:"verifier_key"`
		}
		if err := json.Unmarshal(r.Data, &g); err != nil || g.Key != a.keys[0].Key || g.Origin != a.Journal || g.Origin != g.Host+"/fettle/"+g.Journal {
			return errors.New("the journal is not that of the given key")
		}
	case r.Type == "io.fettle.journal.segment.v1":
		var o opening
		if err := json.Unmarshal(r.Data, &o); err != nil || len(o.Keys) == 0 || o.Keys[0] != a.keys[0] {
			return errors.New("the journal is not that of the given key")
		}
		if o.Host+"/fettle/"+o.ID != a.Journal || o.Size != a.tree.size || o.Root != a.tree.root().String() {
			return errors.New("the opening of the segment does not follow from what stands before it")
		}
		if len(o.Keys) < len(a.keys) || !slices.Equal(o.Keys[:len(a.keys)], a.keys) {
			return errors.New("the keys in the opening of the segment are not those before it")
		}
		for _, k := range o.Keys[len(a.keys):] { // their records are in the archive
			if err := a.addKey(k); err != nil {
				return err
			}
		}
		o.Carried++ // and itself
		a.opening = o
	case r.Type == "io.fettle.journal.key.v1":
		var d struct {
			From           uint64
			Old, New, Note string
		}
		if err := json.Unmarshal(r.Data, &d); err != nil || d.From != *r.Seq || d.Old != a.keys[len(a.keys)-1].Key {
			return errors.New("the new key does not follow from the one before it")
		}
		return a.addKey(key{d.From, d.New, d.Note})
	}
	return nil
}

// checkpoint is what one says, and where it was found.
type checkpoint struct {
	text, file string
	size       uint64
	root       tlog.Hash
	kept       bool // elsewhere: an anchor
}

// checkpoints finds those in a file: one as it is, or one a line, as a JSON string
// behind `"checkpoint":` (a file of them) or `checkpoint ` (a log of syslog). They
// are unchecked: which keys there are, the lines tell.
func (a *auditor) checkpoints(file string) (all []checkpoint, err error) {
	b, err := os.ReadFile(file)
	text, found := string(b), []string{string(b)}
	for line := range strings.Lines(text) {
		for _, mark := range []string{`"checkpoint":"`, `checkpoint "`} {
			if _, rest, ok := strings.Cut(line, mark); ok {
				var s string
				_ = json.NewDecoder(strings.NewReader(`"` + rest)).Decode(&s)
				found = append(found, s) // nothing, if it was torn
			}
		}
	}
	for _, s := range found {
		c, lines := checkpoint{text: s, file: file}, strings.Split(s+"\n\n\n", "\n")
		c.size, _ = strconv.ParseUint(lines[1], 10, 63)
		if c.root, _ = tlog.ParseHash(lines[2]); c.size > 0 {
			all, a.roots[c.size] = append(all, c), tlog.Hash{}
		}
	}
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s has no checkpoint: %w", file, os.ErrNotExist)
	}
	return all, err
}

// signed checks that the key of its time signed a checkpoint.
func (a *auditor) signed(c checkpoint) error {
	i := len(a.keys) - 1
	for i > 0 && a.keys[i].From >= c.size {
		i--
	}
	n, err := note.Open([]byte(c.text), note.VerifierList(a.verifiers[i]))
	if err != nil || !strings.HasPrefix(n.Text, fmt.Sprintf("%s\n%d\n%s\n", a.Journal, c.size, c.root)) {
		return fmt.Errorf("the checkpoint in %s over %d records is not signed by the key of its time: %w", c.file, c.size, err)
	}
	return nil
}
