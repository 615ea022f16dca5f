package tree

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// Walker walks one tree, again and again, a step at a time. It is for one caller at a time.
type Walker struct {
	path string
	o    Options

	walk    *walk       // nil: none is under way
	root    fs.FileInfo // as it was when the last walk began
	begun   time.Time
	results []Result // the newest last; at most two
}

// NewWalker makes a Walker of the directory at path. Nothing is read yet.
func NewWalker(path string, o Options) *Walker {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Walker{path: path, o: o}
}

// Results are those of the last two whole walks, the newest last.
func (w *Walker) Results() []Result { return w.results }

// Walking tells whether a walk is under way.
func (w *Walker) Walking() bool { return w.walk != nil }

// Close ends the walk under way.
func (w *Walker) Close() { w.drop() }

// Step goes on where it was, until ctx ends or the walk does, and begins a new walk once
// in an interval. Between two steps nothing is held open that would keep a file system
// from being unmounted, but for a directory that is too large for one step. An error is
// that the root cannot be read: the walk is given up, and its results are forgotten.
func (w *Walker) Step(ctx context.Context) error {
	root, err := os.OpenRoot(w.path)
	if err != nil {
		w.forget()
		return err
	}
	defer root.Close() //nolint:errcheck // only read
	info, err := root.Stat(".")
	if err != nil {
		w.forget()
		return err
	}
	if w.root != nil && !os.SameFile(info, w.root) {
		w.forget() // another one is mounted there, or none any more
	}
	w.root = info
	return w.step(ctx, root)
}

func (w *Walker) step(ctx context.Context, root *os.Root) error {
	if now := w.o.Now(); w.walk == nil {
		if now.Truncate(w.o.Every).Equal(w.begun.Truncate(w.o.Every)) {
			return nil
		}
		w.begun = now
		w.walk = &walk{Result: Result{Begin: now, Cutoff: w.o.cutoff(now)}, device: deviceOf(w.root), pending: []place{{path: "."}}}
	}
	w.walk.root = root
	done, err := w.walk.advance(ctx)
	switch {
	case err != nil:
		w.forget()
		return err
	case done:
		w.walk.End = w.o.Now()
		w.results = append(w.results[max(0, len(w.results)-1):], w.walk.Result)
		w.drop()
	}
	return nil
}

func (w *Walker) drop() {
	if w.walk != nil {
		w.walk.leave()
		w.walk = nil
	}
}

func (w *Walker) forget() {
	w.drop()
	w.results, w.root, w.begun = nil, nil, time.Time{}
}

// walk is one walk under way.
type walk struct {
	Result
	root    *os.Root // of this step
	device  device
	pending []place // directories to be read
	// dir is the directory that is being read: its entries are at list.
	dir    *os.Root
	list   *os.File
	at     place
	sample sample
}

// place is a directory below the root.
type place struct {
	path  string
	depth int
}

// advance goes on until ctx ends; done tells that it came to the end.
func (w *walk) advance(ctx context.Context) (done bool, err error) {
	for {
		if ctx.Err() != nil {
			return false, nil //nolint:nilerr // the time of this step is over, and the walk goes on
		}
		switch {
		case w.list != nil:
			w.entries()
		case len(w.pending) > 0:
			if err := w.enter(); err != nil {
				if w.at.depth == 0 {
					return false, err
				}
				w.Unread++
			}
		case w.sample.left():
			w.sample.next(w)
		default:
			w.Names, w.Sample = fold(w.Names), fold(w.Sample)
			return true, nil
		}
	}
}

// fold keeps of a sum what a float64 holds.
func fold(sum uint64) uint64 { return sum >> 12 }

// enter opens the next directory. One that is gone is no loss, and another file system
// is not entered.
func (w *walk) enter() error {
	last := len(w.pending) - 1
	w.at, w.pending = w.pending[last], w.pending[:last]
	dir, err := w.root.OpenRoot(w.at.path)
	if errors.Is(err, fs.ErrNotExist) && w.at.depth > 0 {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := dir.Stat(".")
	var list *os.File
	if err == nil && deviceOf(info) == w.device {
		list, err = dir.Open(".")
	}
	if list == nil {
		_ = dir.Close() // only read
		return err
	}
	w.dir, w.list = dir, list
	return nil
}

func (w *walk) leave() {
	if w.list != nil {
		_, _ = w.list.Close(), w.dir.Close() // only read
		w.list, w.dir = nil, nil
	}
}

// entries reads the next entries of the directory.
func (w *walk) entries() {
	names, err := w.list.Readdirnames(batch)
	for _, name := range names {
		w.entry(name)
	}
	if err == nil {
		return
	}
	w.leave()
	if !errors.Is(err, io.EOF) {
		w.Unread++
	}
}

func (w *walk) entry(name string) {
	info, err := w.dir.Lstat(name)
	full := path.Join(w.at.path, name)
	switch {
	case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
	case err != nil:
		w.Unread++
	case info.IsDir():
		if w.at.depth == maxDepth || len(w.pending) == maxPending {
			w.LeftOut++
			return
		}
		w.pending = append(w.pending, place{full, w.at.depth + 1})
	case info.Mode().IsRegular():
		w.file(full, info)
	}
}

func (w *walk) file(path string, info fs.FileInfo) {
	if w.Files == MaxFiles {
		w.LeftOut++
		return
	}
	w.Files++
	w.Bytes += info.Size()
	if info.ModTime().After(w.Newest) && !info.ModTime().After(w.Begin.Add(ahead)) {
		w.Newest = info.ModTime()
	}
	if info.ModTime().After(w.Cutoff) {
		return
	}
	w.SettledFiles++
	w.SettledBytes += info.Size()
	w.Names += hashOf(path, info.Size()) // in whatever order they come
	w.sample.offer(path, info)
}

func hashOf(path string, size int64) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", size, path))
	return binary.BigEndian.Uint64(sum[:8])
}
