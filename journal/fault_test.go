package journal_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/fettle-io/fettle/journal"
)

// fakeFault is a segment on a disk that fails once. What it reports and what
// it did are two things: after a failed sync nobody knows.
type fakeFault struct {
	journal.File
	after   int     // so many groups are written well
	written float64 // the share of the failing group that reaches the file
	inWrite bool    // the write says so, otherwise the sync
	err     error
}

func (f *fakeFault) Write(b []byte) (int, error) {
	f.after--
	if f.after >= 0 {
		return f.File.Write(b)
	}
	n, err := f.File.Write(b[:int(float64(len(b))*f.written)])
	if err == nil && f.inWrite {
		return n, f.err
	}
	return len(b), err
}

func (f *fakeFault) Sync() error {
	if f.after < 0 && !f.inWrite {
		return f.err
	}
	return f.File.Sync()
}

func TestFailureIsFinal(t *testing.T) {
	tests := []struct {
		name  string
		fault fakeFault
		// kept is how many records of the failing group of three are found.
		kept int
	}{
		{"sync failed, not written", fakeFault{written: 0, err: syscall.EIO}, 0},
		{"sync failed, written", fakeFault{written: 1, err: syscall.EIO}, 3},
		{"sync failed, half written", fakeFault{written: 0.5, err: syscall.EIO}, 1},
		{"disk full", fakeFault{written: 0.5, inWrite: true, err: syscall.ENOSPC}, 1},
		{"disk full at once", fakeFault{written: 0, inWrite: true, err: syscall.ENOSPC}, 0},
		{"write failed, written", fakeFault{written: 1, inWrite: true, err: syscall.EIO}, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			o := f.options()
			o.WrapFile = func(file journal.File) journal.File {
				fault := tt.fault
				fault.File, fault.after = file, 2
				return &fault
			}
			j, err := journal.Open(f.dir, f.key, o)
			if err != nil {
				t.Fatal(err)
			}
			add(t, j, 2)
			add(t, j, 1)
			for i := range 3 {
				_, err := j.Append([]journal.Draft{draft(4), draft(5), draft(6)})
				if !errors.Is(err, journal.ErrFailed) || !errors.Is(err, tt.fault.err) {
					t.Fatalf("append %d: %v, want ErrFailed and the cause", i, err)
				}
				for _, err := range []error{j.Checkpoint(), j.MaybeCheckpoint(f.clock.now())} {
					if !errors.Is(err, journal.ErrFailed) {
						t.Fatalf("checkpoint: %v, want ErrFailed", err)
					}
				}
			}
			if j.Size() != 4 || j.Checkpointed() != 1 {
				t.Errorf("size %d, checkpointed %d, want 4 and 1", j.Size(), j.Checkpointed())
			}
			acknowledged := lines(t, j)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			found := reopen(f)
			if len(found) != 4+tt.kept || !isPrefix(acknowledged, found) {
				t.Errorf("%d lines, want the 4 acknowledged and %d", len(found), tt.kept)
			}
		})
	}
}
