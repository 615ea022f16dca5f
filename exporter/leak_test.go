package exporter

import (
	"net/http"
	"os"
	"runtime"
	"testing"
)

// However many scrapes there were, nothing of them is left: neither goroutines nor
// descriptors nor memory.
func TestScrapesLeaveNothingBehind(t *testing.T) {
	collectors := map[string]bool{}
	for _, name := range []string{"unit", "time"} { // their connections are other tests' business
		collectors[name] = false
	}
	e, err := New(Options{Collectors: collectors, Self: NewSelf(true)})
	if err != nil {
		t.Fatal(err)
	}
	type left struct {
		descriptors, goroutines int
		heap                    uint64
	}
	after := func(scrapes int) left {
		for i := range scrapes {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
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
		runtime.GC()
		runtime.GC() // what has a finalizer goes with the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return left{len(open), runtime.NumGoroutine(), m.HeapAlloc}
	}
	first := after(50)
	last := after(500)
	if last.descriptors > first.descriptors+2 || last.goroutines > first.goroutines+2 || last.heap > first.heap+512<<10 {
		t.Errorf("after 50 scrapes %+v, after 500 more %+v", first, last)
	}
}
