package anchor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/internal/durable"
)

// File appends checkpoints to a file, one JSON line each, on the disk when Send
// returns. It is worth something where the file is not the machine's own: on a
// mounted share, or with the append-only attribute.
type File struct {
	Path string
	Now  func() time.Time
}

// Kind implements Anchor.
func (f File) Kind() string { return "file" }

// String implements Anchor.
func (f File) String() string { return f.Path }

// Send implements Anchor. The file is created with mode 0600; one that is no
// regular file is refused. A last line that was cut short is left as it is.
func (f File) Send(_ context.Context, note []byte) (err error) {
	c, err := Parse(note)
	if err != nil {
		return err
	}
	text, err := json.Marshal(struct {
		Time string `json:"time"`
		Size uint64 `json:"size"`
		Note string `json:"checkpoint"`
	}{f.Now().UTC().Format(time.RFC3339Nano), c.Size, string(note)})
	if err != nil {
		return err
	}
	info, err := os.Lstat(f.Path)
	isNew := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !isNew:
		return err
	case !isNew && !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file: name one", f.Path)
	}
	out, err := os.OpenFile(f.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := f.write(out, append(text, '\n')); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if isNew {
		return durable.SyncDir(filepath.Dir(f.Path))
	}
	return nil
}

func (f File) write(out *os.File, text []byte) error {
	info, err := out.Stat()
	if err != nil {
		return err
	}
	if n := info.Size(); n > 0 {
		var last [1]byte
		if _, err := out.ReadAt(last[:], n-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			text = append([]byte{'\n'}, text...)
		}
	}
	_, err = out.Write(text)
	return err
}
