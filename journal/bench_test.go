package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/durable"
	"github.com/fettle-io/fettle/journal"
)

// sixHundred makes drafts whose lines have about 600 bytes.
func sixHundred(count int) []journal.Draft {
	drafts := make([]journal.Draft, count)
	for i := range drafts {
		drafts[i] = draft(i)
		drafts[i].Data = []byte(`{"x":"` + strings.Repeat("a", 240) + `"}`)
	}
	return drafts
}

// BenchmarkAppend64 appends groups of 64 records; its raw part writes the same
// bytes with one write and one fdatasync, which is what the disk can do.
func BenchmarkAppend64(b *testing.B) {
	drafts := sixHundred(64)
	b.Run("journal", func(b *testing.B) {
		j := newFixture(b).open()
		var size int64
		for b.Loop() {
			before := j.Bytes()
			if _, err := j.Append(drafts); err != nil {
				b.Fatal(err)
			}
			size = j.Bytes() - before
		}
		b.SetBytes(size)
	})
	b.Run("raw", func(b *testing.B) {
		f := newFixture(b)
		j := f.open()
		before := len(f.read(f.segment()))
		if _, err := j.Append(drafts); err != nil {
			b.Fatal(err)
		}
		group := f.read(f.segment())[before:]
		file, err := os.Create(filepath.Join(b.TempDir(), "raw"))
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		b.SetBytes(int64(len(group)))
		for b.Loop() {
			if _, err := file.Write(group); err != nil {
				b.Fatal(err)
			}
			if err := durable.Datasync(file); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStart opens a journal of 100,000 records and replays it.
func BenchmarkStart(b *testing.B) {
	f := newFixture(b)
	j := f.open()
	drafts := sixHundred(1000)
	for range 100 {
		if _, err := j.Append(drafts); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(j.Bytes())
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			j, err := journal.Open(f.dir, f.key, f.options())
			if err != nil {
				b.Fatal(err)
			}
			if err := j.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("replay", func(b *testing.B) {
		j := f.open()
		for b.Loop() {
			if err := j.Replay(func(journal.Record) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			f.verify()
		}
	})
}
