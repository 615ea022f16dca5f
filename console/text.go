package console

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// visible writes characters that would not be seen, or would turn the direction of
// what follows, as escapes: a page is a text that strangers have a part in.
func visible(page []byte) []byte {
	hidden := func(r rune) bool {
		return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError
	}
	if !bytes.ContainsFunc(page, hidden) {
		return page
	}
	out := make([]byte, 0, len(page)+64)
	for len(page) > 0 {
		r, size := utf8.DecodeRune(page)
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, page[0])
		case hidden(r) && r > 0xffff:
			out = fmt.Appendf(out, `\U%08x`, r)
		case hidden(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, page[:size]...)
		}
		page = page[size:]
	}
	return out
}

// What a page shows of one text, in bytes: strangers write alerts as long as they like.
const (
	shortMost = 300  // where there are many
	eventMost = 1000 // of a record
	longMost  = 4000 // where it is what the page is about
)

// clipped is the beginning of a long text, and says how long it is.
func clipped(s string, most int) string {
	if len(s) <= most {
		return s
	}
	begin := most
	for begin > most-utf8.UTFMax && !utf8.RuneStart(s[begin]) {
		begin--
	}
	return s[:begin] + "… (" + grouped(len(s)) + " bytes)"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// ago is a length of time in its largest unit: who wants more has the time beside it.
func ago(d time.Duration) string {
	switch {
	case d < 0:
		return "ahead of this clock"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s ago"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min ago"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h ago"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " d ago"
}

func inSeconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + " %" }

func inBytes(n int64) string {
	value, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for value >= 1024 && i < len(units)-1 {
		value /= 1024
		i++
	}
	return strconv.FormatFloat(value, 'f', min(i, 1), 64) + " " + units[i]
}

// grouped is a count with its thousands apart.
func grouped(n any) string {
	s := fmt.Sprint(n)
	var parts []string
	for len(s) > 3 {
		parts = append([]string{s[len(s)-3:]}, parts...)
		s = s[:len(s)-3]
	}
	return strings.Join(append([]string{s}, parts...), ",")
}
