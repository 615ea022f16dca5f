package exporter

import (
	"net/http"
	"testing"
)

// blank is an answer that is thrown away.
type blank struct{ header http.Header }

func (b blank) Header() http.Header         { return b.header }
func (b blank) Write(p []byte) (int, error) { return len(p), nil }
func (b blank) WriteHeader(int)             {}

// BenchmarkScrape scrapes the families that make bench-exporter compares.
func BenchmarkScrape(b *testing.B) {
	collectors := map[string]bool{}
	for _, e := range Collectors() {
		collectors[e.Name] = false
	}
	for _, name := range []string{"cpu", "memory", "load", "disk", "filesystem", "network"} {
		collectors[name] = true
	}
	e, err := New(Options{Collectors: collectors})
	if err != nil {
		b.Fatal(err)
	}
	for _, encoding := range []string{"identity", "gzip"} {
		b.Run(encoding, func(b *testing.B) {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", encoding)
			b.ReportAllocs()
			for b.Loop() {
				e.ServeHTTP(blank{http.Header{}}, r)
			}
		})
	}
}
