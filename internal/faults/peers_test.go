package faults

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// What receivers that run a command for an alert were seen to do, and fettle does not.

// steady are the engine's numbers but for those that only make a test wait.
const steady = "settle: 50ms, not_after: 1s"

// one is a fleet of n services and a fettle that serves.
func one(t *testing.T, n int, settings string) (*fleet, *server) {
	t.Helper()
	t.Parallel()
	f := newFleet(t, n)
	s := configure(t, f, options{settings: settings})
	s.start()
	return f, s
}

// mended waits until services have been restarted n times and no run is live. How the
// runs ended is not its question: a look that fails on a busy machine ends one as well.
func (s *server) mended(f *fleet, n int) audit {
	s.t.Helper()
	var a audit
	until(s.t, fmt.Sprintf("%d restarts, and the ends of their runs", n), func() error {
		if a = s.read(); f.counted() < n || a.intended() < n || len(a.live) > 0 {
			return fmt.Errorf("%d restarts, %d intents, %d live runs, outcomes %v", f.counted(), a.intended(), len(a.live), a.outcomes())
		}
		return nil
	})
	return a
}

// restarted wants so many restarts, each with an intent.
func (s *server) restarted(f *fleet, n int) {
	s.t.Helper()
	if got := f.counted(); got != n {
		s.t.Errorf("%d restarts, want %d", got, n)
	}
	s.read().excuses(s.t, f)
}

// On every peer: ten executions.
func TestSamePayloadTenTimes(t *testing.T) {
	f, s := one(t, 3, steady)
	f.crash("s01")
	same := body(t, down("s01"))
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if status, said := s.post(same, nil); status != http.StatusOK {
				t.Errorf("got %d: %s", status, said)
			}
		})
	}
	all.Wait()
	s.mended(f, 1)
	for range 10 {
		s.send(down("s01"))
	}
	s.send(down("s01").over())
	until(t, "the episode is closed", func() error {
		if len(s.read().opened) > 0 {
			return errNotYet
		}
		return nil
	})
	s.send(down("s01")) // late: a run that finds everything in order
	until(t, "the late one's run has ended", func() error {
		if s.read().outcomes()[repair.Noop] == 0 {
			return errNotYet
		}
		return nil
	})
	s.restarted(f, 1)
}

// On the peers: 200, and the command runs.
func TestWhatIsNoMessage(t *testing.T) {
	f, s := one(t, 3, steady)
	f.crash("s01")
	good := string(body(t, down("s01")))
	kind := func(value string) func(*http.Request) {
		return func(r *http.Request) {
			if r.Header.Del("Content-Type"); value != "" {
				r.Header.Set("Content-Type", value)
			}
		}
	}
	for _, c := range []struct {
		name   string
		body   string
		change func(*http.Request)
		status int
	}{
		{"malformed", good[:len(good)-2], nil, 400},
		{"not JSON", "s01 is down", nil, 400},
		{"twice", good + good, nil, 400},
		{"wrong content type", good, kind("text/plain"), 415},
		{"a form", good, kind("application/x-www-form-urlencoded"), 415},
		{"no content type", good, kind(""), 415},
		{"GET", good, func(r *http.Request) { r.Method = http.MethodGet }, 405},
	} {
		status, said := s.post([]byte(c.body), c.change)
		if status != c.status {
			t.Errorf("%s: got %d: %s, want %d", c.name, status, said, c.status)
		}
	}
	if a := s.read(); len(a.received) > 0 || a.intended() > 0 {
		t.Errorf("%d alerts were taken and %d steps begun from what is no message", len(a.received), a.intended())
	}
	s.send(down("s01"))
	s.mended(f, 1)
	s.restarted(f, 1)
}

// On seven peers the command runs for it.
func TestResolvedRunsNothing(t *testing.T) {
	f, s := one(t, 3, steady)
	f.crash("s01")
	s.send(down("s01").over())
	f.crash("s02")
	s.send(down("s02"))
	s.mended(f, 1) // of what came later
	if dead := f.dead(); len(dead) != 1 || dead[0] != "s01" {
		t.Errorf("dead are %v, want the one whose alert was resolved", dead)
	}
	s.restarted(f, 1)
}

