//go:build servers

package chrony_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/exporter/chrony"
	"github.com/fettle-io/fettle/internal/servertest"
)

// unpacked is where tools/install-servers.sh puts chrony and faketime: installed, chrony
// would push out the machine's own time daemon.
const unpacked = "../../.cache/chrony"

// chronyd starts one that touches no clock (-x), and returns where it takes commands and
// what ends it, which the test's end does too.
func chronyd(t *testing.T, config string, env ...string) (address string, end func()) {
	t.Helper()
	port := servertest.FreePort(t)
	_, end = chronydIn(t, config+fmt.Sprintf("cmdport %d\nbindcmdaddress 127.0.0.1\n", port), env...)
	return fmt.Sprintf("127.0.0.1:%d", port), end
}

// chronydIn starts one whose socket, command.sock, is in the folder that it returns.
func chronydIn(t *testing.T, config string, env ...string) (dir string, end func()) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Chmod(dir, 0o750); err != nil { //nolint:gosec // chronyd wants it so
		t.Fatal(err)
	}
	config += fmt.Sprintf("bindcmdaddress %s/command.sock\npidfile %[1]s/pid\n", dir)
	file := filepath.Join(dir, "chrony.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := filepath.Abs(filepath.Join(unpacked, "usr/sbin/chronyd"))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(program, "-d", "-x", "-u", "root", "-f", file)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: tools/install-servers.sh unpacks it", err)
	}
	end = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(func() {
		end()
		if t.Failed() {
			t.Logf("chronyd:\n%s", log.String())
		}
	})
	return dir, end
}

func awaitStatus(t *testing.T, address, what string, ok func(chrony.Status) bool) chrony.Status {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		s, err := chrony.Ask(ctx, address)
		cancel()
		if err == nil && ok(s) {
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s: %+v, %v", what, s, err)
		}
	}
}

// A client of two servers of which one is not there; the other's clock runs 100 seconds
// ahead. Then that one is gone as well.
func TestRealChronyd(t *testing.T) {
	faketime, err := filepath.Abs(filepath.Join(unpacked, "usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(faketime); err != nil {
		t.Fatalf("%v: tools/install-servers.sh unpacks it", err)
	}
	ntp := servertest.FreePort(t)
	server, end := chronyd(t, fmt.Sprintf("local stratum 8\nport %d\nbindaddress 127.0.0.1\nallow 127.0.0.1\n", ntp), "LD_PRELOAD="+faketime, "FAKETIME=+100s")
	s := awaitStatus(t, server, "the server's answer", func(chrony.Status) bool { return true })
	if s.Tracking.Stratum != 8 || s.Synchronised() || len(s.Sources) != 0 {
		t.Errorf("one that serves its own clock: %+v, synchronised %v", s, s.Synchronised())
	}

	client, _ := chronyd(t, fmt.Sprintf("server 127.0.0.1 port %d iburst minpoll -2 maxpoll 0\nserver 127.0.0.2 port %d iburst minpoll 0 maxpoll 0\n", ntp, ntp))
	s = awaitStatus(t, client, "a client that follows", chrony.Status.Synchronised)
	if s.Tracking.Stratum != 9 || s.Reachable() != 1 || len(s.Sources) != 2 {
		t.Errorf("stratum %d, %d of %d sources reachable, want 9, 1 of 2", s.Tracking.Stratum, s.Reachable(), len(s.Sources))
	}
	s = awaitStatus(t, client, "the offset", func(s chrony.Status) bool { return s.Tracking.Correction > 1 })
	if c := s.Tracking.Correction; c < 99 || c > 101 {
		t.Errorf("the clock is to be moved by %v s, want 100", c)
	}

	end()
	s = awaitStatus(t, client, "the loss of the server", func(s chrony.Status) bool { return s.Reachable() == 0 })
	if s.Synchronised() {
		t.Errorf("synchronised with no source: %+v", s)
	}
}

// One without a port for commands is asked over its socket.
func TestRealChronydWithoutAPort(t *testing.T) {
	dir, _ := chronydIn(t, "cmdport 0\nlocal stratum 7\nport 0\n")
	s := awaitStatus(t, filepath.Join(dir, "command.sock"), "its answer over the socket", func(chrony.Status) bool { return true })
	if s.Tracking.Stratum != 7 {
		t.Errorf("%+v", s)
	}
	left, err := filepath.Glob(filepath.Join(dir, "fettle.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
