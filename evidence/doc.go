// Package evidence keeps what would otherwise be lost: what a command printed
// when it failed.
//
// A Store is a directory beside the journal. What is put there becomes a blob: a
// file named by the SHA-256 of its content, capped, and without secrets, which a
// Redactor takes out before anything is written. The record in the journal names
// the blob by its digest and has an excerpt. So a blob can be removed later, by
// rule or by need, and the journal still verifies; and one that was changed does
// not fit its name.
package evidence