// On the peers: run, with up to 241 MiB of memory. One alert of that size is none.
func TestFiftyMegabytes(t *testing.T) {
	f, s := one(t, 3, steady)
	f.crash("s01")
	monster := down("s01")
	monster.Annotations["description"] = strings.Repeat("it is down ", 50<<20/11)
	if status, said := s.post(body(t, monster), nil); status != http.StatusRequestEntityTooLarge {
		t.Errorf("one alert of 50 MB got %d: %s", status, said)
	}
	var alerts []notice
	for i := range 100 {
		big := other(fmt.Sprint(i))
		big.Annotations["description"] = strings.Repeat("it is down ", 512<<10/11)
		alerts = append(alerts, big)
	}
	alerts = append(alerts, down("s01"))
	s.send(alerts...)
	var acked receipts
	acked.keep(alerts...)
	s.mended(f, 1).holds(t, &acked)
	s.restarted(f, 1)
	mib := s.kilobytes("VmHWM") >> 10
	t.Logf("%d MiB at most", mib)
	if mib > 256 {
		t.Errorf("%d MiB of memory for messages of 50 MB", mib)
	}
}

// On the peers: nothing is run again or all of it, the commands are orphaned, and what
// was answered 2xx is lost.
func TestKilledWithFiveRunning(t *testing.T) {
	f, s := one(t, 20, steady)
	five := f.names[:5]
	release := f.slow()
	var alerts []notice
	for _, name := range five {
		f.crash(name)
		alerts = append(alerts, down(name))
	}
	s.send(alerts...)
	s.holding(f, 5)
	s.kill()
	until(t, "its commands have died with it", func() error {
		if left := f.commands(); len(left) > 0 {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
	release()
	s.start()
	s.mended(f, 5)
	s.send(alerts...) // Alertmanager's repeat_interval
	s.restarted(f, 5)
	s.verify()
}

// holding waits until so many restart commands are held back.
func (s *server) holding(f *fleet, n int) {
	s.t.Helper()
	until(s.t, fmt.Sprintf("%d commands run", n), func() error {
		if got := f.held(); got < n {
			return fmt.Errorf("%d", got)
		}
		return nil
	})
}

// One peer drains. A message that is half there when SIGTERM comes is taken and
// answered; what runs is ended with fettle and resumed by the next one.
func TestTerminatedInTheMiddle(t *testing.T) {
	f, s := one(t, 10, steady)
	release := f.slow()
	f.crash("s01")
	s.send(down("s01"))
	s.holding(f, 1)
	late := other("half")
	whole := body(t, late)
	url := *s.url.Load()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = fmt.Fprintf(conn, "POST /api/v1/alertmanager HTTP/1.1\r\nHost: fettle\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", token("webhook"), len(whole))
	must(t, err)
	answer := bufio.NewReader(conn)
	resp, err := http.ReadResponse(answer, nil)
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusContinue { // which comes when fettle reads the body
		t.Fatalf("got %s", resp.Status)
	}
	_, err = conn.Write(whole[:len(whole)/2])
	must(t, err)
	must(t, s.proc.Signal(syscall.SIGTERM))
	until(t, "fettle takes no new connection", func() error {
		if status, _ := request(url+"/-/healthy", http.MethodGet, "operator", nil, nil); status != 0 {
			return fmt.Errorf("%d", status)
		}
		return nil
	})
	_, err = conn.Write(whole[len(whole)/2:])
	must(t, err)
	resp, err = http.ReadResponse(answer, nil)
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the message in the middle got %s", resp.Status)
	}
	s.stopped()
	if left := f.commands(); len(left) > 0 {
		t.Errorf("left running: %v", left)
	}
	var acked receipts
	acked.keep(late, down("s01"))
	s.read().holds(t, &acked)
	release()
	s.start()
	s.mended(f, 1)
	s.restarted(f, 1)
	s.verify()
}

// On the peers: 300 processes at once for 300 alerts.
func TestManySlowCommands(t *testing.T) {
	f, s := one(t, 3*crowd+10, steady+", sample: 500ms")
	release := f.slow()
	var alerts []notice
	for _, name := range f.names[:crowd] {
		f.crash(name)
		alerts = append(alerts, down(name))
	}
	var most atomic.Int64
	end := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			most.Store(max(most.Load(), int64(len(s.children()))))
			select {
			case <-end:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	s.send(alerts...)
	s.holding(f, 10) // the limit of live runs
	for range 20 {
		if n := f.held(); n > 10 {
			t.Errorf("%d commands run at once", n)
		}
		time.Sleep(10 * time.Millisecond)
	}
	close(end)
	watch.Wait()
	t.Logf("at most %d processes at once for %d alerts", most.Load(), crowd)
	if n := most.Load(); n > 40 {
		t.Errorf("%d processes at once for %d alerts", n, crowd)
	}
	release()
	until(t, "they go on", func() error {
		if n := f.counted(); n < 20 {
			return fmt.Errorf("%d restarts", n)
		}
		return nil
	})
	s.read().excuses(t, f)
}

// On the peers: E2BIG and 500, or 200 without running; one ran 45 of them.
func TestThreeThousandInOneGroup(t *testing.T) {
	f, s := one(t, 3, steady)
	f.crash("s02")
	var alerts []notice
	for i := range 2999 {
		alerts = append(alerts, other(fmt.Sprint(i)))
	}
	alerts = append(alerts, down("s02"))
	s.send(alerts...)
	var acked receipts
	acked.keep(alerts...)
	a := s.mended(f, 1)
	a.holds(t, &acked)
	s.restarted(f, 1)
}

// On a peer: panic, send on closed channel. On most: 5xx, which Alertmanager sends
// again, so that the repair runs again.
func TestCommandFailsAgainAndAgain(t *testing.T) {
	f, s := one(t, 4, "settle: 50ms, not_after: 300ms, cooldown: 0, attempts: 0, deadline: 100ms")
	var alerts []notice
	for _, name := range f.names {
		f.refuses(name, 1000)
		f.crash(name)
		alerts = append(alerts, down(name))
	}
	s.send(alerts...)
	until(t, "the commands have failed many times", func() error {
		for range 3 {
			s.send(alerts...) // is no reason to run more often
		}
		if n := len(s.read().answered); n < attacks {
			return fmt.Errorf("%d times", n)
		}
		return nil
	})
	for _, name := range f.names {
		f.refuses(name, 0)
	}
	until(t, "every service runs", func() error {
		if dead := f.dead(); len(dead) > 0 {
			return fmt.Errorf("dead: %v", dead)
		}
		return nil
	})
	s.mended(f, 4)
	a := s.read()
	if a.outcomes()[repair.Failed] == 0 || s.readiness() != http.StatusOK {
		t.Errorf("outcomes %v, readiness %d", a.outcomes(), s.readiness())
	}
	a.excuses(t, f)
	s.verify()
}

// With the engine's own numbers a command that fails is tried three times, and then a
// person is asked.
func TestCommandFailsIsGivenUp(t *testing.T) {
	f, s := one(t, 3, "settle: 50ms, not_after: 300ms, cooldown: 0, deadline: 100ms")
	f.refuses("s01", 1000)
	f.crash("s01")
	s.send(down("s01"))
	until(t, "fettle gives it up", func() error {
		for _, r := range s.read().finished {
			if r.Outcome == repair.Blocked && r.Guard == "attempts" {
				return nil
			}
		}
		return errNotYet
	})
	before := s.read().intended()
	for range 5 {
		s.send(down("s01"))
		time.Sleep(100 * time.Millisecond)
	}
	if after := s.read().intended(); before != 3 || after != 3 {
		t.Errorf("%d attempts, then %d, want three", before, after)
	}
}
