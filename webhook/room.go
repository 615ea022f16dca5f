package webhook

import "sync/atomic"

const (
	// memoryRoom is how much memory all messages that are held in memory may take
	// at once, in bytes. One for which there is no room is read from a file.
	memoryRoom = 64 << 20
	// decoded is how many times its body's length a message takes in memory at
	// most, its alerts included, which are held until the sink has taken them.
	decoded = 8
	// fromFiles is how many messages are read from files at once: each takes
	// memory for its longest alert, and reading is bound by the processor.
	fromFiles = 4
)

// room is memory that is shared by all messages.
type room struct{ left atomic.Int64 }

func newRoom(size int64) *room {
	r := &room{}
	r.left.Store(size)
	return r
}

// take reserves room for the messages of bodies of n bytes. It never waits.
func (r *room) take(n int) bool {
	if r.left.Add(-decoded*int64(n)) >= 0 {
		return true
	}
	r.give(n)
	return false
}

func (r *room) give(n int) { r.left.Add(decoded * int64(n)) }
