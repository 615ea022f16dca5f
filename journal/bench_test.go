package journal_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/durable"
	"github.com/fettle-io/fettle/journal"
)

// sixHundred makes drafts whose lines have about 600 bytes.
func sixHundred(count int) []journal.Draft {
	drafts := make([]journal.Draft, count)
	for i := range drafts {
		drafts[i] = draft(i)
		drafts[i].ID = "0199a000-0000-7000-8000-000000000000"
		drafts[i].Encoded = true
		drafts[i].Data = []byte(`{"x":"` + strings.Repeat("a", 240) + `"}`)
	}
	return drafts
}

// waiters is how many wait for a record of theirs to be on the disk.
const waiters = 64

// committer gathers what waiters hand in, has it written as one group, and
// tells them. It is the same on both sides of BenchmarkGroupCommit.
func committer[T any](in <-chan handed[T], commit func([]T) error) error {
	group, told := make([]T, 0, waiters), make([]chan<- struct{}, 0, waiters)
	for first := range in {
		group, told = append(group[:0], first.what), append(told[:0], first.done)
		for more := true; more && len(group) < waiters; {
			select {
			case h, ok := <-in:
				if more = ok; ok {
					group, told = append(group, h.what), append(told, h.done)
				}
			default:
				more = false
			}
		}
		if err := commit(group); err != nil {
			return err
		}
		for _, done := range told {
			done <- struct{}{}
		}
	}
	return nil
}

type handed[T any] struct {
	what T
	done chan<- struct{}
}

// commitFor has the waiters hand in again and again, and returns how long it
// took until all of it was durable.
func commitFor[T any](b *testing.B, records int, what func(n int) T, commit func([]T) error) time.Duration {
	in := make(chan handed[T], waiters)
	ended := make(chan error, 1)
	begin := time.Now()
	go func() { ended <- committer(in, commit) }()
	waited := make(chan struct{})
	for w := range waiters {
		go func() {
			done := make(chan struct{}, 1)
			for range records / waiters {
				in <- handed[T]{what(w), done}
				<-done
			}
			waited <- struct{}{}
		}()
	}
	for range waiters {
		<-waited
	}
	took := time.Since(begin)
	close(in)
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	return took
}

// BenchmarkGroupCommit compares the journal with what the disk can do: the same
// bytes, with one write and one fdatasync for what has gathered. On both sides
// 64 waiters hand in records of about 600 bytes. The median of five rounds
// counts. In a round both sides take turns, so that what else the disk has to do
// is in both.
func BenchmarkGroupCommit(b *testing.B) {
	const records, turns, rounds, limit = waiters * 50, 24, 5, 0.8
	drafts := sixHundred(waiters)
	f := newFixture(b)
	o := f.options()
	o.Ahead = 0 // as in earnest
	j, err := journal.Open(f.dir, f.key, o)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	if _, err := j.Append(drafts[:1]); err != nil {
		b.Fatal(err)
	}
	all := lines(b, j)
	line := []byte(all[len(all)-1] + "\n")
	raw, err := os.OpenFile(filepath.Join(b.TempDir(), "raw"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	buffer := make([]byte, 0, waiters*len(line))
	var ours, disk []float64
	for b.Loop() {
		for range rounds {
			var mine, theirs time.Duration
			for range turns {
				theirs += commitFor(b, records, func(int) []byte { return line }, func(group [][]byte) error {
					buffer = buffer[:0]
					for _, l := range group {
						buffer = append(buffer, l...)
					}
					if _, err := raw.Write(buffer); err != nil {
						return err
					}
					return durable.Datasync(raw)
				})
				mine += commitFor(b, records, func(n int) journal.Draft { return drafts[n] }, func(group []journal.Draft) error {
					_, err := j.Append(group)
					return err
				})
			}
			disk = append(disk, records*turns/theirs.Seconds())
			ours = append(ours, records*turns/mine.Seconds())
		}
	}
	median := func(all []float64) float64 {
		slices.Sort(all)
		return all[len(all)/2]
	}
	ratio := median(ours) / median(disk)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ours), "journal-records/s")
	b.ReportMetric(median(disk), "raw-records/s")
	b.ReportMetric(100*ratio, "%-of-raw")
	if ratio < limit {
		b.Errorf("the journal commits %.0f %% of what raw group commit does (%.0f of %.0f records/s), want %.0f %%", 100*ratio, median(ours), median(disk), 100*limit)
	}
}

// BenchmarkMillion opens and verifies a journal of a million records in ten
// segments.
func BenchmarkMillion(b *testing.B) {
	f := newFixture(b)
	o := f.options()
	o.Ahead = -1
	j, err := journal.Open(f.dir, f.key, o)
	if err != nil {
		b.Fatal(err)
	}
	drafts := sixHundred(1000)
	for n := range 1000 {
		if _, err := j.Append(drafts); err != nil {
			b.Fatal(err)
		}
		if n%101 == 100 {
			rotate(b, j, 100)
		}
	}
	shut(b, j)
	b.Run("open", func(b *testing.B) {
		count := 0
		for b.Loop() {
			count = 0
			o := f.options()
			o.Each = func(journal.Record) error { count++; return nil }
			j, err := journal.Open(f.dir, f.key, o)
			if err != nil {
				b.Fatal(err)
			}
			shut(b, j)
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(count), "µs/record")
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			f.verify()
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if err := journal.Read(f.dir, 0, func(journal.Record) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
	})
}
