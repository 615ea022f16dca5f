package evidence_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/fettle-io/fettle/evidence"
)

func store(t *testing.T, secrets ...string) *evidence.Store {
	t.Helper()
	return evidence.NewStore(filepath.Join(t.TempDir(), "blobs"), evidence.NewRedactor(secrets).Bytes)
}

func put(t *testing.T, s *evidence.Store, text string) evidence.Blob {
	t.Helper()
	b, err := s.Put(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func file(s *evidence.Store, b evidence.Blob) string {
	return filepath.Join(s.Dir(), strings.TrimPrefix(b.Digest, "sha256:"))
}

func TestPutAndGet(t *testing.T) {
	s := store(t)
	b := put(t, s, "it\nfailed\n")
	want := evidence.Blob{Digest: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("it\nfailed\n"))), Bytes: 10, Excerpt: "it\nfailed\n"}
	if b != want {
		t.Errorf("%+v", b)
	}
	if got, err := s.Get(b.Digest); err != nil || string(got) != "it\nfailed\n" {
		t.Errorf("%q, %v", got, err)
	}
	if again := put(t, s, "it\nfailed\n"); again != b {
		t.Errorf("again: %+v", again)
	}
	for path, want := range map[string]fs.FileMode{s.Dir(): 0o700, file(s, b): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestPutCaps(t *testing.T) {
	s := store(t, "canary-secret")
	for _, n := range []int{evidence.MaxBlob - 1, evidence.MaxBlob, evidence.MaxBlob + 1, 4 * evidence.MaxBlob} {
		b := put(t, s, strings.Repeat("é", n/2)+strings.Repeat("x", n%2))
		if b.Bytes != int64(min(n, evidence.MaxBlob)) || b.Truncated != (n > evidence.MaxBlob) {
			t.Errorf("%d bytes: %d kept, truncated %t", n, b.Bytes, b.Truncated)
		}
		if len(b.Excerpt) > evidence.MaxExcerpt || !utf8.ValidString(b.Excerpt) {
			t.Errorf("%d bytes: excerpt of %d", n, len(b.Excerpt))
		}
	}
	// Wherever a limit cuts, no part of a secret is left.
	for shift := range 4 {
		text := strings.Repeat("x", 3*shift) + strings.Repeat("canary-secret", 12_000)
		b := put(t, s, text)
		kept, err := s.Get(b.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(kept), "cana") || strings.Contains(b.Excerpt, "cana") {
			t.Errorf("shift %d: %.60q", shift, kept)
		}
	}
	if b := put(t, s, "a\xff\x00b"); b.Excerpt != "a\uFFFD\x00b" || b.Bytes != 4 {
		t.Errorf("%+v", b)
	}
}

func TestRemovedMissingChanged(t *testing.T) {
	s := store(t)
	gone, lost, other, whole := put(t, s, "gone"), put(t, s, "lost"), put(t, s, "other"), put(t, s, "whole")
	if err := s.Remove(gone.Digest); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file(s, lost)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file(s, other), []byte("Other"), 0o600); err != nil {
		t.Fatal(err)
	}
	for b, want := range map[evidence.Blob]error{gone: evidence.ErrRemoved, lost: evidence.ErrMissing, other: evidence.ErrChanged, whole: nil} {
		if _, err := s.Get(b.Digest); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", b.Excerpt, err, want)
		}
	}
	all, err := s.List()
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, e := range all {
		if want := map[string]error{gone.Digest: evidence.ErrRemoved, other.Digest: evidence.ErrChanged}[e.Digest]; !errors.Is(e.Err, want) {
			t.Errorf("%+v", e)
		}
	}
	if err := s.Remove(gone.Digest); !errors.Is(err, evidence.ErrRemoved) {
		t.Errorf("removed twice: %v", err)
	}
	if err := s.Remove(lost.Digest); !errors.Is(err, evidence.ErrMissing) {
		t.Errorf("missing: %v", err)
	}
	if again := put(t, s, "gone"); again != gone { // it came again
		t.Errorf("%+v", again)
	}
	if _, err := s.Get(gone.Digest); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "x", "sha256:", "../../etc/passwd", "sha256:../" + strings.Repeat("a", 61), gone.Digest + "\n"} {
		if _, err := s.Get(bad); err == nil || errors.Is(err, evidence.ErrMissing) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestPutAtTheSameTime(t *testing.T) {
	s := store(t)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			text := []byte{byte('a' + i%4)}
			if _, err := s.Put(t.Context(), bytes.NewReader(text)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if list, err := s.List(); err != nil || len(list) != 4 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestReadingNeedsNoRedactor(t *testing.T) {
	s := evidence.NewStore(filepath.Join(t.TempDir(), "none"), nil)
	if all, err := s.List(); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := s.Put(t.Context(), strings.NewReader("x")); err == nil {
		t.Error("something was kept as it is")
	}
}
