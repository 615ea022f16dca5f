package strictyaml

import (
	"slices"
	"strconv"
	"strings"
)

// Suggest finds the known word that was probably meant by word, or "".
func Suggest(word string, known []string) string {
	best, at := "", 3 // more than two edits is another word
	if len(word) <= 3 {
		at = 2
	}
	if len(word) > 64 {
		return ""
	}
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < at {
			best, at = k, d
		}
	}
	return best
}

// DidYouMean is the end of a message about an unknown word: the likely one, else
// the known ones.
func DidYouMean(word string, known []string) string {
	if s := Suggest(word, known); s != "" {
		return "did you mean \"" + s + "\"?"
	}
	if len(known) == 0 {
		return "there are none here"
	}
	known = slices.Sorted(slices.Values(known))
	const most = 30
	if len(known) > most {
		known = append(known[:most:most], "…")
	}
	return "known here: " + strings.Join(known, ", ")
}

// distance is the number of edits (insert, delete, change, swap of neighbours)
// from a to b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	var before, last []int
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(s); i++ {
		before, last, row = last, row, make([]int, len(t)+1)
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(t)]
}

// Clip quotes text from a file for a message: at most 64 bytes of it, with
// anything that is not plain text escaped.
func Clip(s string) string {
	if len(s) > 64 {
		s = strings.ToValidUTF8(s[:64], "") + "…"
	}
	return strconv.Quote(s)
}

// plain escapes what would play tricks on a terminal: keys and names from the file
// stand in messages as well, and can be any text.
func plain(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	var b strings.Builder
	for _, r := range s {
		if unprintable(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool { return !strconv.IsPrint(r) }
