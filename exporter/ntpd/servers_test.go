//go:build servers && linux

package ntpd_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fettle-io/fettle/exporter/ntpd"
)

// unpacked has what tools/install-servers.sh does not install: a time daemon that is
// installed pushes out the machine's own.
const unpacked = "../../.cache"

// started is a program in namespaces of the test, without the right to set a clock:
// the machine's is not this test's. It ends with the test.
func started(t *testing.T, env []string, argv ...string) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.Command("setpriv", append([]string{"--bounding-set=-sys_time", "--inh-caps=-sys_time"}, argv...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: tools/install-servers.sh unpacks it", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%v:\n%s", argv, log.String())
		}
	})
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(unpacked, path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: tools/install-servers.sh unpacks it", err)
	}
	return path
}

// ownNetwork puts the test's thread into a network of its own, in which port 123 is
// free, with two addresses. The thread ends with the test.
func ownNetwork(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // and is never unlocked: the thread is not fit for others
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatalf("make a network namespace: %v", err)
	}
	for _, args := range []string{"link set lo up", "addr add 192.0.2.1/32 dev lo", "addr add 192.0.2.2/32 dev lo"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", args, err, out)
		}
	}
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.Chmod(filepath.Dir(path), 0o750); err != nil { //nolint:gosec // chronyd wants it so
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func awaitStatus(t *testing.T, what string, ok func(ntpd.Status) bool) ntpd.Status {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		s, err := ntpd.Ask(ctx, ntpd.Address)
		cancel()
		if err == nil && ok(s) {
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s: %+v, %v", what, s, err)
		}
	}
}

// NTPsec's ntpd that follows a chronyd whose clock is ahead, and another one that is
// not there.
func TestRealNTPD(t *testing.T) {
	ownNetwork(t)
	server := written(t, "chrony.conf", "local stratum 5\nport 123\nbindaddress 192.0.2.1\nallow 192.0.2.0/24\ncmdport 0\n")
	server = written(t, "chrony.conf", fmt.Sprintf("include %s\nbindcmdaddress %s/command.sock\npidfile %[2]s/pid\n", server, filepath.Dir(server)))
	config := written(t, "ntp.conf", "interface ignore all\ninterface ignore wildcard\ninterface listen 127.0.0.1\ninterface listen 192.0.2.2\n"+
		"server 192.0.2.1 iburst minpoll 3 maxpoll 3\nserver 192.0.2.9 iburst minpoll 3 maxpoll 3\ntos minclock 1 minsane 1\nrestrict 127.0.0.1\n")

	faketime := absolute(t, "chrony/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
	started(t, []string{"LD_PRELOAD=" + faketime, "FAKETIME=+0.1s"}, absolute(t, "chrony/usr/sbin/chronyd"), "-d", "-x", "-u", "root", "-f", server)
	started(t, nil, absolute(t, "ntpsec/usr/sbin/ntpd"), "-n", "-c", config, "-l", filepath.Join(filepath.Dir(config), "log"), "-p", filepath.Join(filepath.Dir(config), "pid"))

	s := awaitStatus(t, "ntpd's answer", func(ntpd.Status) bool { return true })
	if s.Synchronised() {
		t.Errorf("synchronised before it can be: %+v", s)
	}
	s = awaitStatus(t, "it to follow its server", ntpd.Status.Synchronised)
	if s.System.Stratum != 6 || s.Reachable() != 1 || len(s.Sources) != 2 || s.System.Leap != ntpd.LeapNone || s.System.ReferenceID != "192.0.2.1" {
		t.Errorf("%+v", s)
	}
	// The kernel stamps what the server receives with the true time, and faketime what
	// it sends: half of the offset is seen, and the other half is delay.
	if s.System.Offset < 0.04 || s.System.Offset > 0.06 || s.System.RootDelay < 0.09 {
		t.Errorf("the source is %v s ahead at a delay of %v s, want 0.05 and 0.1", s.System.Offset, s.System.RootDelay)
	}
	if age := time.Since(s.System.ReferenceTime); age < 0 || age > time.Minute {
		t.Errorf("set at %s", s.System.ReferenceTime)
	}
}
