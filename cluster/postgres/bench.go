//go:build bench

package postgres

import "time"

// Asked is what one look asks a server of a major version over a connection that is
// open, for who measures what it costs to ask: what begins the transaction, the question,
// which is prepared, and what ends it.
func Asked(major int) []string {
	q := questionFor(major, time.Second)
	return []string{q.begin, q.text, commit}
}
