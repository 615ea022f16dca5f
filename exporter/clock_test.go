package exporter

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// clocked serves what an exporter says of its clock, which is ahead by so much.
func clocked(t *testing.T, ahead time.Duration) *httptest.Server {
	t.Helper()
	return serves(t, Clock(func() time.Time { return time.Now().Add(ahead) }))
}

func serves(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// clocksAt asks the exporter of members that are on one machine.
func clocksAt(t *testing.T, s *httptest.Server, members ...string) Clocks {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var c Clocks
	if c.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	for _, name := range members {
		c.Members = append(c.Members, cluster.Target{Cluster: cluster.Cluster{Name: "c"}, Member: cluster.Member{Name: name, Host: host}})
	}
	return c
}

// within checks a measured offset against the true one and the bound that is told.
func within(t *testing.T, got map[string]float64, member string, want time.Duration) (bound float64) {
	t.Helper()
	labels := `{cluster="c",member="` + member + `"}`
	between(t, got, "fettle_time_peer_reachable"+labels, 1, 1)
	bound, ok := got["fettle_time_peer_error_bound_seconds"+labels]
	if !ok || bound <= 0 {
		t.Errorf("a bound of %v", bound)
	}
	between(t, got, "fettle_time_peer_offset_seconds"+labels, want.Seconds()-bound, want.Seconds()+bound)
	return bound
}

// Two exporters of which one has a clock that is wrong: each sees the other's offset,
// with opposite signs.
func TestClocksOfTwoExporters(t *testing.T) {
	const ahead = 250 * time.Millisecond
	right, wrong := clocked(t, 0), clocked(t, ahead)
	fromRight := newClock(Host{Clocks: clocksAt(t, wrong, "m1", "m2")})
	fromWrong := newClock(Host{Clocks: clocksAt(t, right, "m3")}).(*clockCollector)
	fromWrong.now = func() time.Time { return time.Now().Add(ahead) }
	got := gathered(t, fromRight)
	within(t, got, "m1", ahead)
	within(t, got, "m2", ahead)
	if len(got) != 6 {
		t.Errorf("got %v", got)
	}
	within(t, gathered(t, fromWrong), "m3", -ahead)
}

// A way there that is slower than the way back makes the bound larger, and the offset
// stays within it.
func TestClocksOverAnUnevenWay(t *testing.T) {
	const slow = 20 * time.Millisecond
	exporter := Clock(time.Now)
	s := serves(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(slow) // before the clock is read: it is the way there that is slow
		exporter.ServeHTTP(w, r)
	}))
	bound := within(t, gathered(t, newClock(Host{Clocks: clocksAt(t, s, "m1")})), "m1", 0)
	if bound < slow.Seconds()/2 {
		t.Errorf("a bound of %v where one way took %v longer", bound, slow)
	}
}

func TestClockThatIsSetInBetween(t *testing.T) {
	asked := 0
	c := newClock(Host{Clocks: clocksAt(t, serves(t, Clock(func() time.Time {
		asked++
		if asked > clockExchanges {
			return time.Now().Add(time.Hour)
		}
		return time.Now()
	})), "m1")})
	got := gathered(t, c)
	between(t, got, `fettle_time_peer_reachable{cluster="c",member="m1"}`, 1, 1)
	if len(got) != 1 {
		t.Errorf("got %v", got)
	}
	within(t, gathered(t, c), "m1", time.Hour)
}

func TestAgreedInterval(t *testing.T) {
	for name, tc := range map[string]struct {
		all  []exchange
		want interval
		err  error
	}{
		"none":          {nil, interval{}, errStepped},
		"one":           {[]exchange{{1000, 1600, 1610, 1110}}, interval{500, 600}, nil},
		"the narrowest": {[]exchange{{1000, 1600, 1610, 1110}, {2000, 2570, 2571, 2030}}, interval{541, 570}, nil},
		"overlapping":   {[]exchange{{0, 100, 100, 80}, {0, 60, 60, 50}}, interval{20, 60}, nil},
		"a step":        {[]exchange{{0, 100, 100, 80}, {0, 10, 10, 80}}, interval{}, errStepped},
		"behind":        {[]exchange{{1000, 900, 900, 1010}}, interval{-110, -100}, nil},
	} {
		got, err := agreed(tc.all)
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s: %v, %v, want %v, %v", name, got, err, tc.want, tc.err)
		}
	}
}

// One that is not there is told by its state alone; one that says something else, or
// lets nobody in, is an error as well.
func TestClocksThatCannotBeRead(t *testing.T) {
	gone := clocked(t, 0)
	gone.Close()
	text := func(code int, text string) *httptest.Server {
		return serves(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, text)
		}))
	}
	awake := make(chan struct{})
	mute := serves(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-awake }))
	defer close(awake)
	for name, tc := range map[string]struct {
		server *httptest.Server
		want   string // in the error
	}{
		"gone":            {gone, ""},
		"mute":            {mute, ""},
		"an old exporter": {text(404, "404 page not found\n"), "404"},
		"a locked door":   {text(401, "Unauthorized\n"), "401"},
		"a web page":      {text(200, "<html>"), "want two moments"},
		"one moment":      {text(200, "1800000000000000000\n"), "want two moments"},
		"a negative one":  {text(200, "-5 1800000000000000000\n"), "want two moments"},
		"a flood":         {text(200, strings.Repeat("1", 1000)), "more than 128 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock(Host{Clocks: clocksAt(t, tc.server, "m1")}).(*clockCollector)
			if name == "mute" {
				c.timeout = 50 * time.Millisecond
			}
			r := readOnce(t, c)
			if (r.err == nil) != (tc.want == "") || r.err != nil && !strings.Contains(r.err.Error(), tc.want) {
				t.Errorf("got %v, want %q", r.err, tc.want)
			}
			got := series(t, registryOf(t, c, r))
			between(t, got, `fettle_time_peer_reachable{cluster="c",member="m1"}`, 0, 0)
			if len(got) != 1 {
				t.Errorf("got %v", got)
			}
		})
	}
}

// The password is read anew each time, and stands in no error.
func TestClocksBehindAPassword(t *testing.T) {
	const canary = "canary-4711"
	exporter := Clock(time.Now)
	s := serves(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "fettle" || password != canary {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		exporter.ServeHTTP(w, r)
	}))
	file := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	clocks := clocksAt(t, s, "m1")
	clocks.Read = cluster.Login{Username: "fettle", PasswordFile: file}
	c := newClock(Host{Clocks: clocks})
	write(canary + "-old\n")
	if r := readOnce(t, c); r.err == nil || strings.Contains(r.err.Error(), canary) {
		t.Errorf("got %v", r.err)
	}
	write(canary + "\n")
	within(t, gathered(t, c), "m1", 0)
}

func TestClockIsOnlyRead(t *testing.T) {
	w := httptest.NewRecorder()
	Clock(time.Now).ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodPost, ClockPath, nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET" {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
}

func TestNoClocks(t *testing.T) {
	if got := gathered(t, newClock(Host{})); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
