//go:build servers && linux

package probe

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fettle-io/fettle/cluster"
)

// alone puts the test's thread into a network of its own, with a loopback, and runs
// commands there. The thread ends with the test.
func alone(t *testing.T) (run func(command string)) {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: no other goroutine may get it
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	run = func(command string) {
		t.Helper()
		words := strings.Fields(command)
		if out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	run("ip link set lo up")
	return run
}

// pinged makes a probe with ten packets, which take a second to send: on a busy machine, more.
func pinged(t *testing.T, p Probe, want string) Result {
	t.Helper()
	p.Kind = ICMP
	if p.ICMP.Packets == 0 {
		p.ICMP.Packets = 10
	}
	if p.Timeout == 0 {
		p.Timeout = 4 * time.Second
	}
	return once(t, p, want)
}

func TestICMP(t *testing.T) {
	run := alone(t)
	for _, target := range []string{"127.0.0.1", "::1", "localhost"} {
		got := pinged(t, Probe{Target: target, ICMP: ICMPOptions{Packets: 2, Replies: 2}}, "")
		if e := got.Echo; e == nil || *e != (Echo{2, 2, e.RTT}) || e.RTT <= 0 || e.RTT > time.Second {
			t.Errorf("%s: %+v", target, e)
		}
	}
	// Every second request is dropped, the first one among them.
	const drop = " INPUT -p icmp --icmp-type echo-request -m statistic --mode nth --every 2 --packet 0 -j DROP"
	run("iptables -A" + drop)
	got := pinged(t, Probe{Target: "127.0.0.1"}, "")
	if e := got.Echo; e == nil || e.Sent != 10 || e.Received != 5 {
		t.Errorf("every second one lost: %+v", e)
	}
	got = pinged(t, Probe{Target: "127.0.0.1", ICMP: ICMPOptions{Packets: 10, Replies: 6}}, Lost)
	if e := got.Echo; e == nil || e.Received != 5 || e.RTT <= 0 {
		t.Errorf("too many lost: %+v", e)
	}
	run("iptables -D" + drop)

	run("iptables -A INPUT -p icmp -j DROP")
	got = pinged(t, Probe{Target: "127.0.0.1", Timeout: 2 * time.Second, ICMP: ICMPOptions{Packets: 3}}, cluster.Timeout)
	if e := got.Echo; e == nil || *e != (Echo{3, 0, 0}) {
		t.Errorf("all lost: %+v", e)
	}
	run("iptables -F")
	pinged(t, Probe{Target: "127.0.0.1"}, "")

	run("iptables -A OUTPUT -p icmp -j DROP") // the kernel says so to who sends
	if got := pinged(t, Probe{Target: "127.0.0.1"}, Permission); got.Echo != nil {
		t.Errorf("nothing could be sent: %+v", got.Echo)
	}
	run("iptables -F")
	pinged(t, Probe{Target: "10.9.8.7"}, cluster.Timeout) // there is no way to it
	pinged(t, Probe{Target: "no-such-host.invalid"}, Unresolved)
}

// Replies to others, which a raw socket sees as well, are not counted.
func TestICMPCountsItsOwnReplies(t *testing.T) {
	run := alone(t)
	run("iptables -A INPUT -p icmp --icmp-type echo-request -m length --length 52 -j DROP") // 20 + 8 + 24 bytes: ours
	other := exec.CommandContext(t.Context(), "ping", "-q", "-i", "0.01", "127.0.0.1")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	got := pinged(t, Probe{Target: "127.0.0.1", Timeout: time.Second}, cluster.Timeout)
	if e := got.Echo; e == nil || e.Received != 0 {
		t.Errorf("counts %+v", e)
	}
}

// Without the right to raw sockets it works where the kernel lets the group ping, and
// says so where it does not.
func TestICMPWithoutRights(t *testing.T) {
	alone(t)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var rights [2]unix.CapUserData
	if err := unix.Capget(&header, &rights[0]); err != nil {
		t.Fatal(err)
	}
	rights[0].Effective &^= 1 << unix.CAP_NET_RAW
	if err := unix.Capset(&header, &rights[0]); err != nil { // of this thread alone
		t.Fatal(err)
	}
	got := pinged(t, Probe{Target: "127.0.0.1"}, Permission)
	if got.Echo != nil || !strings.Contains(got.Why, "ping_group_range") {
		t.Errorf("%+v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := Reply(ctx, "127.0.0.1"); !errors.Is(err, os.ErrPermission) {
		t.Errorf("Reply: %v", err)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 1"), 0); err != nil { // of this network alone
		t.Fatal(err)
	}
	for _, target := range []string{"127.0.0.1", "::1"} {
		if got := pinged(t, Probe{Target: target, ICMP: ICMPOptions{Packets: 2, Replies: 2}}, ""); got.Echo == nil || got.Echo.Received != 2 {
			t.Errorf("%s: %+v", target, got)
		}
	}
	if err := Reply(ctx, "localhost"); err != nil {
		t.Errorf("Reply: %v", err)
	}
}
