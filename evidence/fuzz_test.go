package evidence_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fettle-io/fettle/evidence"
)

// A secret of four bytes or more is nowhere in what is kept, wherever it stood.
func FuzzPut(f *testing.F) {
	f.Add([]byte("before "), []byte(" after"), "hunter2")
	f.Add([]byte("password="), []byte("\n-----BEGIN PRIVATE KEY-----"), "[redacted] [redacted]")
	f.Add(bytes.Repeat([]byte("x"), 2<<10-3), []byte("\xff\xfe"), "päss/wörd")
	f.Add([]byte("aaa"), []byte("a"), "aaaa")
	f.Fuzz(func(t *testing.T, before, after []byte, secret string) {
		secret = strings.TrimSpace(secret)
		if len(secret) < 4 || strings.Contains("[redacted]", secret) || strings.Contains(secret, "redacted") || strings.ContainsAny(secret, "\r\n") {
			return
		}
		s := evidence.NewStore(t.TempDir(), evidence.NewRedactor([]string{secret}).Bytes)
		b, err := s.Put(t.Context(), bytes.NewReader(append(append(bytes.Clone(before), secret...), after...)))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := s.Get(b.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(b.Excerpt) || len(b.Excerpt) > evidence.MaxExcerpt || b.Bytes != int64(len(kept)) {
			t.Errorf("%+v", b)
		}
		if rest := bytes.ReplaceAll(kept, []byte("[redacted]"), nil); bytes.Contains(rest, []byte(secret)) && bytes.Contains(kept, []byte(secret)) {
			t.Errorf("%q is in %q", secret, kept)
		}
	})
}
