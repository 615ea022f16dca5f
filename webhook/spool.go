package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// inMemory is how much of a body is kept in memory; a longer one goes to a file.
const inMemory = 1 << 20

// spool keeps one body so that it can be read more than once.
type spool struct {
	memory []byte
	file   *os.File // already unlinked; nil while memory suffices
	size   int64
}

// errSpool marks an error of our own disk, as against one of the sender.
var errSpool = errors.New("spool")

// newSpool reads body to its end. The file, if one is needed, is made in dir.
func newSpool(body io.Reader, dir string) (*spool, error) {
	var memory bytes.Buffer
	n, err := io.CopyN(&memory, body, inMemory+1)
	if errors.Is(err, io.EOF) {
		return &spool{memory: memory.Bytes(), size: n}, nil
	}
	if err != nil {
		return &spool{size: n}, err
	}
	s := &spool{size: n}
	if s.file, err = unlinked(dir); err != nil {
		return s, fmt.Errorf("%w: %w", errSpool, err)
	}
	w := &spoolWriter{s.file}
	if _, err := w.Write(memory.Bytes()); err != nil {
		return s, err
	}
	n, err = io.Copy(w, body)
	s.size += n
	return s, err
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

// reader reads the body from its beginning.
func (s *spool) reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.memory)
	}
	return io.NewSectionReader(s.file, 0, s.size)
}

func (s *spool) close() {
	if s.file != nil {
		s.file.Close() //nolint:errcheck // nothing of it is kept
	}
}
