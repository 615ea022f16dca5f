package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/scorecard"
)

// body is what the tests read back of a message.
type body struct {
	Version string
	Alerts  []struct{ Labels map[string]string }
}

func parse(t *testing.T, data []byte) body {
	t.Helper()
	var b body
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return b
}

func TestEachNumberIsAnAlertOfItsOwn(t *testing.T) {
	m := newMessage(matchedName, 3)
	size := len(m.body)
	seen := map[string]bool{}
	for _, first := range []uint64{0, 3, 9_998, 123_456_789} {
		m.number(first)
		got := parse(t, m.body)
		if len(m.body) != size || got.Version != "4" || len(got.Alerts) != 3 {
			t.Fatalf("%d bytes, was %d: %+v", len(m.body), size, got)
		}
		for i, a := range got.Alerts {
			n := first + uint64(i)
			want := fmt.Sprintf("c%03d/m%03d %012d", n%targets/100, n%100, n)
			if have := a.Labels["cluster"] + "/" + a.Labels["member"] + " " + a.Labels["check"]; have != want || seen[have] {
				t.Errorf("alert %d is %s, want %s, for the first time", n, have, want)
			}
			seen[want] = true
		}
	}
	if name := targetName(10_123); name != "c001/m023" {
		t.Errorf("target 10,123 is %s", name)
	}
}

func TestAPostIsWhatAServerReads(t *testing.T) {
	p := newPost(newMessage(unmatchedName, 2), "/path", "secret")
	p.number(41)
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p.bytes)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	if req.URL.Path != "/path" || req.Header.Get("Authorization") != "Bearer secret" || req.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s with %v", req.URL, req.Header)
	}
	if got := parse(t, data); got.Alerts[1].Labels["check"] != "000000000042" {
		t.Errorf("the numbers are not in what is sent: %+v", got)
	}
}

// fakeReceiver takes messages and remembers the numbers of their alerts; answer, if
// set, answers message n instead.
type fakeReceiver struct {
	answer func(n int, w http.ResponseWriter) bool

	mu     sync.Mutex
	n      int
	checks []string
}

func (f *fakeReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var b body
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.n
	f.n++
	if f.answer != nil && f.answer(n, w) {
		return
	}
	for _, a := range b.Alerts {
		f.checks = append(f.checks, a.Labels["check"])
	}
	fmt.Fprint(w, `{"seq":1}`)
}

func loadAt(t *testing.T, f *fakeReceiver) load {
	t.Helper()
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return load{address: srv.Listener.Addr().String(), path: "/", message: newMessage(unmatchedName, 5), connections: 4, first: 100}
}

func TestALoadSendsEveryNumberOnce(t *testing.T) {
	for _, rate := range []float64{0, 2000} {
		f := &fakeReceiver{}
		l := loadAt(t, f)
		l.messages, l.rate = 40, rate
		s := l.run(t.Context())
		if err := s.unanswered(); err != nil || s.alerts != 200 || len(s.latency) != 40 {
			t.Fatalf("rate %v: %v, %d alerts, %d latencies", rate, err, s.alerts, len(s.latency))
		}
		slices.Sort(f.checks)
		if n := len(slices.Compact(slices.Clone(f.checks))); n != 200 || f.checks[0] != "000000000100" || f.checks[199] != "000000000299" {
			t.Errorf("rate %v: %d numbers, from %s to %s", rate, n, f.checks[0], f.checks[len(f.checks)-1])
		}
	}
}

// In open loop an answer that is late is also late for those that wait behind it:
// their latency counts from when they were due.
func TestLatencyCountsFromTheSchedule(t *testing.T) {
	const held = 200 * time.Millisecond
	f := &fakeReceiver{}
	f.answer = func(n int, _ http.ResponseWriter) bool {
		if n == 0 {
			time.Sleep(held)
		}
		return false
	}
	l := loadAt(t, f)
	l.connections, l.messages, l.rate = 1, 20, 100 // all of them are due within 200 ms
	s := l.run(t.Context())
	if err := s.unanswered(); err != nil {
		t.Fatal(err)
	}
	behind := 0
	for _, d := range s.latency {
		if d >= held/4 {
			behind++
		}
	}
	if behind < 10 {
		t.Errorf("%d messages waited for the first one, want at least half of them: %v", behind, s.latency)
	}
}

