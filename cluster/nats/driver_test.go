package nats

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fettle-io/fettle/cluster"
)

// A server that tells of itself and not of its streams is reachable, look by look: it is
// not left alone, as one is that does not answer.
func TestServerThatCannotTellOfItsStreams(t *testing.T) {
	for what, tell := range map[string]http.HandlerFunc{
		"an error":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"something else":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"without an end":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxAnswer+1)) },
		"another's right": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
	} {
		t.Run(what, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("/varz", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"server_name": "n1", "version": "2.10.0", "jetstream": {"config": {"max_memory": 1}}}`)
			})
			mux.HandleFunc("/jsz", tell)
			srv := httptest.NewServer(mux)
			defer srv.Close()
			d, err := New(cluster.Cluster{Name: "c", Kind: cluster.KindNATS, Members: []cluster.Member{{Name: "n1", Endpoint: srv.URL}}}, Options{Timeout: 1 << 40})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close() //nolint:errcheck // only read from
			for range 5 {
				if m := d.View(t.Context()).Members[0]; !m.Reachable || m.Sync.Up {
					t.Fatalf("%+v, %+v", m, m.Sync)
				}
			}
		})
	}
}
