package line

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
)

var errBroken = errors.New("broken")

// stand is a Line over connections that are numbers.
type stand struct {
	*Line[int]
	now    time.Time
	dials  int
	closed []int
	refuse bool
}

func newStand() *stand {
	s := &stand{now: time.Unix(1000, 0)}
	s.Line = New(Options[int]{
		Dial: func(context.Context) (int, error) {
			s.dials++
			if s.refuse {
				return 0, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}
			return s.dials, nil
		},
		Close:  func(c int) { s.closed = append(s.closed, c) },
		Usable: func(err error) bool { return !errors.Is(err, errBroken) },
		Now:    func() time.Time { return s.now },
	})
	return s
}

func (s *stand) ask(t *testing.T, answer error) (conn int, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = s.Do(ctx, func(_ context.Context, c int) error {
		conn = c
		return answer
	})
	return conn, err
}

func TestOneConnectionIsKept(t *testing.T) {
	s := newStand()
	for range 3 {
		if c, err := s.ask(t, nil); err != nil || c != 1 {
			t.Fatalf("connection %d, %v", c, err)
		}
	}
	if c, err := s.ask(t, errors.New("no such table")); err == nil || c != 1 {
		t.Fatalf("connection %d, %v", c, err)
	}
	if c, err := s.ask(t, nil); err != nil || c != 1 || len(s.closed) != 0 {
		t.Errorf("an error that the server told ended the connection: %d, %v, closed %v", c, err, s.closed)
	}
	if _, err := s.ask(t, errBroken); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if c, err := s.ask(t, nil); err != nil || c != 2 || fmt.Sprint(s.closed) != "[1]" {
		t.Errorf("after a broken one: connection %d, %v, closed %v", c, err, s.closed)
	}
	s.Close()
	if _, err := s.ask(t, nil); !errors.Is(err, errClosed) || fmt.Sprint(s.closed) != "[1 2]" {
		t.Errorf("after Close: %v, closed %v", err, s.closed)
	}
}

func TestFailingAgainAndAgainIsLeftAlone(t *testing.T) {
	s := newStand()
	s.refuse = true
	var waits []time.Duration
	for range 7 {
		if _, err := s.ask(t, nil); Reason(err) != cluster.Refused {
			t.Fatal(err)
		}
		before := s.dials
		_, err := s.ask(t, nil)
		if p, ok := errors.AsType[*PausedError](err); ok {
			if s.dials != before || Reason(err) != cluster.Refused {
				t.Fatalf("dialled while it is left alone, or for another reason: %v", err)
			}
			waits = append(waits, p.For)
			s.now = s.now.Add(p.For)
		}
	}
	if got := fmt.Sprint(waits); got != "[1s 2s 4s 8s 10s 10s]" {
		t.Errorf("left alone for %s", got)
	}
	s.refuse = false
	if _, err := s.ask(t, nil); err != nil {
		t.Fatal(err)
	}
	s.refuse = true
	if _, err := s.ask(t, errBroken); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if _, err := s.ask(t, nil); Reason(err) != cluster.Refused {
		t.Errorf("the first failure after a success is followed by a pause: %v", err)
	}
}

func TestOneQuestionAtATime(t *testing.T) {
	s := newStand()
	begun, end := make(chan struct{}), make(chan struct{})
	first := make(chan error)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		first <- s.Do(ctx, func(context.Context, int) error {
			close(begun)
			<-end
			return nil
		})
	}()
	<-begun
	short, done := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer done()
	err := s.Do(short, func(context.Context, int) error { t.Error("two questions at a time"); return nil })
	if Reason(err) != cluster.Timeout {
		t.Errorf("got %v", err)
	}
	close(end)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestConnReadsWhatIsAllowed(t *testing.T) {
	address := servertest.Listen(t, func(c net.Conn) { _, _ = io.WriteString(c, strings.Repeat("x", 300)) })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := Dial(ctx, "tcp", address, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	total := func() (n int, err error) {
		for buf := make([]byte, 64); err == nil; {
			var k int
			k, err = c.Read(buf)
			n += k
		}
		return n, err
	}
	if n, err := total(); n != 100 || Reason(err) != cluster.TooLarge {
		t.Errorf("%d bytes, then %v", n, err)
	}
	c.Allow()
	if n, err := total(); n != 100 || Reason(err) != cluster.TooLarge {
		t.Errorf("after Allow %d bytes, then %v", n, err)
	}
}

func TestWhyHasNoSecret(t *testing.T) {
	err := fmt.Errorf("login as fettle:canary-1234 failed\r\n%s", strings.Repeat("ä", 600))
	why := Why(err, "", "canary-1234")
	if strings.Contains(why, "canary") || strings.ContainsAny(why, "\r\n") || len(why) > most || !strings.HasSuffix(why, "…") {
		t.Errorf("%d bytes: %q", len(why), why)
	}
	m := cluster.MemberView{Reachable: true}
	Blame(&m, &PausedError{For: time.Second, Last: Because(cluster.BadAuth, err)}, "canary-1234")
	if m.Reachable || m.Error != cluster.BadAuth || m.Pause != time.Second || strings.Contains(m.Why, "canary") {
		t.Errorf("%+v", m)
	}
}

func TestReason(t *testing.T) {
	for want, err := range map[string]error{
		"":               nil,
		cluster.Refused:  &net.OpError{Op: "dial", Err: syscall.ENOENT},
		cluster.Timeout:  fmt.Errorf("ask: %w", context.DeadlineExceeded),
		cluster.BadAuth:  fmt.Errorf("ask: %w", Because(cluster.BadAuth, errBroken)),
		cluster.TooLarge: &TooLargeError{Most: 1},
		cluster.BadTLS:   &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")},
		cluster.Other:    errBroken,
	} {
		if got := Reason(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

// What a library cannot read must not end the program, and is tried anew.
func TestPanicsAreErrors(t *testing.T) {
	s := newStand()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := s.Do(ctx, func(context.Context, int) error { panic("slice bounds out of range") })
	if Reason(err) != cluster.BadProtocol || fmt.Sprint(s.closed) != "[1]" {
		t.Errorf("%v, closed %v", err, s.closed)
	}
	s.o.Dial = nil // panics
	if _, err := s.ask(t, nil); Reason(err) != cluster.BadProtocol {
		t.Error(err)
	}
}

// Who asks in a hurry, again and again, has nobody left alone whom others ask with time.
func TestNoTimeIsNoFailureOfTheMember(t *testing.T) {
	s := newStand()
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		err := s.Do(ctx, func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return errors.Join(errBroken, ctx.Err())
		})
		cancel()
		if Reason(err) != cluster.Timeout {
			t.Fatal(err)
		}
	}
	if c, err := s.ask(t, nil); err != nil || c != 6 {
		t.Errorf("connection %d, %v", c, err)
	}
}
