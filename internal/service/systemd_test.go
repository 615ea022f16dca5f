//go:build servers && linux

package service

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/systemdtest"
)

var update = flag.Bool("update", false, "write what systemd says of the units to testdata/units.json")

// patients are units whose process behaves as its flags say.
func patients() map[string]string {
	unit := func(args, more string) string {
		return "[Service]\nExecStart=/opt/fettle-test/patient " + args + "\n" + more + "\n[Install]\nWantedBy=default.target\n"
	}
	return map[string]string{
		"plain.service":      unit("", ""),
		"disabled.service":   unit("", ""),
		"never.service":      unit("", ""),
		"dirty.service":      unit("-on-term 7", ""),
		"deaf.service":       unit("-on-term -1", "TimeoutStopSec=200ms"),
		"slow-stop.service":  unit("-ready -on-term -1", "Type=notify\nTimeoutStopSec=1h"), // running: it ignores SIGTERM already
		"crash.service":      unit("-exit 3", ""),
		"clean.service":      unit("-exit 0", ""),
		"again.service":      unit("-exit 3", "Restart=always\nRestartSec=1h"),
		"limited.service":    "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=2\n" + unit("", ""),
		"not-ready.service":  unit("", "Type=notify\nTimeoutStartSec=infinity"),
		"late.service":       unit("", "Type=notify\nTimeoutStartSec=200ms"),
		"ready.service":      unit("-ready", "Type=notify\nTimeoutStartSec=7s\nTimeoutStopSec=3s"),
		"watched.service":    unit("-ready", "Type=notify\nWatchdogSec=100ms"),
		"short.service":      unit("", "RuntimeMaxSec=100ms"),
		"masked.service":     unit("", ""),
		"referred.service":   "[Service]\nExecStart=/opt/fettle-test/patient\n",
		"unreferred.service": "[Service]\nExecStart=/opt/fettle-test/patient\n",
		"referring.target":   "[Unit]\nWants=referred.service\n",
	}
}

type bench struct {
	*testing.T
	host    *systemdtest.Host
	systemd *Systemd
	seen    map[string]unit // captured, by the name of the case
}

func (b *bench) target(name string) cluster.Target {
	m := cluster.Member{Name: name, Unit: name + ".service"}
	return cluster.Target{Cluster: cluster.Cluster{Name: "c", Kind: cluster.KindService}, Member: m}
}

func (b *bench) status(name string) cluster.Service {
	b.Helper()
	s, err := b.systemd.Status(b.Context(), b.target(name))
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// reaches waits until a unit is in a state, and captures its properties there.
func (b *bench) reaches(name string, want cluster.ServiceState, purpose string) cluster.Service {
	b.Helper()
	var s cluster.Service
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if s = b.status(name); s.State == want && s.Purpose == purpose {
			break
		}
		if time.Now().After(deadline) {
			text, _ := b.host.Systemctl("show", name+".service")
			b.Fatalf("%s: want %s %q, is %+v\n%s", name, want, purpose, s, text)
		}
	}
	c, err := b.systemd.connect()
	if err != nil {
		b.Fatal(err)
	}
	u, _, err := ask(b.Context(), c, name+".service")
	if err != nil {
		b.Fatal(err)
	}
	key := name + " " + string(want)
	if purpose != "" {
		key += " " + purpose
	}
	b.seen[key] = u
	return s
}

func (b *bench) systemctl(args ...string) {
	b.Helper()
	if _, err := b.host.Systemctl(args...); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) start(name string) {
	b.Helper()
	if err := b.systemd.Start(b.Context(), b.target(name)); err != nil {
		b.Fatal(err)
	}
}

// failed waits until a unit has run and failed.
func (b *bench) failed(name string) {
	b.Helper()
	await(b.T, name+" has failed", func() bool {
		_, err := b.host.Systemctl("is-failed", name)
		return err == nil
	})
}

