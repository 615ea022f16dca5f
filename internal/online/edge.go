package online

import (
	"net/http"
	"sync"
	"time"
)

// edge is a transport that keeps what every answer shows beside what was asked: the
// sender's clock, and its certificate.
type edge struct {
	next http.RoundTripper

	mu    sync.Mutex
	date  time.Time
	asked time.Time
	took  time.Duration
	ends  time.Time // of its certificate; zero: no TLS
}

func newEdge(next http.RoundTripper) *edge {
	if next == nil {
		next = http.DefaultTransport
	}
	return &edge{next: next}
}

func (e *edge) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := time.Now()
	resp, err := e.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked, e.took = asked, time.Since(asked)
	e.date, _ = http.ParseTime(resp.Header.Get("Date")) //nolint:errcheck // not told
	if resp.TLS != nil {
		e.ends = time.Time{}
		for _, c := range resp.TLS.PeerCertificates {
			if e.ends.IsZero() || c.NotAfter.Before(e.ends) {
				e.ends = c.NotAfter
			}
		}
	}
	return resp, nil
}

// tell tells of the clock and the certificate that were seen.
func (e *edge) tell(f *found, where string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f.clock(where, e.date, e.asked, e.took)
	f.certificate(where, e.ends, time.Now())
}
