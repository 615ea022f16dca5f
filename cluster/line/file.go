package line

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// Written is a file that somebody else writes again and again: what a program says
// that only root may ask.
type Written struct {
	Text []byte
	At   time.Time // when it was last written
}

// ReadFile reads a file of at most `most` bytes. Its error has a reason, and At is told
// with it if the file is there. What is no plain file is not read, and not waited for.
func ReadFile(path string, most int64) (w Written, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		return w, Because(cluster.BadAuth, err)
	}
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return w, err
	}
	if !info.Mode().IsRegular() {
		return w, Because(cluster.BadProtocol, fmt.Errorf("%s is no file", path))
	}
	w.At = info.ModTime()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return w, err
	}
	if int64(len(text)) > most {
		return w, &TooLargeError{Most: most}
	}
	w.Text = text
	return w, nil
}

// Fresh says whether what was written at this time is of now: not older than `most`,
// and not of a future further away than that.
func (w Written) Fresh(now time.Time, most time.Duration) error {
	switch age := now.Sub(w.At); {
	case age > most:
		return Because(cluster.Timeout, fmt.Errorf("the file was last written %s ago, and is to be written at least every %s: look at who writes it", age.Round(time.Second), most))
	case age < -most:
		return Because(cluster.Other, fmt.Errorf("the file was written %s in the future: a clock was set", (-age).Round(time.Second)))
	}
	return nil
}
