package servertest

import (
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"testing"
	"time"
)

// echoes says what it hears.
func echoes(c net.Conn) { _, _ = io.Copy(c, c) }

func relayed(t *testing.T) (*Relay, net.Conn) {
	t.Helper()
	r, err := NewRelay(Listen(t, echoes))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, dial(t, r)
}

func dial(t *testing.T, r *Relay) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(r.Port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// says writes text, unless it is "", and reads as much as want has, within a while.
func says(t *testing.T, c net.Conn, text, want string, within time.Duration) error {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	b := make([]byte, len(want))
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	if string(b) != want {
		t.Errorf("heard %q, want %q", b, want)
	}
	return nil
}

func TestRelayHolds(t *testing.T) {
	r, c := relayed(t)
	if err := says(t, c, "one", "one", time.Minute); err != nil {
		t.Fatal(err)
	}
	r.Hold()
	r.Hold() // twice is once
	if err := says(t, c, "two", "two", 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("held, it says %v", err)
	}
	r.Pass()
	if err := says(t, c, "", "two", time.Minute); err != nil {
		t.Errorf("what was held is lost: %v", err)
	}
}

func TestRelayCuts(t *testing.T) {
	r, c := relayed(t)
	if err := says(t, c, "one", "one", time.Minute); err != nil {
		t.Fatal(err)
	}
	r.Cut()
	if err := says(t, c, "", "two", time.Minute); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("cut, it says %v", err)
	}
	if err := says(t, dial(t, r), "", "three", time.Minute); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a new connection says %v", err)
	}
	r.Pass()
	if err := says(t, dial(t, r), "four", "four", time.Minute); err != nil {
		t.Error(err)
	}
}

func TestRelayTrickles(t *testing.T) {
	r, c := relayed(t)
	r.Trickle(10 * time.Millisecond)
	begun := time.Now()
	if err := says(t, c, "0123456789", "0123456789", time.Minute); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 100*time.Millisecond { // ten bytes, each of which waits
		t.Errorf("ten bytes took %s", took)
	}
}

// Close ends also who waits at the gate.
func TestRelayCloses(t *testing.T) {
	r, c := relayed(t)
	r.Hold()
	if _, err := io.WriteString(c, "one"); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := says(t, c, "", "x", time.Minute); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("closed, it says %v", err)
	}
}
