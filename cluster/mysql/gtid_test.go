package mysql

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseGTIDs(t *testing.T) {
	for _, tc := range []struct {
		flavor Flavor
		text   string
		count  float64
		err    string
	}{
		{MariaDB, "", 0, ""},
		{MariaDB, "0-1-5", 5, ""},
		{MariaDB, "0-1-5,1-2-7", 12, ""},
		{MariaDB, "0-1-5,0-2-7", 7, ""}, // a state names servers apart: the last counts
		{MariaDB, "4294967295-4294967295-18446744073709551615", 0, "no GTID position"},
		{MariaDB, "0-1", 0, "no GTID position"},
		{MariaDB, "uuid:1-5", 0, "no GTID position"},
		{MySQL, "", 0, ""},
		{MySQL, "A:1-5:7", 6, ""},
		{MySQL, "a:1-5,\nb:3", 6, ""},
		{MySQL, "a:1-5:tag:1-3:9,b:other:1", 10, ""},
		{MySQL, "a:5-1", 0, "no interval"},
		{MySQL, "a:0", 0, "no interval"},
		{MySQL, "a:1-99999999999999999999", 0, "no interval"},
		{MySQL, "a:" + strings.Repeat("x", 100), 0, "no interval"},
		{MySQL, "a:1" + strings.Repeat(":1", mostIntervals), 0, "more than"},
	} {
		set, err := parseGTIDs(tc.flavor, tc.text)
		switch {
		case tc.err == "" && err != nil, tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
			t.Errorf("%.60s: error %v, want %q", tc.text, err, tc.err)
		case err == nil && set.count() != tc.count:
			t.Errorf("%.60s: %v transactions, want %v", tc.text, set.count(), tc.count)
		}
	}
}

// What is left is what counting one by one leaves.
func TestWithout(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		draw := func(label string) (transactions, map[uint64]bool) {
			set, all, at := transactions{}, map[uint64]bool{}, uint64(0)
			for range rapid.IntRange(0, 5).Draw(r, label) {
				first := at + uint64(rapid.IntRange(1, 4).Draw(r, "gap"))
				at = first + uint64(rapid.IntRange(0, 4).Draw(r, "length"))
				set["a"] = append(set["a"], interval{first, at})
				for i := first; i <= at; i++ {
					all[i] = true
				}
			}
			return set, all
		}
		mine, each := draw("mine")
		theirs, other := draw("theirs")
		var want, got []uint64
		for i := range uint64(100) {
			if each[i] && !other[i] {
				want = append(want, i)
			}
		}
		left := mine.without(theirs)
		for _, in := range left["a"] {
			for i := in.first; i <= in.last; i++ {
				got = append(got, i)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || left.count() != float64(len(want)) {
			r.Fatalf("%v without %v: %v, want %v", mine, theirs, got, want)
		}
	})
}

// A transaction that is told several times is one: else a server that says 1-9, and each of
// them again, keeps whoever compares busy for as long as it likes.
func TestGTIDsToldTwice(t *testing.T) {
	set, err := parseGTIDs(MySQL, "a:5-9:1-9:2:3:4-12:20,b:7:7,a:21")
	if err != nil || set.count() != 15 || fmt.Sprint(set["a"]) != "[{1 12} {20 20} {21 21}]" {
		t.Errorf("%v: %v, %v", set.count(), set, err)
	}
}

func FuzzParseGTIDs(f *testing.F) {
	f.Add("0-1-5,1-2-7", "a:1-5:7")
	f.Add("0-1-18446744073709551615", "a:9223372036854775807:tag:1")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, flavor := range []Flavor{MariaDB, MySQL} {
			one, err := parseGTIDs(flavor, a)
			if err != nil {
				continue
			}
			if two, err := parseGTIDs(flavor, b); err == nil && one.without(two).count() > one.count() {
				t.Errorf("%q without %q has more than before", a, b)
			}
			if n := one.without(one).count(); n != 0 {
				t.Errorf("%q without itself: %v", a, n)
			}
		}
	})
}
