package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// shortest is the least length of a secret that is looked for, in bytes. To
// replace every "a" of a text hides nothing, and tells what the password is.
const shortest = 4

// hidden stands in the place of what was taken out.
const hidden = "[redacted]"

// A Redactor takes secrets out of texts: those that it was given, in every
// spelling in which they are likely to be printed, and what looks like one. It
// may be used from any goroutine.
type Redactor struct {
	spellings [][]byte // the longest first
}

// NewRedactor makes a Redactor for the content of secret files. Of one with
// several lines (a PEM key) each line of 16 bytes or more counts, too.
func NewRedactor(secrets []string) *Redactor {
	seen := map[string]bool{}
	for _, s := range secrets {
		s = strings.TrimSpace(s)
		lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
		for _, part := range append([]string{s}, lines...) {
			if len(part) < shortest || part != s && (len(part) < 16 || strings.HasPrefix(part, "-----")) {
				continue
			}
			for _, form := range spellings(part) {
				seen[form] = true
			}
		}
	}
	r := &Redactor{}
	for s := range seen {
		r.spellings = append(r.spellings, []byte(s))
	}
	slices.SortFunc(r.spellings, func(a, b []byte) int {
		if n := len(b) - len(a); n != 0 {
			return n
		}
		return bytes.Compare(a, b)
	})
	return r
}

// spellings are the ways in which programs print one value: as it is, quoted, in
// a URL, and in base64.
func spellings(s string) []string {
	quoted := strconv.Quote(s)
	out := []string{
		s, quoted[1 : len(quoted)-1], url.QueryEscape(s), url.PathEscape(s),
		base64.StdEncoding.EncodeToString([]byte(s)), base64.URLEncoding.EncodeToString([]byte(s)),
		base64.RawStdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)),
	}
	if b, err := json.Marshal(s); err == nil {
		out = append(out, string(b[1:len(b)-1]))
	}
	return out
}

// looks are texts that are secrets by their looks, whoever they belong to. What
// the groups keep and after match stays, so that people see what was there.
//
//nolint:gochecknoglobals // compiled once, read only
var looks = []*regexp.Regexp{
	// A PEM block; one that was cut off goes to the end of the text.
	regexp.MustCompile(`(?s)(?P<keep>-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|CERTIFICATE)[A-Z ]{0,20}-----).*?(?:-----END [A-Z0-9 ]{1,60}-----|\z)`),
	// The text form of golang.org/x/mod/sumdb/note, which the journal's key has.
	regexp.MustCompile(`(?P<keep>PRIVATE\+KEY\+)[^\s"']+`),
	regexp.MustCompile(`(?i)(?P<keep>\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?)(?:(?:basic|bearer|digest|negotiate|token)\s+)?[^\s"',;]+`),
	regexp.MustCompile(`(?i)(?P<keep>\bbearer\s+)[a-z0-9._~+/=-]{8,}`),
	regexp.MustCompile(`(?i)(?P<keep>(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)["']?\s*[:=]\s*)(?:"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|[^\s"',;&)}\]]+)`),
	regexp.MustCompile(`(?i)(?P<keep>-(?:password|passwd|secret|token)\s+)[^\s-][^\s]*`),
	regexp.MustCompile(`(?i)(?P<keep>\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?P<after>@)`), // a password in a URL
	regexp.MustCompile(`\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b`),
	regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|glpat-[A-Za-z0-9_-]{16,})`),
	regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`), // a JSON web token
}

// Bytes returns text without secrets. text is not changed.
func (r *Redactor) Bytes(text []byte) []byte {
	text = bytes.Clone(text)
	for _, s := range r.spellings {
		text = bytes.ReplaceAll(text, s, []byte(hidden))
	}
	for _, look := range looks {
		with := hidden
		if look.SubexpIndex("keep") > 0 {
			with = "${keep}" + hidden + "${after}"
		}
		text = look.ReplaceAll(text, []byte(with))
	}
	return text
}

// String is Bytes for a string.
func (r *Redactor) String(text string) string { return string(r.Bytes([]byte(text))) }
