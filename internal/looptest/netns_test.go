//go:build servers

package looptest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// needRoot: what makes namespaces needs root, and is not skipped without it.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("namespaces need root: run `make test-servers` as root")
	}
}

// dialIn connects from within a network namespace, named by its file.
func dialIn(namespace string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // for good: the thread ends with the goroutine
			fd, oerr := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err = oerr; err != nil {
				return
			}
			defer unix.Close(fd)
			if err = unix.Setns(fd, unix.CLONE_NEWNET); err == nil {
				conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
			}
		}()
		<-done
		return conn, err
	}
}

// hosts are network namespaces on one bridge, which has a namespace of its own:
// nothing touches this machine's network.
type hosts struct {
	t     testing.TB
	names map[string]string // of namespaces
	addrs map[string]string
}

// newHosts makes a host for each name.
func newHosts(t testing.TB, names ...string) *hosts {
	t.Helper()
	needRoot(t)
	h := &hosts{t: t, names: map[string]string{}, addrs: map[string]string{}}
	h.add("switch")
	h.ip("-n", h.names["switch"], "link", "add", "br0", "type", "bridge")
	h.ip("-n", h.names["switch"], "link", "set", "br0", "up")
	for i, name := range names {
		h.add(name)
		port := fmt.Sprintf("port%d", i)
		h.addrs[name] = fmt.Sprintf("10.99.0.%d", 10+i)
		h.ip("link", "add", "eth0", "netns", h.names[name], "type", "veth", "peer", "name", port, "netns", h.names["switch"])
		h.ip("-n", h.names["switch"], "link", "set", port, "master", "br0", "up")
		h.ip("-n", h.names[name], "addr", "add", h.addrs[name]+"/24", "dev", "eth0")
		h.ip("-n", h.names[name], "link", "set", "eth0", "up")
	}
	return h
}

func (h *hosts) add(name string) {
	h.t.Helper()
	h.names[name] = fmt.Sprintf("fettle-%d-%s", os.Getpid(), name)
	h.ip("netns", "add", h.names[name])
	h.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", h.names[name]).Run() })
	h.ip("-n", h.names[name], "link", "set", "lo", "up")
}

// cut has one host no longer answer another: what it is sent arrives, and nothing
// comes back. heal takes it back.
func (h *hosts) cut(host, from string) {
	h.t.Helper()
	h.ip("-n", h.names[host], "route", "add", "blackhole", h.addrs[from]+"/32")
}

func (h *hosts) heal(host, from string) {
	h.t.Helper()
	h.ip("-n", h.names[host], "route", "del", "blackhole", h.addrs[from]+"/32")
}

func (h *hosts) file(host string) string { return "/run/netns/" + h.names[host] }

// enter is what a command line begins with to run on a host.
func (h *hosts) enter(host string) []string {
	return []string{"nsenter", "--net=" + h.file(host), "--"}
}

func (h *hosts) ip(args ...string) {
	h.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		h.t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
}
