package exporter

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// Fifty scrapes at once, of which some choose: each is whole, and tells what it chose.
func TestFiftyScrapesAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	e, err := New(Options{Self: NewSelf(false)})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, e)
	series := func(body string) int { return strings.Count("\n"+body, "\nfettle_node_load") }
	var scrapes sync.WaitGroup
	for i := range 50 {
		scrapes.Go(func() {
			for range 5 {
				query, want := "", 3
				if i%5 == 0 {
					query, want = "?exclude[]=load", 0
				}
				w := get(t, e, query, "60")
				body := w.Body.String()
				if w.Code != http.StatusOK || series(body) != want {
					t.Errorf("%s: %d, %d series of load", query, w.Code, series(body))
				}
				if strings.Contains(body, `fettle_collector_success{collector="cpu"} 0`) {
					t.Errorf("a collector failed:\n%s", body)
				}
				seen := map[string]bool{}
				for line := range strings.Lines(body) {
					name, _, ok := strings.Cut(line, " ")
					if !strings.HasPrefix(line, "#") && ok && seen[name] {
						t.Errorf("%s is there twice", name)
					}
					seen[name] = !strings.HasPrefix(line, "#")
				}
			}
		})
	}
	scrapes.Wait()
	if len(e.pages) > keptPages {
		t.Errorf("%d pages kept", len(e.pages))
	}
}