func TestSystemd(t *testing.T) {
	patient := filepath.Join(t.TempDir(), "patient")
	build := exec.Command("go", "build", "-o", patient, "./testdata/patient")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	units := patients()
	host := systemdtest.Start(t, units, map[string]string{"patient": patient})
	b := &bench{T: t, host: host, systemd: NewSystemd(SystemdOptions{Address: host.Address}), seen: map[string]unit{}}
	defer b.systemd.Close()
	// What lies in /etc cannot be masked.
	if _, err := host.Run("mv", "/etc/systemd/system/masked.service", "/usr/lib/systemd/system/"); err != nil {
		t.Fatal(err)
	}
	b.systemctl("daemon-reload")
	for name := range units {
		if strings.Contains(units[name], "[Install]") && name != "disabled.service" {
			b.systemctl("enable", name)
		}
	}

	t.Run("lifecycle", func(t *testing.T) {
		b.reaches("plain", cluster.ServiceDead, "")
		b.start("plain")
		first := b.reaches("plain", cluster.ServiceRunning, "")
		if len(first.Identity) != 32 || first.Age < 0 || first.Age > time.Minute || first.Wait != 180*time.Second {
			t.Errorf("running: %+v", first)
		}
		if err := b.systemd.Restart(t.Context(), b.target("plain")); err != nil {
			t.Fatal(err)
		}
		await(t, "another identity", func() bool {
			s := b.status("plain")
			return s.State == cluster.ServiceRunning && s.Identity != first.Identity
		})
		if err := b.systemd.Kill(t.Context(), b.target("plain"), first.Identity); !errors.Is(err, ErrIdentity) {
			t.Errorf("kill by the old identity: %v", err)
		}
		second := b.status("plain")
		if second.State != cluster.ServiceRunning {
			t.Errorf("after a refused kill: %+v", second)
		}
		if err := b.systemd.Kill(t.Context(), b.target("plain"), second.Identity); err != nil {
			t.Fatal(err)
		}
		dead := b.reaches("plain", cluster.ServiceDead, "")
		if dead.Identity != "" || dead.Age != 0 {
			t.Errorf("dead: %+v", dead)
		}
		if err := b.systemd.Kill(t.Context(), b.target("plain"), second.Identity); !errors.Is(err, ErrIdentity) {
			t.Errorf("kill what is dead: %v", err)
		}
		b.start("plain")
		b.reaches("plain", cluster.ServiceRunning, "")
	})
	t.Run("stopped on purpose", func(t *testing.T) {
		b.systemctl("stop", "plain")
		b.reaches("plain", cluster.ServiceStopped, "stopped")
		b.start("dirty")
		b.reaches("dirty", cluster.ServiceRunning, "")
		b.systemctl("stop", "dirty")
		b.reaches("dirty", cluster.ServiceStopped, "stopped")
		b.start("deaf")
		b.reaches("deaf", cluster.ServiceRunning, "")
		b.systemctl("stop", "deaf")
		b.reaches("deaf", cluster.ServiceStopped, "stopped")
		b.start("clean")
		b.reaches("clean", cluster.ServiceStopped, "stopped")
		b.reaches("disabled", cluster.ServiceStopped, "disabled")
		b.start("masked")
		b.reaches("masked", cluster.ServiceRunning, "")
		b.systemctl("mask", "masked")
		if s := b.status("masked"); s.State != cluster.ServiceRunning {
			t.Errorf("masked and still running: %+v", s)
		}
		b.systemctl("stop", "masked")
		b.reaches("masked", cluster.ServiceStopped, "masked")
		b.reaches("unreferred", cluster.ServiceStopped, "disabled")
	})
	t.Run("died", func(t *testing.T) {
		b.reaches("never", cluster.ServiceDead, "")
		b.start("crash")
		b.failed("crash")
		b.reaches("crash", cluster.ServiceDead, "")
		b.start("dirty")
		running := b.reaches("dirty", cluster.ServiceRunning, "")
		if err := b.systemd.Kill(t.Context(), b.target("dirty"), running.Identity); err != nil {
			t.Fatal(err)
		}
		b.reaches("dirty", cluster.ServiceDead, "")
		b.systemctl("reset-failed", "dirty")
		b.reaches("dirty", cluster.ServiceDead, "")
		for _, name := range []string{"late", "watched", "short"} {
			b.start(name)
			b.failed(name)
		}
		b.reaches("late", cluster.ServiceDead, "")
		b.reaches("watched", cluster.ServiceDead, "")
		b.reaches("short", cluster.ServiceDead, "")
		b.systemctl("start", "referring.target")
		b.reaches("referred", cluster.ServiceRunning, "")
		running = b.status("referred")
		if err := b.systemd.Kill(t.Context(), b.target("referred"), running.Identity); err != nil {
			t.Fatal(err)
		}
		b.reaches("referred", cluster.ServiceDead, "")
	})
	t.Run("about to restart itself", func(t *testing.T) {
		b.start("again")
		b.reaches("again", cluster.ServiceAutoRestart, "")
	})
	t.Run("started too often", func(t *testing.T) {
		b.start("limited")
		for range 3 {
			_, _ = b.host.Systemctl("kill", "--signal=KILL", "limited")
			await(t, "killed", func() bool { return b.status("limited").State == cluster.ServiceDead })
			_, _ = b.host.Systemctl("start", "limited")
		}
		b.reaches("limited", cluster.ServiceDead, "")
		if _, err := b.host.Systemctl("start", "limited"); err == nil {
			t.Fatal("want a unit that systemd refuses to start once more")
		}
		b.start("limited")
		b.reaches("limited", cluster.ServiceRunning, "")
	})
	t.Run("under way", func(t *testing.T) {
		b.start("not-ready")
		s := b.reaches("not-ready", cluster.ServiceStarting, "")
		if !s.Busy || s.Identity == "" || s.Wait != 10*time.Minute+90*time.Second {
			t.Errorf("starting: %+v", s)
		}
		for name, want := range map[string]time.Duration{"not-ready": 0, "late": 200 * time.Millisecond, "ready": 7 * time.Second} {
			if got, err := b.systemd.StartLimit(t.Context(), b.target(name)); err != nil || got != want {
				t.Errorf("start limit of %s: %s, %v, want %s", name, got, err, want)
			}
		}
		b.start("ready")
		if s := b.reaches("ready", cluster.ServiceRunning, ""); s.Wait != 10*time.Second {
			t.Errorf("ready: %+v", s)
		}
		b.start("slow-stop")
		b.reaches("slow-stop", cluster.ServiceRunning, "")
		b.systemctl("stop", "--no-block", "slow-stop")
		if s := b.reaches("slow-stop", cluster.ServiceStopping, ""); !s.Busy || s.Identity == "" {
			t.Errorf("stopping: %+v", s)
		}
	})
	t.Run("clear errors", func(t *testing.T) {
		_, err := b.systemd.Status(t.Context(), b.target("nothing"))
		if want := "c/nothing: systemd knows no unit nothing.service on this host: correct `unit` in fettle.yml, or install it"; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		err = b.systemd.Start(t.Context(), b.target("masked"))
		if err == nil || !strings.HasPrefix(err.Error(), "c/masked: systemctl start masked.service: ") || !strings.HasSuffix(err.Error(), "`systemctl unmask` lets it start") {
			t.Errorf("start what is masked: %v", err)
		}
	})
	t.Run("the bus goes away and comes back", func(t *testing.T) {
		b.systemctl("restart", "dbus.service")
		await(t, "asked again over a new connection", func() bool {
			s, err := b.systemd.Status(t.Context(), b.target("limited"))
			return err == nil && s.State == cluster.ServiceRunning
		})
	})
	if *update && !t.Failed() {
		text, err := json.MarshalIndent(b.seen, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/units.json", append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
