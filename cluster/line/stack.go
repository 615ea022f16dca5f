package line

import "runtime"

// stack is what a client library needs of one, about.
const stack = 3 << 10

// Deepen grows the stack of a goroutine that is about to put a question, once. From the
// 2 KiB that a new one has it would be doubled and copied again and again, each time with
// more frames on it: a twentieth of what it costs to ask many members.
//
//go:noinline
func Deepen() {
	var room [stack]byte
	runtime.KeepAlive(&room)
}
