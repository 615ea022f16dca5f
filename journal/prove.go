package journal

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Tree is the Merkle tree over a journal's records as it stands in its files,
// for proofs to somebody who has only a checkpoint. It is not verified: a proof
// that is made of changed lines does not fit the checkpoint's root.
type Tree struct {
	// levels[k][n] is the root of the complete subtree over the records from
	// n·2^k to (n+1)·2^k - 1. levels[0] are the leaves.
	levels [][]tlog.Hash
}

// ReadTree reads the journal in dir, from its lines and from the leaf hashes of
// those that went to an archive.
func ReadTree(dir string) (t *Tree, err error) {
	err = steady(func() error {
		t, err = readTree(dir)
		return err
	})
	return t, err
}

func readTree(dir string) (*Tree, error) {
	segments, err := segmentsIn(dir)
	if err != nil {
		return nil, err
	}
	t := &Tree{levels: make([][]tlog.Hash, 1)}
	for i, seg := range segments {
		next := end
		if i+1 < len(segments) {
			next = segments[i+1].first
		}
		found, err := checker{}.check(seg, next)
		if err != nil {
			return nil, err
		}
		if f := found.fault; f != nil && f.followed {
			return nil, f.damage()
		}
		t.levels[0] = append(t.levels[0], found.leaves...)
	}
	for k := 0; len(t.levels[k]) > 1; k++ {
		below := t.levels[k]
		level := make([]tlog.Hash, len(below)/2)
		for n := range level {
			level[n] = tlog.NodeHash(below[2*n], below[2*n+1])
		}
		t.levels = append(t.levels, level)
	}
	return t, nil
}

// Size is the number of records.
func (t *Tree) Size() uint64 { return uint64(len(t.levels[0])) }

// Root is the Merkle root over the first size records.
func (t *Tree) Root(size uint64) (tlog.Hash, error) {
	n, err := t.within(size)
	if err != nil {
		return tlog.Hash{}, err
	}
	return tlog.TreeHash(n, t)
}

// Leaf is the leaf hash of a record.
func (t *Tree) Leaf(seq uint64) (tlog.Hash, error) {
	if seq >= t.Size() {
		return tlog.Hash{}, fmt.Errorf("there is no record %d: the journal has %d", seq, t.Size())
	}
	return t.levels[0][seq], nil
}

// ProveRecord proves that the record seq is one of the first size records: for
// tlog.CheckRecord.
func (t *Tree) ProveRecord(seq, size uint64) (tlog.RecordProof, error) {
	n, err := t.within(size)
	if err != nil {
		return nil, err
	}
	if seq >= size {
		return nil, fmt.Errorf("record %d is none of the first %d", seq, size)
	}
	return tlog.ProveRecord(n, int64(seq), t) //nolint:gosec // below size
}

// ProveTree proves that the first old records are how the first size ones
// begin: for tlog.CheckTree.
func (t *Tree) ProveTree(old, size uint64) (tlog.TreeProof, error) {
	n, err := t.within(size)
	if err != nil {
		return nil, err
	}
	if old == 0 || old > size {
		return nil, fmt.Errorf("%d records cannot be how %d records begin", old, size)
	}
	return tlog.ProveTree(n, int64(old), t) //nolint:gosec // at most size
}

func (t *Tree) within(size uint64) (int64, error) {
	if size == 0 || size > t.Size() {
		return 0, fmt.Errorf("the journal has %d records, not %d", t.Size(), size)
	}
	return int64(size), nil //nolint:gosec // a length
}

// ReadHashes makes a Tree a tlog.HashReader.
func (t *Tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		if level >= len(t.levels) || n >= int64(len(t.levels[level])) {
			return nil, fmt.Errorf("no hash %d at level %d", n, level)
		}
		hashes[i] = t.levels[level][n]
	}
	return hashes, nil
}

// Checkpoint is what a signed checkpoint says.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   tlog.Hash
}

// KeyChain is the keys of a journal: each but the first is signed by the one
// before it.
type KeyChain struct{ keychain *keychain }

// ReadKeys reads the keys of the journal in dir and checks that they follow
// from the genesis record's key.
func ReadKeys(dir, verifierKey string) (k *KeyChain, err error) {
	err = steady(func() error {
		k, err = readKeys(dir, verifierKey)
		return err
	})
	return k, err
}

func readKeys(dir, verifierKey string) (*KeyChain, error) {
	segments, err := segmentsIn(dir)
	if err != nil {
		return nil, err
	}
	from, err := newestStart(segments)
	if err != nil {
		return nil, err
	}
	if from.identity.VerifierKey != verifierKey {
		return nil, fmt.Errorf("this is not the journal of the key %s: its genesis record names %s", verifierKey, from.identity.VerifierKey)
	}
	_, err = walk(segments[from.index:], func(r Record, at place) error {
		if r.Seq == segments[from.index].first {
			return nil // its keys are taken
		}
		return from.keys.follow(ownRecord{r, at})
	})
	return &KeyChain{from.keys}, err
}

// Open checks the signature of a checkpoint by the key that signs for its size.
func (k *KeyChain) Open(checkpoint []byte) (Checkpoint, error) {
	c, err := k.keychain.open(checkpoint)
	return Checkpoint{k.keychain.origin, c.size, c.root}, err
}

// Keys returns the public keys, the genesis record's first.
func (k *KeyChain) Keys() []string {
	var all []string
	for _, one := range k.keychain.keys {
		all = append(all, one.Key)
	}
	return all
}
