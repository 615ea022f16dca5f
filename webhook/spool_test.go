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
	memory := newRoom(memoryRoom)
	for _, tc := range []struct {
		size      int
		announced int64
	}{
		{0, 0}, {0, -1}, {1, 1}, {1, -1}, {firstBuffer, firstBuffer}, {5 * firstBuffer, 5 * firstBuffer}, {5 * firstBuffer, -1},
		{inMemory - 1, -1}, {inMemory, inMemory}, {inMemory, -1}, {inMemory + 1, inMemory + 1}, {inMemory + 1, -1}, {3 * inMemory, 3 * inMemory},
	} {
		size, dir := tc.size, t.TempDir()
		body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		s, err := newSpool(bytes.NewReader(body), tc.announced, dir, memory)
		if err != nil {
			t.Fatal(err)
		}
		if inFile := s.file != nil; inFile != (size > inMemory) {
			t.Errorf("%d bytes: in a file: %v", size, inFile)
		}
		for range 2 {
			got := s.memory
			if s.file != nil {
				got, err = io.ReadAll(s.reader())
			}
			if err != nil || !bytes.Equal(got, body) || s.size != int64(size) {
				t.Errorf("%d bytes: read back %d, size %d (%v)", size, len(got), s.size, err)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%d bytes: left behind: %v (%v)", size, left, err)
		}
		s.close()
		if left := memory.left.Load(); left != memoryRoom {
			t.Fatalf("%d bytes: %d bytes of room are left, not %d", size, left, memoryRoom)
		}
	}
}

// A body for which there is no room in memory is read from a file, whole; nobody
// waits for anybody else's.
func TestSpoolWithoutRoom(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	for _, memory := range []int64{0, decoded * firstBuffer, decoded * 4 * firstBuffer} {
		m := newRoom(memory)
		s, err := newSpool(bytes.NewReader(body), -1, t.TempDir(), m)
		if err != nil {
			t.Fatal(err)
		}
		if s.file == nil {
			t.Fatalf("%d bytes of room: in memory", memory)
		}
		if got, err := io.ReadAll(s.reader()); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes of room: read back %d (%v)", memory, len(got), err)
		}
		s.close()
		if left := m.left.Load(); left != memory {
			t.Errorf("%d bytes of room: %d are left", memory, left)
		}
	}
}

// Where the body cannot be kept it is our fault, not the sender's.
func TestSpoolWithoutADisk(t *testing.T) {
	s, err := newSpool(strings.NewReader(strings.Repeat("x", inMemory+1)), -1, filepath.Join(t.TempDir(), "missing"), newRoom(memoryRoom))
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
		_, err := newParser().read(brokenReader{strings.NewReader(whole[:n]), broken}, func(alert.Alert) error { return nil })
		if r := (*refusal)(nil); !errors.Is(err, broken) || errors.As(err, &r) {
			t.Errorf("broken after %d bytes: got %v", n, err)
		}
	}
}
