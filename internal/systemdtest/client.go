//go:build linux

package systemdtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Client speaks HTTP with what listens inside; addresses are numbers, there is no name
// service.
func (h *Host) Client() *http.Client {
	return &http.Client{
		Timeout:   20 * time.Second,
		Transport: &http.Transport{DialContext: h.dial, DisableKeepAlives: true},
	}
}

// dial connects from within the network namespace.
func (h *Host) dial(ctx context.Context, network, address string) (net.Conn, error) {
	type answer struct {
		conn net.Conn
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		// A thread that changed its namespace is never given back: it ends with this goroutine.
		runtime.LockOSThread()
		conn, err := h.dialHere(ctx, network, address)
		answers <- answer{conn, err}
	}()
	a := <-answers
	return a.conn, a.err
}

func (h *Host) dialHere(ctx context.Context, network, address string) (_ net.Conn, err error) {
	space, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", h.PID))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, space.Close()) }()
	if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}
