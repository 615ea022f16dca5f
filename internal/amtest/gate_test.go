//go:build servers

package amtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// gate stands between the Alertmanagers and fettle. Each Alertmanager has a path of
// its own. What it does not refuse it hands on unchanged.
type gate struct {
	url string

	mu     sync.Mutex
	to     string        // fettle's webhook
	refuse int           // so many messages get 503, and fettle never sees them
	delay  time.Duration // answers are held back; fettle sees the message at once
	hold   chan struct{} // messages wait until it is closed; nil: they do not
	seen   []delivery
}

// delivery is one message that came, as it was answered.
type delivery struct {
	from   string // a or b
	body   message
	status int // 0: not yet answered, or the sender did not wait
}

// message is what the tests read of Alertmanager's.
type message struct {
	Receiver  string `json:"receiver"`
	Reason    string `json:"notification_reason"`
	Truncated int    `json:"truncatedAlerts"`
	URL       string `json:"externalURL"`
	Alerts    []struct {
		Status   string            `json:"status"`
		Labels   map[string]string `json:"labels"`
		StartsAt time.Time         `json:"startsAt"`
	} `json:"alerts"`
}

func newGate(t testing.TB) *gate {
	t.Helper()
	g := &gate{}
	srv := httptest.NewServer(g)
	g.url = srv.URL
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return g
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	d := delivery{from: strings.TrimPrefix(r.URL.Path, "/")}
	_ = json.Unmarshal(body, &d.body) // a body of another shape is for fettle to refuse
	g.mu.Lock()
	i := len(g.seen)
	g.seen = append(g.seen, d)
	hold, delay, refuse := g.hold, g.delay, g.refuse > 0
	if refuse {
		g.refuse--
	}
	g.mu.Unlock()

	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	status, said := http.StatusServiceUnavailable, []byte("not now")
	if !refuse {
		status, said = g.pass(r, body)
	}
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return
	}
	g.mu.Lock()
	g.seen[i].status = status
	g.mu.Unlock()
	w.WriteHeader(status)
	_, _ = w.Write(said)
}

// pass hands a message on; a fettle that does not answer is a 502.
func (g *gate) pass(r *http.Request, body []byte) (int, []byte) {
	g.mu.Lock()
	to := g.to
	g.mu.Unlock()
	req, err := http.NewRequestWithContext(r.Context(), r.Method, to, bytes.NewReader(body))
	if err != nil {
		return http.StatusBadGateway, nil
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return http.StatusBadGateway, []byte(err.Error())
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return http.StatusBadGateway, []byte(err.Error())
	}
	return resp.StatusCode, said
}

// set changes what the gate does from now on.
func (g *gate) set(change func(*gate)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

// deliveries are those that came so far.
func (g *gate) deliveries() []delivery {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]delivery(nil), g.seen...)
}

// count counts the deliveries that fit.
func (g *gate) count(fits func(delivery) bool) int {
	n := 0
	for _, d := range g.deliveries() {
		if fits(d) {
			n++
		}
	}
	return n
}

// polls stands between fettle and the Alertmanagers' API, and counts.
type polls struct {
	urls  []string
	asked []*atomic.Int64 // by Alertmanager: questions that were answered
	off   []*atomic.Bool  // by Alertmanager: answers are 502
}

func newPolls(t testing.TB, p pair) *polls {
	t.Helper()
	out := &polls{}
	for _, s := range p.both() {
		u, err := url.Parse(s.url())
		must(t, err)
		n, off := new(atomic.Int64), new(atomic.Bool)
		proxy := httputil.NewSingleHostReverseProxy(u)
		proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if off.Load() {
				w.WriteHeader(http.StatusBadGateway)
			} else {
				proxy.ServeHTTP(w, r)
			}
			n.Add(1)
		}))
		t.Cleanup(func() {
			srv.CloseClientConnections()
			srv.Close()
		})
		out.urls, out.asked, out.off = append(out.urls, srv.URL), append(out.asked, n), append(out.off, off)
	}
	return out
}

// answer has both answer, or neither.
func (p *polls) answer(yes bool) {
	for _, off := range p.off {
		off.Store(!yes)
	}
}

// again waits until both were asked, and answered, three times more: the second round
// began after now, and with the third fettle has what that one said.
func (p *polls) again(t testing.TB) {
	t.Helper()
	var from []int64
	for _, n := range p.asked {
		from = append(from, n.Load())
	}
	until(t, "fettle has polled three times more", func() error {
		for i, n := range p.asked {
			if n.Load() < from[i]+3 {
				return errNotYet
			}
		}
		return nil
	})
}

// first waits until both were asked once. A fettle that starts asks for every alert
// that they have: what is fired before that answer may come by it, past the gate.
func (p *polls) first(t testing.TB) {
	t.Helper()
	until(t, "fettle has polled once", func() error {
		for _, n := range p.asked {
			if n.Load() == 0 {
				return errNotYet
			}
		}
		return nil
	})
}
