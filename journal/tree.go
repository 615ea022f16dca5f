package journal

import (
	"crypto/sha256"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// frontier is the right edge of a growing RFC 6962 tree: the roots of its
// complete subtrees, the largest first. It is all that is needed to go on and
// to know the root; the hashes below can be had from the lines at any time.
type frontier struct {
	size  uint64
	roots []tlog.Hash
}

// leafHash is the RFC 6962 leaf of a raw line.
func leafHash(line []byte) tlog.Hash { return tlog.RecordHash(line) }

func (f *frontier) clone() frontier { return frontier{f.size, slices.Clone(f.roots)} }

// whole says whether there are as many roots as a tree of this size has.
func (f *frontier) whole() bool { return len(f.roots) == bits.OnesCount64(f.size) }

// add puts the leaf of one raw line into the tree.
func (f *frontier) add(line []byte) { f.addLeaf(leafHash(line)) }

// addLeaf puts a leaf into the tree.
func (f *frontier) addLeaf(h tlog.Hash) {
	for n := f.size; n&1 == 1; n >>= 1 {
		last := len(f.roots) - 1
		h = tlog.NodeHash(f.roots[last], h)
		f.roots = f.roots[:last]
	}
	f.roots = append(f.roots, h)
	f.size++
}

// root is the Merkle tree hash of all leaves.
func (f *frontier) root() tlog.Hash {
	if f.size == 0 {
		return sha256.Sum256(nil)
	}
	last := len(f.roots) - 1
	h := f.roots[last]
	for i := last - 1; i >= 0; i-- {
		h = tlog.NodeHash(f.roots[i], h)
	}
	return h
}
