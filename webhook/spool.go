package webhook

import (
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// inMemory is how much of a body is kept in memory; a longer one goes to a file.
	inMemory = 1 << 20
	// firstBuffer is what a body is given before any of it has come.
	firstBuffer = 8 << 10
)

// spool keeps one body so that it can be read more than once.
type spool struct {
	memory []byte
	room   *room    // of which cap(memory) is taken
	file   *os.File // already unlinked; nil while memory suffices
	size   int64
}

// errSpool marks an error of our own disk, as against one of the sender.
var errSpool = errors.New("spool")

// newSpool reads body to its end; announced is its length, if that is known. Memory
// is taken as the body comes, not as it is announced. The file, if one is needed, is
// made in dir. The spool has to be closed even after an error.
func newSpool(body io.Reader, announced int64, dir string, memory *room) (*spool, error) {
	s := &spool{room: memory}
	if announced <= inMemory {
		for s.grow(announced) {
			done, err := s.fill(body)
			if done || err != nil {
				return s, err
			}
		}
	}
	var err error
	if s.file, err = unlinked(dir); err != nil {
		return s, fmt.Errorf("%w: %w", errSpool, err)
	}
	w := &spoolWriter{s.file}
	if _, err := w.Write(s.memory); err != nil {
		return s, err
	}
	s.free()
	n, err := io.Copy(w, body)
	s.size += n
	return s, err
}

// grow makes the memory larger, if it may be.
func (s *spool) grow(announced int64) bool {
	was := cap(s.memory)
	size := max(firstBuffer, 4*was)
	if announced > 0 && (was > 0 || announced < firstBuffer) {
		size = int(announced) + 1 // it is really coming, or it is little
	}
	size = min(size, inMemory+1) // the last byte stays free: it is how the end is found
	if size <= was || !s.room.take(size-was) {
		return false
	}
	larger := make([]byte, len(s.memory), size)
	copy(larger, s.memory)
	s.memory = larger
	return true
}

// fill reads until the memory is full, or the body is done.
func (s *spool) fill(body io.Reader) (done bool, err error) {
	for len(s.memory) < cap(s.memory) {
		n, err := body.Read(s.memory[len(s.memory):cap(s.memory)])
		s.memory = s.memory[:len(s.memory)+n]
		s.size += int64(n)
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// free gives the memory back.
func (s *spool) free() {
	s.room.give(cap(s.memory))
	s.memory = nil
}

// unlinked makes a file that has no name, and so is gone with the process.
func unlinked(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "fettle-message-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

type spoolWriter struct{ f *os.File }

func (w *spoolWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: %w", errSpool, err)
	}
	return n, err
}

// reader reads a body that is in a file from its beginning.
func (s *spool) reader() io.Reader { return io.NewSectionReader(s.file, 0, s.size) }

func (s *spool) close() {
	s.free()
	if s.file != nil {
		s.file.Close() //nolint:errcheck // nothing of it is kept
	}
}
