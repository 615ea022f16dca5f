package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// notifySocket is what systemd gives a unit of Type=notify: next reads what is told to it.
func notifySocket(t *testing.T) (next func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		b := make([]byte, 4096)
		if err := l.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := l.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

func TestSupervisorIsTold(t *testing.T) {
	next := notifySocket(t)
	t.Setenv("WATCHDOG_USEC", "150000")
	t.Setenv("WATCHDOG_PID", "")
	var said strings.Builder
	s := newSupervisor(slog.New(slog.NewTextHandler(&said, nil)))
	s.ready("127.0.0.1:9774")
	if got := next(); got != "READY=1\nSTATUS=takes messages on 127.0.0.1:9774" {
		t.Errorf("ready: %q", got)
	}
	ticks, stop := s.watchdog()
	defer stop()
	<-ticks
	s.feed(t.Context(), func(context.Context) error { return errors.New("stuck") })
	if !strings.Contains(said.String(), "stuck") {
		t.Errorf("an engine that does not answer is not told: %q", said.String())
	}
	s.feed(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	s.feed(t.Context(), func(context.Context) error { return nil })
	if got := next(); got != "WATCHDOG=1" { // the first two fed nothing
		t.Errorf("fed with %q", got)
	}
}

func TestWithoutSupervisor(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	if err := os.Unsetenv("WATCHDOG_USEC"); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	s := newSupervisor(slog.New(slog.NewTextHandler(&said, nil)))
	s.ready("127.0.0.1:9774")
	if ticks, _ := s.watchdog(); ticks != nil || said.Len() > 0 {
		t.Errorf("without systemd: ticks %v, said %q", ticks, said.String())
	}
}
