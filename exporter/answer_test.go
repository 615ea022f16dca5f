package exporter

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

func TestAnswersAreCompressedForThoseWhoTakeIt(t *testing.T) {
	e := serving(t, Options{}, works("ok"))
	for accept, want := range map[string]bool{
		"": false, "identity": false, "gzip": true, "deflate, GZIP": true, "zstd;q=1.0, gzip;q=0.5": true,
		"gzip;q=0": false, "gzip; q=0.000": false, "gzip; q=x": false, "gzippy": false,
	} {
		for range 2 { // the second takes the page of the first
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept-Encoding", accept)
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			if got := w.Header().Get("Content-Encoding") == "gzip"; got != want {
				t.Fatalf("%q: compressed %v", accept, got)
			}
			if got := w.Header().Get("Content-Length"); got != strconv.Itoa(w.Body.Len()) {
				t.Errorf("%q: length %s of %d", accept, got, w.Body.Len())
			}
			if vary := strings.Join(w.Header().Values("Vary"), ","); !strings.Contains(vary, "Accept-Encoding") {
				t.Errorf("%q: Vary %q", accept, vary)
			}
			var body io.Reader = w.Body
			if want {
				zip, err := gzip.NewReader(body)
				if err != nil {
					t.Fatal(err)
				}
				body = zip
			}
			text, err := io.ReadAll(body)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(text), "\nfettle_test_ok 1\n") != 1 {
				t.Errorf("%q: got\n%s", accept, text)
			}
		}
	}
}
