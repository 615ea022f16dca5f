package journal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"
)

// The journal's own record types. A caller's draft may not have them.
const (
	genesis    = "genesis"         // the first record: Identity
	segmentNew = "journal.segment" // the first record of every later segment: opening
	keyChange  = "journal.key"     // a new signing key: keyChanged
)

func isOwn(recordType string) bool {
	return recordType == genesis || recordType == segmentNew || recordType == keyChange
}

// opening is the data of the record that opens a segment: all that is needed
// to go on from here without the lines before it.
type opening struct {
	// ID and Host are those of the genesis record.
	ID   string `json:"id"`
	Host string `json:"host"`
	// Size is how many records stand before this one: its own sequence number.
	Size uint64 `json:"size"`
	// Root is the Merkle root of those, in base64; Edge the roots of the
	// tree's complete subtrees, the largest first.
	Root tlog.Hash   `json:"root"`
	Edge []tlog.Hash `json:"edge"`
	// Carried is how many records of carried state follow in the same group.
	Carried uint64 `json:"carried"`
	// Keys are the keys so far, the one of the genesis record first.
	Keys []key `json:"keys"`
}

// parseOpening reads and checks the data of the record at seq.
func parseOpening(data []byte, seq uint64) (*opening, frontier, error) {
	o := new(opening)
	if err := json.Unmarshal(data, o); err != nil {
		return nil, frontier{}, fmt.Errorf("%s: %w", segmentNew, err)
	}
	tree := frontier{size: o.Size, roots: slices.Clone(o.Edge)}
	switch {
	case o.Size != seq:
		return nil, frontier{}, fmt.Errorf("%s: it says that %d records stand before it", segmentNew, o.Size)
	case !tree.whole():
		return nil, frontier{}, fmt.Errorf("%s: %d hashes are not the edge of a tree of %d records", segmentNew, len(o.Edge), o.Size)
	case tree.root() != o.Root:
		return nil, frontier{}, errors.New(segmentNew + ": its edge does not have its root")
	}
	return o, tree, nil
}

// identity is the journal's, as the genesis record has it.
func (o *opening) identity() Identity {
	id := Identity{ID: o.ID, Host: o.Host, Origin: origin(o.Host, o.ID)}
	if len(o.Keys) > 0 {
		id.VerifierKey = o.Keys[0].Key
	}
	return id
}
