package repair_test

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // zones mean the same on a host without any

	"github.com/fettle-io/fettle/repair"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func everyDay() [7]bool { return [7]bool{true, true, true, true, true, true, true} }

// minutes is "22:30" as minutes of the day.
func minutes(t testing.TB, text string) int {
	t.Helper()
	if text == "24:00" {
		return 24 * 60
	}
	at, err := time.Parse("15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return at.Hour()*60 + at.Minute()
}

// span is from when to when a window is open, found by asking it each minute.
func span(w repair.Window, from time.Time, d time.Duration) (spans []string) {
	var since time.Time
	for at := from; at.Before(from.Add(d)); at = at.Add(time.Minute) {
		switch open := w.Open(at); {
		case open && since.IsZero():
			since = at
		case !open && !since.IsZero():
			spans = append(spans, since.UTC().Format("02 15:04")+" to "+at.UTC().Format("02 15:04"))
			since = time.Time{}
		}
	}
	return spans
}

// The nights on which a clock is set: a window neither vanishes nor comes twice, and
// what its end says holds wherever the clock shows that time.
func TestWindowOnTheDayOfAClockChange(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	forward, back := day(2026, 3, 28), day(2026, 10, 24) // the Saturdays before, in Europe
	for _, tc := range []struct {
		zone, from, to string
		begin          time.Time
		days           int
		want           []string // in UTC
	}{
		// 02:00 becomes 03:00 on the 29th.
		{"Europe/Berlin", "22:00", "06:00", forward, 3, []string{"28 00:00 to 28 05:00", "28 21:00 to 29 04:00", "29 20:00 to 30 04:00"}},
		{"Europe/Berlin", "02:00", "03:00", forward, 3, []string{"28 01:00 to 28 02:00", "29 01:00 to 29 02:00", "30 00:00 to 30 01:00"}},
		{"Europe/Berlin", "02:15", "02:45", forward, 3, []string{"28 01:15 to 28 01:45", "29 01:00 to 29 01:30", "30 00:15 to 30 00:45"}},
		{"Europe/Berlin", "01:30", "02:30", forward, 3, []string{"28 00:30 to 28 01:30", "29 00:30 to 29 01:00", "29 23:30 to 30 00:30"}},
		{"Europe/Berlin", "02:30", "06:00", forward, 3, []string{"28 01:30 to 28 05:00", "29 01:00 to 29 04:00", "30 00:30 to 30 04:00"}},
		{"Europe/Berlin", "00:00", "24:00", forward, 2, nil}, // it never closes
		// 03:00 becomes 02:00 on the 25th.
		{"Europe/Berlin", "22:00", "06:00", back, 3, []string{"24 00:00 to 24 04:00", "24 20:00 to 25 05:00", "25 21:00 to 26 05:00"}},
		{"Europe/Berlin", "02:00", "03:00", back, 3, []string{"24 00:00 to 24 01:00", "25 01:00 to 25 02:00", "26 01:00 to 26 02:00"}},
		{"Europe/Berlin", "02:15", "02:45", back, 3, []string{"24 00:15 to 24 00:45", "25 00:15 to 25 00:45", "26 01:15 to 26 01:45"}},
		{"Europe/Berlin", "01:30", "02:30", back, 3, []string{"24 00:00 to 24 00:30", "24 23:30 to 25 00:30", "26 00:30 to 26 01:30"}},
		// A zone that is set by half an hour, and an island that skipped the whole 30th.
		{"Australia/Lord_Howe", "02:00", "02:30", day(2026, 10, 3), 2, []string{"03 15:30 to 03 16:00", "04 15:00 to 04 15:30"}},
		{"Pacific/Apia", "10:00", "12:00", day(2011, 12, 29), 3, []string{"29 20:00 to 29 22:00", "30 10:00 to 30 12:00", "30 20:00 to 30 22:00", "31 20:00 to 31 22:00"}},
		{"UTC", "23:59", "00:01", forward, 2, []string{"28 00:00 to 28 00:01", "28 23:59 to 29 00:01"}},
	} {
		w := repair.Window{Days: everyDay(), From: minutes(t, tc.from), To: minutes(t, tc.to), Zone: zone(t, tc.zone)}
		if got := span(w, tc.begin, time.Duration(tc.days)*24*time.Hour); !slices.Equal(got, tc.want) {
			t.Errorf("%s %s to %s:\n%q, want\n%q", tc.zone, tc.from, tc.to, got, tc.want)
		}
	}
}

// In a year of any zone a window opens once on each of its days, and never for
// more than its usual time and what a clock is set back by.
func TestWindowOpensOnceADay(t *testing.T) {
	begin, end := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Chatham"} {
		loc := zone(t, name)
		for from := 0; from < 24*60; from += 215 {
			for _, usual := range []int{20, 480, 1435} {
				w := repair.Window{Days: everyDay(), From: from, To: (from + usual) % (24 * 60), Zone: loc}
				days := map[string]bool{}
				opens, ok := w.Opens(begin)
				for ; ok && opens.Before(end); opens, ok = w.Opens(opens) {
					d := time.Duration(usual) * time.Minute
					if !w.Open(opens) || w.Open(opens.Add(d+time.Hour)) && usual < 1380 {
						t.Fatalf("%s %d+%d: %s is not when it opens, or it stays open", name, from, usual, opens.In(loc))
					}
					if day := opens.In(loc).Format(time.DateOnly); days[day] {
						t.Fatalf("%s %d+%d: opens twice on %s", name, from, usual, day)
					} else {
						days[day] = true
					}
				}
				if want := 365; !ok || len(days) < want-1 || len(days) > want+1 {
					t.Fatalf("%s %d+%d: opens on %d days, want %d", name, from, usual, len(days), want)
				}
			}
		}
	}
}

func TestWindowIsFor(t *testing.T) {
	weekend := [7]bool{time.Saturday: true, time.Sunday: true}
	w := repair.Window{Clusters: []string{"demo"}, Tiers: []repair.Tier{repair.P1}, Days: weekend, From: 60, To: 120, Zone: time.UTC}
	for _, tc := range []struct {
		cluster string
		tier    repair.Tier
		does    repair.Does
		want    bool
	}{
		{"demo", repair.P1, repair.Takes, true},
		{"demo", repair.P1, repair.Leaves, true},
		{"demo", repair.P1, repair.Starts, false},
		{"demo", repair.P0, repair.Takes, false},
		{"other", repair.P1, repair.Takes, false},
	} {
		if got := w.For("any", tc.cluster, tc.tier, tc.does); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
	monday := time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)
	if next, ok := w.Opens(monday); w.Open(monday) || !ok || !next.Equal(time.Date(2026, 11, 28, 1, 0, 0, 0, time.UTC)) {
		t.Errorf("on a Monday it opens next %s", next)
	}
	if _, ok := (repair.Window{Zone: time.UTC, To: 60}).Opens(monday); ok {
		t.Error("a window without days opens")
	}
}
