package value

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// MaxFile is the largest file that is read, in bytes.
const MaxFile = 1 << 20

// File is what a file says.
type File struct {
	Content []byte
	// Written is when it was last written.
	Written time.Time
	// Private tells that not everybody on the machine may read it.
	Private bool
}

// Read reads a file of at most limit bytes. It waits for no pipe, and follows no
// symbolic link out of the file's directory: who may write there could show anything.
func Read(path string, limit int64) (File, error) {
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return File{}, err
	}
	defer dir.Close() //nolint:errcheck // only read
	name := filepath.Base(path)
	f, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return File{}, outside(dir, name, path, err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	switch {
	case err != nil:
		return File{}, err
	case !info.Mode().IsRegular():
		return File{}, Refuse(NoFile, "%s is no file", path)
	case info.Size() > limit:
		return File{}, Refuse(TooLarge, "%s has %d bytes, %d are the most that is read", path, info.Size(), limit)
	}
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return File{}, err
	}
	if int64(len(content)) > limit { // it grew meanwhile, or is one of those of /proc
		return File{}, Refuse(TooLarge, "%s has more than %d bytes", path, limit)
	}
	return File{content, info.ModTime(), info.Mode().Perm()&0o004 == 0}, nil
}

// outside tells a link that leads out, and a socket, from what else cannot be opened.
func outside(dir *os.Root, name, path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return err
	}
	info, statErr := dir.Lstat(name)
	switch {
	case statErr != nil:
	case info.Mode()&fs.ModeSymlink != 0:
		return Refuse(Outside, "%s is a link that leads out of its directory: name the file itself", path)
	case !info.Mode().IsRegular():
		return Refuse(NoFile, "%s is no file", path)
	}
	return fmt.Errorf("read %s: %w", path, err)
}

// Fresh refuses a file that was not written for longer than limit; 0: any age will do.
func (f File) Fresh(path string, limit time.Duration, now time.Time) error {
	if age := now.Sub(f.Written); limit > 0 && age > limit {
		return Refuse(Stale, "%s was last written %s ago, and %s is allowed", path, age.Round(time.Second), limit)
	}
	return nil
}
