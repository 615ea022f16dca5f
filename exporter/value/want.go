package value

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Want is how a value has to be. What is not set is not asked for.
type Want struct {
	OneOf []string
	// AtLeast and AtMost are sizes (2G, 1048576, max), or versions (3.6.1).
	AtLeast, AtMost string
	// SHA256 is the whole file's, in lower-case hexadecimal digits.
	SHA256 string
}

// Any tells whether anything is asked for.
func (w Want) Any() bool { return len(w.OneOf) > 0 || w.AtLeast+w.AtMost+w.SHA256 != "" }

// Met tells whether a value is so; sum is the SHA-256 of all of it. With versions it
// compares them part by part, else sizes. The error is that it has none.
func (w Want) Met(text, sum string, versions bool) (bool, error) {
	if len(w.OneOf) > 0 && !slices.Contains(w.OneOf, text) || w.SHA256 != "" && w.SHA256 != sum {
		return false, nil
	}
	if w.AtLeast == "" && w.AtMost == "" {
		return true, nil
	}
	compare := compareSizes
	if versions {
		compare = compareVersions
	}
	for _, bound := range []struct {
		text string
		bad  int
	}{{w.AtLeast, -1}, {w.AtMost, 1}} {
		if bound.text == "" {
			continue
		}
		c, ok := compare(text, bound.text)
		if !ok {
			return false, Refuse(NoNumber, "it is no number that could be compared")
		}
		if c == bound.bad {
			return false, nil
		}
	}
	return true, nil
}

var sizePattern = regexp.MustCompile(`^([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([KMGTPkmgtp])?(i?[Bb])?$`)

// Size reads a number with or without a unit; max, infinity and unlimited have no end.
// Units count by 1024.
func Size(text string) (size float64, ok bool) {
	switch text {
	case "max", "infinity", "unlimited":
		return math.Inf(1), true
	}
	m := sizePattern.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	size, err := strconv.ParseFloat(m[1], 64)
	if m[2] != "" {
		size *= math.Pow(1024, float64(1+strings.Index("KMGTP", strings.ToUpper(m[2]))))
	}
	return size, err == nil
}

func compareSizes(a, b string) (int, bool) {
	x, okX := Size(a)
	y, okY := Size(b)
	return cmp.Compare(x, y), okX && okY
}

var versionPattern = regexp.MustCompile(`^v?([0-9]{1,9}(?:\.[0-9]{1,9}){0,4})`)

// Version takes apart what a server says of its version: 10.11.14-MariaDB is 10, 11, 14.
func Version(text string) (parts []int, ok bool) {
	m := versionPattern.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	for part := range strings.SplitSeq(m[1], ".") {
		n, _ := strconv.Atoi(part) //nolint:errcheck // nine digits
		parts = append(parts, n)
	}
	return parts, true
}

// compareVersions compares as far as the bound goes: 3.6.1 is at least 3.6, and at most.
func compareVersions(version, bound string) (int, bool) {
	x, okX := Version(version)
	y, okY := Version(bound)
	x = append(x, make([]int, max(0, len(y)-len(x)))...)
	return slices.Compare(x[:len(y)], y), okX && okY
}
