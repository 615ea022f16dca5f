package exporter

import (
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
)

// However many scrapes there were, nothing of them is left: neither goroutines nor
// descriptors nor memory. make bench-exporter looks at the program as a whole, after
// 100,000 of them.
func TestScrapesLeaveNothingBehind(t *testing.T) {
	collectors := map[string]bool{"process": true, "fragmentation": true}
	for _, name := range []string{"unit", "time"} { // their connections are other tests' business
		collectors[name] = false
	}
	e, err := New(Options{Collectors: collectors, Self: NewSelf(true)})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, e)
	scrape := func(scrapes int, query string) {
		for i := range scrapes {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics"+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", []string{"gzip", "identity"}[i%2])
			e.ServeHTTP(blank{http.Header{}}, r)
		}
		waitFor(t, "the collectors", func() bool {
			for _, c := range e.collectors {
				if !c.flight.idle() {
					return false
				}
			}
			return true
		})
	}
	descriptors := func() int {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(open)
	}
	goroutines := runtime.NumGoroutine
	heap := func() int {
		runtime.GC()
		runtime.GC() // what has a finalizer goes with the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	scrape(100, "")
	// A descriptor that was forgotten stays open until a collection.
	percent := debug.SetGCPercent(-1)
	open := descriptors()
	scrape(100, "")
	if now := descriptors(); now > open {
		t.Errorf("%d descriptors after 100 scrapes, %d after 200", open, now)
	}
	debug.SetGCPercent(percent)

	running, held := goroutines(), heap()
	scrape(1500, "?exclude[]=process") // it reads a file of every process, every time
	// One that is idle may still be on its way out.
	waitFor(t, "goroutines of 1500 scrapes", func() bool { return goroutines() <= running })
	if now := heap(); now > held+128<<10 {
		t.Errorf("%d bytes after 200 scrapes, %d after 1700", held, now)
	}
	if now := descriptors(); now > open {
		t.Errorf("%d descriptors after 200 scrapes, %d after 1700", open, now)
	}
}
