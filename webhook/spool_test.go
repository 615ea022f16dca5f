package webhook

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/alert"
)

func TestSpool(t *testing.T) {
	for _, size := range []int{0, 1, inMemory - 1, inMemory, inMemory + 1, 3 * inMemory} {
		dir := t.TempDir()
		body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		s, err := newSpool(bytes.NewReader(body), dir)
		if err != nil {
			t.Fatal(err)
		}
		if inFile := s.file != nil; inFile != (size > inMemory) {
			t.Errorf("%d bytes: in a file: %v", size, inFile)
		}
		for range 2 {
			got, err := io.ReadAll(s.reader())
			if err != nil || !bytes.Equal(got, body) || s.size != int64(size) {
				t.Errorf("%d bytes: read back %d, size %d (%v)", size, len(got), s.size, err)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%d bytes: left behind: %v (%v)", size, left, err)
		}
		s.close()
	}
}

// Where the body cannot be kept it is our fault, not the sender's.
func TestSpoolWithoutADisk(t *testing.T) {
	s, err := newSpool(strings.NewReader(strings.Repeat("x", inMemory+1)), filepath.Join(t.TempDir(), "missing"))
	if !errors.Is(err, errSpool) {
		t.Errorf("got %v, want errSpool", err)
	}
	s.close()
}

// brokenReader breaks after what it was given.
type brokenReader struct {
	r   io.Reader
	err error
}

func (b brokenReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if errors.Is(err, io.EOF) {
		err = b.err
	}
	return n, err
}

// A spool that breaks while it is read again is no refusal: it is answered with 503.
func TestReadFromABrokenSpool(t *testing.T) {
	broken := errors.New("input/output error")
	whole := `{"version":"4","alerts":[]}`
	for n := range len(whole) + 1 {
		_, err := read(brokenReader{strings.NewReader(whole[:n]), broken}, func(alert.Alert) error { return nil })
		if r := (*refusal)(nil); !errors.Is(err, broken) || errors.As(err, &r) {
			t.Errorf("broken after %d bytes: got %v", n, err)
		}
	}
}
