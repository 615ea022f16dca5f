package connections_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fettle-io/fettle/internal/connections"
)

// server answers /, and POST /hold once release is closed; POST /refuse reads nothing.
type server struct {
	addr    string
	metrics *prometheus.Registry
	release chan struct{}
	held    chan struct{} // has one element for each request in /hold
	client  *http.Client
}

func serve(t *testing.T, most int, withTLS bool) *server {
	t.Helper()
	s := &server{metrics: prometheus.NewRegistry(), release: make(chan struct{}), held: make(chan struct{}, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprint(w, n) //nolint:errcheck // the client looks at it
	})
	mux.HandleFunc("/hold", func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		s.held <- struct{}{}
		<-s.release
	})
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	ts := httptest.NewUnstartedServer(mux)
	ts.Config = &http.Server{
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		Handler:  mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute,
	}
	ts.Listener = connections.New(most, s.metrics).Guard(ts.Config, ts.Listener)
	s.addr = ts.Listener.Addr().String()
	if withTLS {
		ts.EnableHTTP2 = true
		ts.StartTLS()
	} else {
		ts.Start()
	}
	s.client = ts.Client()
	t.Cleanup(func() {
		select {
		case <-s.release:
		default:
			close(s.release)
		}
		ts.Close()
	})
	return s
}

func (s *server) dial(t *testing.T, send string) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, send); err != nil {
		t.Fatal(err)
	}
	return c
}

// get asks over a connection of its own.
func (s *server) get(t *testing.T) {
	t.Helper()
	c := s.dial(t, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("not answered: %v", err)
	}
	resp.Body.Close() //nolint:errcheck // only read from
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("got %d", resp.StatusCode)
	}
}

// closed waits until the server has closed the connection.
func closed(t *testing.T, c net.Conn, within time.Duration) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("still open after %s", within)
	}
}

func (s *server) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// Whatever a connection is in the middle of, as long as its request has not come
// whole it gives way to a new one, and the one that has waited longest goes first.
func TestWhoWaitsLongestGivesWay(t *testing.T) {
	for name, sent := range map[string]string{
		"nothing":       "",
		"half a header": "POST / HTTP/1.1\r\nHost: x\r\nX-A",
		"half a body":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
		"half a chunk":  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc",
		"idling":        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, 3, false)
			var slow []net.Conn
			for range 3 {
				c := s.dial(t, sent)
				if strings.HasPrefix(sent, "GET") { // it idles once it has its answer
					if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil { //nolint:bodyclose // it has none that matters
						t.Fatal(err)
					}
				}
				slow = append(slow, c)
			}
			until(t, func() bool { return s.metric(t, "fettle_http_connections") == 3 })
			s.get(t)
			closed(t, slow[0], 10*time.Second)
			if n := s.metric(t, "fettle_http_connections_evicted_total"); n != 1 {
				t.Errorf("%v connections were closed, want one", n)
			}
		})
	}
}

// A request that has come whole is answered, however many others come: they wait.
func TestWhoIsBeingAnsweredStays(t *testing.T) {
	t.Parallel()
	s := serve(t, 2, false)
	const hold = "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
	first, second := s.dial(t, hold), s.dial(t, hold)
	<-s.held
	<-s.held
	third := s.dial(t, hold) // waits for a place
	close(s.release)
	for _, c := range []net.Conn{first, second, third} {
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close() //nolint:errcheck // only read from
	}
	if n := s.metric(t, "fettle_http_connections_evicted_total"); n != 0 {
		t.Errorf("%v connections were closed", n)
	}
	until(t, func() bool { return s.metric(t, "fettle_http_connections") == 0 })
}

// Slow ones are closed also where there is room for them.
func TestSlowOnesAreClosed(t *testing.T) {
	for name, sent := range map[string]string{
		"nothing":                  "",
		"headers":                  "POST / HTTP/1.1\r\nHost: x\r\nX-A",
		"a body":                   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
		"a chunked body":           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"the body of a refusal":    "POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
		"the body, later":          "GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
		"the chunks of a refusal":  "POST /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"headers that never begin": "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, 100, false)
			c := s.dial(t, sent)
			go func() { // a byte now and then
				for t.Context().Err() == nil {
					select {
					case <-t.Context().Done():
						return
					case <-time.After(300 * time.Millisecond):
					}
					if _, err := io.WriteString(c, "1"); err != nil {
						return
					}
				}
			}()
			closed(t, c, 10*time.Second)
		})
	}
}

// Who sends steadily has the time for it, up to half a minute.
func TestABodyThatKeepsComing(t *testing.T) {
	t.Parallel()
	s := serve(t, 2, false)
	r, w := io.Pipe()
	go func() {
		var err error
		for range 8 { // 7 s in all, each with 96 KiB
			_, err = io.WriteString(w, strings.Repeat("x", 96<<10))
			select {
			case <-t.Context().Done():
			case <-time.After(900 * time.Millisecond):
			}
		}
		w.CloseWithError(err)
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+"/", r)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != fmt.Sprint(8*96<<10) || resp.StatusCode != http.StatusOK {
		t.Errorf("%d %s (%v)", resp.StatusCode, b, err)
	}
}

// The answer may take longer than the request might have.
func TestAnAnswerMayTakeItsTime(t *testing.T) {
	t.Parallel()
	s := serve(t, 2, false)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	time.AfterFunc(6*time.Second, func() { close(s.release) })
	for range 2 { // the connection is good for another request
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+"/hold", strings.NewReader("abc"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close() //nolint:errcheck // only read from
	}
}

// Under TLS the limit is the same, with HTTP/1 and HTTP/2.
func TestTLS(t *testing.T) {
	t.Parallel()
	s := serve(t, 3, true)
	for range 3 {
		s.dial(t, "") // never shakes hands
	}
	until(t, func() bool { return s.metric(t, "fettle_http_connections") == 3 })
	for _, body := range []io.Reader{nil, strings.NewReader("abc"), struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 1<<20))}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.addr+"/", body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close() //nolint:errcheck // only read from
		if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
			t.Errorf("got %d over %s", resp.StatusCode, resp.Proto)
		}
	}
	if n := s.metric(t, "fettle_http_connections_evicted_total"); n != 1 {
		t.Errorf("%v connections were closed, want one", n)
	}
	config := s.client.Transport.(*http.Transport).TLSClientConfig.Clone() //nolint:errcheck // httptest's
	config.NextProtos = nil
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	defer old.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.addr+"/", strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := old.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close() //nolint:errcheck // only read from
	if resp.ProtoMajor != 1 {
		t.Errorf("over %s", resp.Proto)
	}
}

// A listener that waits for a place can be closed.
func TestCloseWhileFull(t *testing.T) {
	t.Parallel()
	s := serve(t, 1, false)
	s.dial(t, "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
	<-s.held
	s.dial(t, "") // Accept has it, and no place for it; the server is closed by the cleanup
}

func TestMetricsHaveNoProblems(t *testing.T) {
	s := serve(t, 1, false)
	if problems, err := testutil.GatherAndLint(s.metrics); err != nil || len(problems) > 0 {
		t.Errorf("%v (%v)", problems, err)
	}
}

func until(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("it does not come")
		}
		<-time.After(5 * time.Millisecond)
	}
}
