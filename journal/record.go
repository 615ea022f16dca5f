package journal

import "time"

// Reading is one reading of the clocks. Durations are counted on Since, within
// one Boot; Wall is for windows and for people.
type Reading struct {
	// Wall is the time of day. It is written in UTC, to the nanosecond.
	Wall time.Time
	// Boot is the kernel's boot id, empty where there is none.
	Boot string
	// Since is the time since boot, suspend included (CLOCK_BOOTTIME).
	Since time.Duration
}

// Draft is a record before it has its place.
type Draft struct {
	// Type is the record's type without prefix and version: "received",
	// "run.planned". In the line it is "io.fettle.run.planned.v1". A later
	// version of a type is a type of its own: "run.planned.v2".
	Type string
	// Subject says what the record is about, such as "run/0199…"; it may be
	// empty.
	Subject string
	// Critical marks a record that must be understood: a program that does
	// not know its type refuses to open the journal.
	Critical bool
	// At is when it happened. Left zero, Append reads the clock.
	At Reading
	// ID is the record's UUIDv7. Left empty, Append makes one.
	ID string
	// Data is one JSON object on one line. Nil stands for {}.
	Data []byte
	// Encoded says that a JSON encoder made Data, of one object, without white
	// space and with no key twice: Append does not check it once more. Data that
	// is something else would make the journal one that Open refuses.
	Encoded bool
}

// Record is one line of the journal.
type Record struct {
	// Seq is its place: 0 is the genesis record, and there are no gaps.
	Seq uint64
	Draft
	// Line is the raw line without its newline: the Merkle leaf.
	//
	// In a callback (Each, Replay, Read, Follow) Line and Data are valid until
	// it returns; clone what is kept. Append and Rotate leave Line empty, and
	// Data as it was in the draft.
	Line []byte
}

// MaxLine is the longest line that Append takes, in bytes without the newline.
const MaxLine = 1 << 20
