// Package tree walks a file tree a little at a time, and says of it what can be compared
// with a copy: how many files and bytes, the newest change, and two digests. One is over
// the names and sizes of all files that have come to rest, the other over the content of
// a sample of them.
//
// walker.go goes through the directories, sample.go chooses and reads the sample,
// compare.go holds a copy against its source. A walk never follows a symbolic link, never
// leaves the file system that it began in, opens no pipe, and has a limit in everything.
//
// What two walks say is comparable where their cutoff is the same: a file counts as at
// rest if it was last changed before the cutoff, and the cutoff is the same for all who
// begin a walk within the same interval, on whatever machine, whose clocks agree.
package tree

import "time"

// Limits of a walk.
const (
	// MaxFiles is how many files are counted; of more nothing is compared.
	MaxFiles = 5_000_000
	// maxPending is how many directories may wait to be read.
	maxPending = 200_000
	// maxDepth is how deep directories may lie.
	maxDepth = 100
	// batch is how many entries of a directory are read at a time.
	batch = 256
	// sampleFiles is how many files are read whole, and sampleBytes how much of each:
	// of a larger one half of that from its begin and from its end.
	sampleFiles = 100
	sampleBytes = 1 << 20
	// ahead is how far in the future a change may be: a file of the year 2099 would hide
	// every later one.
	ahead = time.Hour
)

// Options say how a tree is walked.
type Options struct {
	// Every is how often a walk begins, on the grid of the clock.
	Every time.Duration
	// Settle is how long a file must not have changed to be compared.
	Settle time.Duration
	// Now is the clock.
	Now func() time.Time
}

// cutoff is the time before which a file must have changed last, for walks that begin at now.
func (o Options) cutoff(now time.Time) time.Time { return now.Truncate(o.Every).Add(-o.Settle) }

// Result is what one whole walk saw.
type Result struct {
	Begin, End time.Time
	Cutoff     time.Time
	// Files and Bytes are all of the tree's regular files; Newest is their newest change
	// that is not in the future, and zero without one.
	Files  int64
	Bytes  int64
	Newest time.Time
	// SettledFiles and SettledBytes are those that changed last before the cutoff.
	SettledFiles int64
	SettledBytes int64
	// Names is the digest of their names and sizes.
	Names uint64
	// SampleFiles are how many were read, and Sample is the digest of their names and content.
	SampleFiles int
	Sample      uint64
	// Unread counts the files and directories that could not be read, and LeftOut those
	// beyond a limit: then the digests say nothing.
	Unread  int64
	LeftOut int64
	// SampleUnread are those of the sample that may not be read, and SampleChanged those
	// that changed meanwhile.
	SampleUnread, SampleChanged int
}

// Whole tells that everything was seen, so that Names can be compared.
func (r Result) Whole() bool { return r.Unread == 0 && r.LeftOut == 0 }

// Sampled tells that Sample can be compared.
func (r Result) Sampled() bool { return r.Whole() && r.SampleUnread+r.SampleChanged == 0 }
