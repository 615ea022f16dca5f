//go:build linux

// Package netnstest makes hosts for tests: network namespaces on one switch, in which
// real servers run that want a network of their own. It needs root.
package netnstest

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fettle-io/fettle/internal/servertest"
)

// Host is a network namespace with one interface, e0.
type Host struct {
	Address string // 10.99.0.1, 10.99.0.2 …

	t         testing.TB
	namespace string
	port      string // of the switch
	sw        string
}

// Start makes n hosts that reach one another, and takes them away with the test.
func Start(t testing.TB, n int) []*Host {
	t.Helper()
	sw := fmt.Sprintf("fettle-%d-sw", os.Getpid())
	namespace(t, sw)
	run(t, "ip", "-n", sw, "link", "add", "br0", "type", "bridge")
	run(t, "ip", "-n", sw, "link", "set", "br0", "up")
	var hosts []*Host
	for i := range n {
		h := &Host{
			Address: fmt.Sprintf("10.99.0.%d", i+1), t: t,
			namespace: fmt.Sprintf("fettle-%d-%d", os.Getpid(), i+1), port: fmt.Sprintf("p%d", i+1), sw: sw,
		}
		namespace(t, h.namespace)
		run(t, "ip", "-n", h.namespace, "link", "add", "e0", "type", "veth", "peer", "name", h.port, "netns", sw)
		run(t, "ip", "-n", sw, "link", "set", h.port, "master", "br0", "up")
		run(t, "ip", "-n", h.namespace, "addr", "add", h.Address+"/24", "dev", "e0")
		run(t, "ip", "-n", h.namespace, "link", "set", "e0", "up")
		hosts = append(hosts, h)
	}
	return hosts
}

func namespace(t testing.TB, name string) {
	t.Helper()
	run(t, "ip", "netns", "add", name)
	t.Cleanup(func() {
		// Its context has ended with the test.
		if out, err := exec.CommandContext(context.Background(), "ip", "netns", "delete", name).CombinedOutput(); err != nil {
			t.Errorf("ip netns delete %s: %v: %s", name, err, out)
		}
	})
	run(t, "ip", "-n", name, "link", "set", "lo", "up")
}

func run(t testing.TB, argv ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput(); err != nil { //nolint:gosec // the tests' own words
		t.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, out)
	}
}

// Cut takes the host off the switch, whose link stays up; Join puts it back.
func (h *Host) Cut() {
	h.t.Helper()
	run(h.t, "ip", "-n", h.sw, "link", "set", h.port, "nomaster")
}

// Join puts the host back on the switch.
func (h *Host) Join() {
	h.t.Helper()
	run(h.t, "ip", "-n", h.sw, "link", "set", h.port, "master", "br0")
}

// Deafen loses what the host sends to another one, which it still hears; Hear ends that.
func (h *Host) Deafen(to *Host) {
	h.t.Helper()
	run(h.t, "ip", "-n", h.namespace, "route", "add", "blackhole", to.Address+"/32")
}

// Hear lets another host hear this one again.
func (h *Host) Hear(to *Host) {
	h.t.Helper()
	run(h.t, "ip", "-n", h.namespace, "route", "delete", "blackhole", to.Address+"/32")
}

// Reach is an address on the test's own loopback behind which is this one on the host,
// also while the host is cut off from the others: so one who looks still sees it. Where
// nobody listens on the host, a connection is ended instead of refused.
func (h *Host) Reach(address string) string {
	h.t.Helper()
	return servertest.Listen(h.t, func(in net.Conn) {
		out, err := h.dial(address)
		if err != nil {
			return
		}
		defer func() { _ = out.Close() }() // it is over
		go func() {
			defer func() { _ = out.Close() }() // ends the other way, too
			_, _ = io.Copy(out, in)
		}()
		_, _ = io.Copy(in, out)
	})
}

func (h *Host) dial(address string) (conn net.Conn, err error) {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // as in Do
		var failed error
		if err := h.enter(func() { conn, failed = net.Dial("tcp", address) }); err != nil {
			failed = err
		}
		done <- failed
	}()
	err = <-done
	return conn, err
}

// Argv is a command line that runs argv on the host, as the same process.
func (h *Host) Argv(argv ...string) []string {
	return append([]string{"ip", "netns", "exec", h.namespace}, argv...)
}

// Do calls fn with the host's network: what fn itself opens, on its own goroutine.
func (h *Host) Do(fn func()) {
	h.t.Helper()
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		failed <- h.enter(fn)
	}()
	if err := <-failed; err != nil {
		h.t.Fatal(err)
	}
}

func (h *Host) enter(fn func()) error {
	f, err := os.Open("/run/netns/" + h.namespace)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter %s: %w", h.namespace, err)
	}
	fn()
	return nil
}
