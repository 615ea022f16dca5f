package tree

import (
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// sample are the files with the smallest hashes of their names: the same ones on every
// machine that has the same files.
type sample struct{ files chosen }

// choice is one file of the sample.
type choice struct {
	hash  uint64
	path  string
	size  int64
	mtime time.Time
}

// offer takes a file into the sample, in place of the one with the largest hash.
func (s *sample) offer(path string, info fs.FileInfo) {
	sum := sha256.Sum256([]byte(path))
	c := choice{binary.BigEndian.Uint64(sum[:8]), path, info.Size(), info.ModTime()}
	switch {
	case len(s.files) < sampleFiles:
		heap.Push(&s.files, c)
	case c.hash < s.files[0].hash:
		s.files[0] = c
		heap.Fix(&s.files, 0)
	}
}

// left tells that there is a file still to be read.
func (s *sample) left() bool { return len(s.files) > 0 }

// next reads one file. With one that may not be read, or is not any more as it was found,
// this walk has no sample.
func (s *sample) next(w *walk) {
	c := heap.Pop(&s.files).(choice) //nolint:forcetypeassert,errcheck // only those are in it
	content, err := c.digest(w.root)
	switch {
	case errors.Is(err, errChanged) || errors.Is(err, fs.ErrNotExist):
		w.SampleChanged++
	case err != nil:
		w.SampleUnread++
	default:
		w.SampleFiles++
		w.Sample += content
	}
}

var errChanged = errors.New("it changed")

func (c choice) digest(root *os.Root) (uint64, error) {
	f, err := root.OpenFile(c.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	if err := c.same(f); err != nil {
		return 0, err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %s\x00", c.size, c.path)
	n := min(c.size, sampleBytes)
	if c.size > sampleBytes {
		if _, err := io.Copy(sum, io.NewSectionReader(f, 0, sampleBytes/2)); err != nil {
			return 0, err
		}
		n = sampleBytes / 2
	}
	if _, err := io.Copy(sum, io.NewSectionReader(f, c.size-n, n)); err != nil {
		return 0, err
	}
	if err := c.same(f); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(sum.Sum(nil)), nil
}

// same tells that a file is the one that was found, and as it was then.
func (c choice) same(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() != c.size || !info.ModTime().Equal(c.mtime) {
		return errChanged
	}
	return nil
}

// chosen is a heap whose first has the largest hash.
type chosen []choice

// Len implements heap.Interface.
func (c chosen) Len() int { return len(c) }

// Less implements heap.Interface.
func (c chosen) Less(i, j int) bool { return c[i].hash > c[j].hash }

// Swap implements heap.Interface.
func (c chosen) Swap(i, j int) { c[i], c[j] = c[j], c[i] }

// Push implements heap.Interface.
func (c *chosen) Push(x any) { *c = append(*c, x.(choice)) } //nolint:forcetypeassert // heap.Push alone calls it

// Pop implements heap.Interface.
func (c *chosen) Pop() any {
	last := len(*c) - 1
	x := (*c)[last]
	*c = (*c)[:last]
	return x
}
