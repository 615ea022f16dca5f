package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/fettle-io/fettle/internal/durable"
)

const (
	// MaxBlob is how much of a blob is kept, in bytes; the rest is cut off.
	MaxBlob = 64 << 10
	// MaxExcerpt is the longest excerpt, in bytes.
	MaxExcerpt = 2 << 10
	// read is how much Put looks at: more than is kept, because what is taken out
	// makes room.
	read = 2 * MaxBlob
)

var (
	// ErrRemoved says that somebody removed the blob (Store.Remove).
	ErrRemoved = errors.New("the blob was removed on purpose")
	// ErrMissing says that there is no such blob, and no trace of a removal.
	ErrMissing = errors.New("the blob is missing")
	// ErrChanged says that the content is not what the digest was made of.
	ErrChanged = errors.New("the blob was changed: its content does not have its digest")
)

// Blob is what a record says of a blob.
type Blob struct {
	// Digest is sha256: and the hex SHA-256 of what is kept.
	Digest string
	// Bytes is the length of what is kept.
	Bytes int64
	// Excerpt is its beginning, valid UTF-8 of at most MaxExcerpt bytes.
	Excerpt string
	// Truncated says that there was more than is kept.
	Truncated bool
}

// Store is a directory of blobs. Its methods may be called from any goroutine;
// one process puts blobs there, others may read and remove them.
type Store struct {
	dir    string
	redact func([]byte) []byte
	mu     sync.Mutex // one writer
}

// NewStore makes a Store over dir, which the first Put creates (mode 0700).
// redact takes the secrets out of what is put there; Redactor.Bytes is one. A
// Store that only reads may have none.
func NewStore(dir string, redact func([]byte) []byte) *Store {
	return &Store{dir: dir, redact: redact}
}

// Dir is where the blobs are.
func (s *Store) Dir() string { return s.dir }

// Put keeps what r has, without secrets and at most MaxBlob bytes of it, and
// returns when that is durable. The same content is kept once.
func (s *Store) Put(ctx context.Context, r io.Reader) (Blob, error) {
	if s.redact == nil {
		return Blob{}, errors.New("evidence: a store that only reads")
	}
	text, err := io.ReadAll(io.LimitReader(r, read+1))
	if err != nil {
		return Blob{}, fmt.Errorf("evidence: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Blob{}, err
	}
	b := Blob{Truncated: len(text) > read}
	if b.Truncated {
		text = wholeLines(text[:read]) // half a secret is not recognised
	}
	text = s.redact(text)
	if len(text) > MaxBlob {
		text, b.Truncated = text[:MaxBlob], true
	}
	sum := sha256.Sum256(text)
	b.Digest, b.Bytes, b.Excerpt = prefix+hex.EncodeToString(sum[:]), int64(len(text)), excerpt(text)
	if err := s.keep(b.Digest, text); err != nil {
		return Blob{}, fmt.Errorf("evidence: %w", err)
	}
	return b, nil
}

func (s *Store) keep(digest string, text []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch _, err := s.Get(digest); {
	case err == nil:
		return nil
	case errors.Is(err, ErrRemoved): // it has come again, after somebody removed it
		if err := os.Remove(s.path(digest) + removed); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := durable.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return durable.WriteFile(s.path(digest), text, 0o600)
}

// Get returns the content of a blob. That it is not there is ErrRemoved or
// ErrMissing; that it is another one, ErrChanged.
func (s *Store) Get(digest string) ([]byte, error) {
	if !digestForm.MatchString(digest) {
		return nil, fmt.Errorf("%q is no digest of a blob: want sha256: and 64 hex digits", digest)
	}
	text, err := os.ReadFile(s.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		if _, gone := os.Lstat(s.path(digest) + removed); gone == nil {
			return nil, ErrRemoved
		}
		return nil, ErrMissing
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(text); prefix+hex.EncodeToString(sum[:]) != digest {
		return nil, ErrChanged
	}
	return text, nil
}

// Remove takes a blob away and leaves a note that this was on purpose. The
// records that name it stay as they are.
func (s *Store) Remove(digest string) error {
	if _, err := s.Get(digest); err != nil && !errors.Is(err, ErrChanged) {
		return err
	}
	if err := durable.WriteFile(s.path(digest)+removed, nil, 0o600); err != nil {
		return err
	}
	if err := os.Remove(s.path(digest)); err != nil {
		return err
	}
	return durable.SyncDir(s.dir)
}

// Entry is a blob in the directory.
type Entry struct {
	Digest string
	Bytes  int64
	// Err is nil, ErrRemoved, ErrChanged, or why it cannot be read.
	Err error
}

// List returns the blobs that are there or were removed, in the order of their
// digests. A directory that is not there has none.
func (s *Store) List() ([]Entry, error) {
	files, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []Entry
	for _, f := range files {
		name, gone := strings.CutSuffix(f.Name(), removed)
		if !digestForm.MatchString(prefix + name) {
			continue
		}
		e := Entry{Digest: prefix + name}
		text, err := s.Get(e.Digest)
		if gone && !errors.Is(err, ErrRemoved) {
			continue // a removal that was cut short: the blob itself is listed
		}
		e.Bytes, e.Err = int64(len(text)), err
		all = append(all, e)
	}
	return all, nil
}

const (
	prefix  = "sha256:"
	removed = ".removed"
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`) //nolint:gochecknoglobals // compiled once, read only

// path is where a blob is. digest has its form, and so leads nowhere else.
func (s *Store) path(digest string) string {
	return filepath.Join(s.dir, strings.TrimPrefix(digest, prefix))
}

// wholeLines cuts off the last line, which is not whole; of a text without a
// line break, the last quarter.
func wholeLines(text []byte) []byte {
	if n := bytes.LastIndexByte(text, '\n'); n >= 0 {
		return text[:n+1]
	}
	return text[:len(text)/4*3]
}

// excerpt is the beginning of a text, made valid.
func excerpt(text []byte) string {
	text = bytes.ToValidUTF8(text, []byte("�"))
	if len(text) <= MaxExcerpt {
		return string(text)
	}
	n := MaxExcerpt
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return string(text[:n])
}
