//go:build servers && linux

package exporter

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"
)

// systemBus starts a bus that would start timesyncd for who asks, as a real one does,
// and leaves a file behind if it is made to.
func systemBus(t *testing.T) (socket, started string) {
	t.Helper()
	dir := t.TempDir()
	socket, started = filepath.Join(dir, "bus"), filepath.Join(dir, "started")
	files := map[string]string{
		"bus.conf": fmt.Sprintf(`<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path=%s</listen><auth>EXTERNAL</auth><servicedir>%s</servicedir>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`, socket, dir),
		"timesync1.service": "[D-BUS Service]\nName=org.freedesktop.timesync1\nExec=/usr/bin/touch " + started + "\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	daemon := exec.Command("dbus-daemon", "--nofork", "--config-file="+filepath.Join(dir, "bus.conf"))
	daemon.Stderr = t.Output()
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	})
	waitFor(t, "the bus", func() bool {
		conn, err := net.Dial("unix", socket) // the file is there before anybody listens
		return err == nil && conn.Close() == nil
	})
	return socket, started
}

// fakeTimesyncd is no timesyncd: it has a fixed answer to GetAll.
type fakeTimesyncd map[string]dbus.Variant

// GetAll answers as org.freedesktop.DBus.Properties does.
func (f fakeTimesyncd) GetAll(string) (map[string]dbus.Variant, *dbus.Error) { return f, nil }

// Over a real bus, of which the first one asked must not start the service.
func TestTimesyncdOverARealBus(t *testing.T) {
	socket, started := systemBus(t)
	before := goleak.IgnoreCurrent()
	c := timeOf(t, timex{synchronised: true, maxError: 0.5})
	c.bus = socket
	got := gathered(t, c)
	between(t, got, `fettle_time_keeper_up{keeper="timesyncd"}`, 0, 0)
	between(t, got, "fettle_time_synchronised", 1, 1) // the kernel's word
	if _, err := os.Stat(started); err == nil {
		t.Error("asking started the service")
	}

	goleak.VerifyNone(t, before) // the connection was closed

	bus, err := dbus.Connect("unix:path=" + socket)
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	now := uint64(time.Now().UnixMicro()) //nolint:gosec // after 1970
	fake := fakeTimesyncd{
		"NTPMessage":       dbus.MakeVariant(ntpMessage{Stratum: 2, Packets: 1, Originate: now, Receive: now + 50_000, Transmit: now + 50_000, Destination: now}),
		"PollIntervalUSec": dbus.MakeVariant(uint64(64_000_000)),
		"ServerName":       dbus.MakeVariant("ntp.example"),
	}
	if err := bus.Export(fake, "/org/freedesktop/timesync1", "org.freedesktop.DBus.Properties"); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.RequestName("org.freedesktop.timesync1", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	got = gathered(t, c)
	between(t, got, `fettle_time_keeper_up{keeper="timesyncd"}`, 1, 1)
	between(t, got, `fettle_time_keeper_synchronised{keeper="timesyncd"}`, 1, 1)
	between(t, got, `fettle_time_offset_seconds{keeper="timesyncd"}`, -0.05, -0.05)
	between(t, got, `fettle_time_stratum{keeper="timesyncd"}`, 3, 3)

	// It keeps its last answer, also when the clock follows nothing any more.
	c.adjtimex = func() (timex, error) { return timex{}, nil }
	between(t, gathered(t, c), "fettle_time_synchronised", 0, 0)
}
