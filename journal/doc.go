// Package journal is fettle's audit log: what was received, decided and done,
// in one order that can be verified offline.
//
// A journal is a directory. Its segments (NNNNNNNNNNNN.jsonl, named by the
// sequence number of their first record) hold one CloudEvents 1.0 JSON object
// a line, append only. Each but the first opens with a record that has all that
// is needed to go on from there: keys, the tree's edge, and the caller's carried
// state behind it. The raw lines are the leaves of an RFC 6962 Merkle
// tree, and a signed C2SP checkpoint says "N records, this root". Everything
// else in the directory is a side file: the newest checkpoint, the earlier
// ones, the marks (opened, recovered, segment-changed, archived), the lock, and
// the leaf hashes (NNNNNNNNNNNN.leaves) of segments that went to an archive.
//
// Init creates a journal, Open takes it for writing (one writer) and tells what
// the newest segment holds, Append makes a group of records durable with one
// fdatasync, Rotate begins the next segment, Archive moves old ones away, Rekey
// changes the key. Verify, Scrub, Read, Follow and ReadTree (for proofs) need
// only the files and work beside a running writer.
//
// What may be found on the disk after a crash, and what Open does with it, is
// written down in DESIGN.md.
package journal
