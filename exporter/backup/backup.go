// Package backup looks at what is there of a backup: copies in a directory, or the report
// that whoever makes the backup writes when it came to its end. It runs nothing, and reads
// nothing of what a copy holds.
//
// source.go says where a backup is looked for, copies.go lists a directory, report.go reads
// a report.
package backup

import "time"

// State is what is there of a backup. What is not known is zero or nil.
type State struct {
	// Newest and Oldest are when copies were written, and Verified when a restore was last
	// shown to work.
	Newest, Oldest, Verified time.Time
	// Size and Previous are how large the newest backup is, and the one before it.
	Size, Previous *int64
	// Listed tells that Copies are counted: a report tells of none. Empty are those that
	// have too little in them to be one.
	Listed        bool
	Copies, Empty int
}

// Source says where a backup is looked for: in Dir, or in Report.
type Source struct {
	// Dir is a directory, each entry of which that matches Files is a copy: a file, or a
	// directory with all that it holds.
	Dir, Files string
	// MinSize is the least that a copy has, and Settle how long it has not changed: what
	// is still being written is no backup.
	MinSize int64
	Settle  time.Duration
	// Report is a file with a line for each of finished, size_bytes and verified.
	Report string
	// Verified is a file that is touched when a restore was shown to work.
	Verified string
}

// Read looks at the backup as it is now.
func (s Source) Read(now time.Time) (State, error) {
	var state State
	var err error
	if s.Report != "" {
		state, err = readReport(s.Report, now)
	} else {
		state, err = s.list(now)
	}
	if err == nil && s.Verified != "" {
		state.Verified, err = touched(s.Verified, now)
	}
	if err != nil {
		return State{}, err
	}
	return state, nil
}
