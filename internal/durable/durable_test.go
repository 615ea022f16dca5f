package durable_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/fettle-io/fettle/internal/durable"
)

// holds fails the test unless path has this content and mode, and nothing
// temporary stands beside it.
func holds(t *testing.T, path, want string, perm os.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s holds %q, want %q", path, got, want)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != perm {
		t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), perm)
	}
	if _, err := os.Lstat(path + ".tmp"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s.tmp was left behind (%v)", path, err)
	}
}

func TestWriteFileReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, content := range []string{"one", "", "a longer one"} {
		if err := durable.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		holds(t, path, content, 0o600)
	}
}

func TestWriteFileTakesAwayALeftover(t *testing.T) {
	dir := t.TempDir()
	path, outside := filepath.Join(dir, "f"), filepath.Join(dir, "outside")
	if err := os.WriteFile(outside, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A leftover that is a symbolic link must not be written through.
	if err := os.Symlink(outside, path+".tmp"); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(path, []byte("new"), 0o640); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new", 0o640)
	holds(t, outside, "keep", 0o600)
}

func TestReplaceKeepsTheOldFileOnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := durable.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no more")
	err := durable.Replace(path, 0o600, func(w io.Writer) error {
		if _, err := w.Write([]byte("half of the n")); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	holds(t, path, "old", 0o600)
}

func TestCreateFileRefusesAnExistingOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := durable.CreateFile(path, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.CreateFile(path, []byte("second"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("error %v, want fs.ErrExist", err)
	}
	holds(t, path, "first", 0o600)
}

func TestTruncate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := durable.CreateFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.Truncate(path, 4); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "0123", 0o600)
	if err := durable.Truncate(path+"-not-there", 0); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error %v, want fs.ErrNotExist", err)
	}
}

func TestMkdirAll(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b", "c")
	for range 2 { // the second time all of it is there
		if err := durable.MkdirAll(deep, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(root, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, want 0700", info.Mode().Perm())
	}
	file := filepath.Join(root, "file")
	if err := durable.CreateFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.MkdirAll(file, 0o700); err == nil {
		t.Error("a file was taken for a directory")
	}
}

func TestDatasync(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if err := durable.Datasync(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := durable.Datasync(f); !errors.Is(err, durable.ErrSync) {
		t.Errorf("sync of a closed file: %v, want ErrSync", err)
	}
}
