// Package journal is fettle's audit log: what was received, decided and done,
// in one order that can be verified offline.
//
// A journal is a directory. Its segments (NNNNNNNNNNNN.jsonl, named by the
// sequence number of their first record) hold one CloudEvents 1.0 JSON object
// a line, append only. The raw lines are the leaves of an RFC 6962 Merkle
// tree, and a signed C2SP checkpoint says "N records, this root". Everything
// else in the directory is a side file: the newest checkpoint, the earlier
// ones, the marks (opened, recovered, segment-changed) and the lock.
//
// Init creates a journal, Open takes it for writing (one writer), Append makes
// a group of records durable with one fdatasync, Replay reads all of it back.
// Verify, Read and Follow need only the files and work beside a running
// writer.
//
// What may be found on the disk after a crash, and what Open does with it, is
// written down in DESIGN.md.
package journal
