package demo

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	for _, tc := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{4, 1}, spread{1, 2.5, 4}},
		{[]float64{9, 1, 2}, spread{1, 2, 9}},
		{[]float64{8, 2, 4, 1}, spread{1, 3, 8}},
	} {
		given := slices.Clone(tc.values)
		if got := spreadOf(tc.values); got != tc.want {
			t.Errorf("%v: %v, want %v", tc.values, got, tc.want)
		}
		if !slices.Equal(given, tc.values) {
			t.Errorf("%v was made %v", given, tc.values)
		}
	}
}

func TestLimits(t *testing.T) {
	if got := limitsAt(time.Second); got != (limits{verified: 10, median: 4, own: 0.3}) {
		t.Errorf("at 1 s: %+v", got)
	}
	if got := limitsAt(5 * time.Second).median; got != 12 {
		t.Errorf("at 5 s: a median of %v", got)
	}
}

func TestSummaryTable(t *testing.T) {
	sum := summarize([]Figure{
		{Detect: 1, Repair: 0.2, Verified: 1.2, Own: 0.1},
		{Detect: 5, Repair: 0.4, Verified: 5.4, Own: 0.5},
		{Detect: 4, Repair: 0.3, Verified: 4.3, Own: 0.2},
	})
	const kill = `
3 cycles, seconds   min     median   max
detect              1.000   4.000    5.000
repair              0.200   0.300    0.400
kill to verified    1.200   4.300    5.400   max within 10 s, median OVER the limit of 4 s
own share           0.100   0.200    0.500   max OVER the limit of 0.3 s`
	if got := sum.table(Kill, limitsAt(time.Second)); got != kill[1:] {
		t.Errorf("got\n%s\nwant%s", got, kill)
	}
	if got := sum.missed(Kill, limitsAt(time.Second)); len(got) != 2 {
		t.Errorf("missed: %q, want the median and the own share", got)
	}
	if got := sum.missed(Hang, limitsAt(time.Second)); got != nil {
		t.Errorf("a hang has no limits, missed: %q", got)
	}
	hang := sum.table(Hang, limitsAt(time.Second))
	if !strings.Contains(hang, "hang to verified    1.200   4.300    5.400\n") || strings.Contains(hang, "limit") {
		t.Errorf("of hangs:\n%s", hang)
	}
}

func TestFigureLines(t *testing.T) {
	f := Figure{Detect: 2, Repair: 1.1, Verified: 3.1, Own: 0.123, ToApply: 0.045, ToVerified: 0.078}
	for kind, want := range map[FaultKind]string{
		Kill: "kill to verified 3.100 s (max within 10 s)\nfettle's own share 0.123 s (max within 0.3 s): received to apply 0.045 s, first read to verified 0.078 s",
		Hang: "hang to verified 3.1 s\nfettle's own share 0.123 s, of which it listens for 6 s before it calls a member hung: received to apply 0.045 s, first read to verified 0.078 s",
	} {
		if got := strings.Join(f.lines(kind, limitsAt(time.Second)), "\n"); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", kind, got, want)
		}
	}
}