func TestWhatIsNotAnswered200IsNotAcknowledged(t *testing.T) {
	f := &fakeReceiver{}
	f.answer = func(n int, w http.ResponseWriter) bool {
		switch {
		case n%4 == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n%4 == 2: // hangs up
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
		case n%4 == 3:
			w.Header().Set("Connection", "close")
			return false
		default:
			return false
		}
		return true
	}
	l := loadAt(t, f)
	l.messages, l.connections = 40, 1
	s := l.run(t.Context())
	if s.ok != 20 || s.alerts != 100 || s.statuses[503] != 10 || s.unanswered() == nil || len(f.checks) != 100 {
		t.Errorf("%d answered, %d alerts, statuses %v, %v", s.ok, s.alerts, s.statuses, s.unanswered())
	}
}

func TestALoadIsGivenUp(t *testing.T) {
	l := loadAt(t, &fakeReceiver{})
	l.messages, l.rate, l.longest = 1000, 10, 50*time.Millisecond
	if s := l.run(t.Context()); s.messages == 0 || s.messages > 100 {
		t.Errorf("%d messages were sent", s.messages)
	}
}

func TestFigures(t *testing.T) {
	for _, c := range []struct {
		f    figure
		want string
	}{
		{figure{name: "a", value: 21674.4, unit: "alerts/s", limit: &limit{20000, atLeast}}, "a: 21,674 alerts/s (wanted ≥ 20,000 alerts/s: ok)"},
		{figure{name: "b", value: 10, unit: "ms", limit: &limit{10, below}}, "b: 10 ms (wanted < 10 ms: MISSED)"},
		{figure{name: "c", value: 3, limit: &limit{4, exactly}}, "c: 3 (wanted = 4: MISSED)"},
		{figure{name: "d", value: 0, limit: &limit{0, above}}, "d: 0 (wanted > 0: MISSED)"},
		{figure{name: "e", value: 1.437, unit: "%", note: "of it"}, "e: 1.44%; of it"},
		{figure{name: "f", value: 87.13}, "f: 87.1"},
	} {
		if got := c.f.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestTheTableTellsAMiss(t *testing.T) {
	var tab table
	tab.section("one")
	tab.add(figure{name: "fast", value: 2, limit: &limit{1, atLeast}})
	var out strings.Builder
	if tab.write(&out) {
		t.Errorf("a miss where there is none:\n%s", out.String())
	}
	tab.section("two")
	tab.add(figure{name: "slow", value: 2, limit: &limit{1, below}})
	out.Reset()
	if !tab.write(&out) || !strings.Contains(out.String(), "1 of 2 figures missed their limit") {
		t.Errorf("no miss:\n%s", out.String())
	}
}

func TestQuantiles(t *testing.T) {
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(i+1))
	}
	if quantile(nil, .5) != 0 || quantile(all, .5) != 51 || quantile(all, .99) != 100 || quantile(all, 1) != 100 {
		t.Errorf("%d %d %d", quantile(all, .5), quantile(all, .99), quantile(all, 1))
	}
	if median(nil) != 0 || median([]float64{3, 1, 2}) != 2 {
		t.Error("median")
	}
}

func TestSectionsByName(t *testing.T) {
	all, err := choose("")
	if err != nil || len(all) != len(sections()) {
		t.Fatalf("%d sections, %v", len(all), err)
	}
	some, err := choose("storm,acknowledge")
	if err != nil || len(some) != 2 || some[0].name != "acknowledge" || some[1].name != "storm" {
		t.Errorf("%v, %v", some, err)
	}
	if _, err := choose("strom"); err == nil || !strings.Contains(err.Error(), "want one of") {
		t.Errorf("got %v", err)
	}
}

func TestFiguresOfABenchmark(t *testing.T) {
	got := benchmarkFigures("goos: linux\nBenchmarkGroupCommit-2   \t       1\t    0 ns/op\t        84.50 %-of-raw\t    280123 journal-records/s\nPASS\n")
	if len(got) != 3 || got["%-of-raw"] != 84.5 || got["journal-records/s"] != 280123 {
		t.Errorf("got %v", got)
	}
}

func TestTheScorecardTakesTheStorm(t *testing.T) {
	var tab table
	tab.section("storm")
	tab.add(figure{name: "1 message, resident at most", value: 200, unit: "MiB", limit: &limit{256, below}})
	tab.add(figure{name: "1 message, runs opened", value: 3})
	tab.section("million")
	tab.add(figure{name: "start", value: 1, limit: &limit{2, below}})
	if tab.storm() != "1 message, resident at most 200 MiB" {
		t.Errorf("got %q", tab.storm())
	}
	dir := t.TempDir()
	want := scorecard.Figure{Row: stormRow, Package: "internal/webhookbench", Test: "storm", Figure: tab.storm(), Revision: "abc"}
	if err := writeScore(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := scorecard.Figures(dir)
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v, %v", got, err)
	}
}
