//go:build release && linux

package installtest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/systemdtest"
)

const debs = systemdtest.Programs + "/"

// What dpkg does to a machine, from the first installation to the purge.
func testDeb(t *testing.T, first, second map[string]string) {
	m := machine{t, systemdtest.StartClean(t, nil, map[string]string{
		"fettle-1.deb": first["fettle.deb"], "exporter-1.deb": first["fettle-exporter.deb"],
		"fettle-2.deb": second["fettle.deb"], "exporter-2.deb": second["fettle-exporter.deb"],
	})}
	m.must("apt-get", "install", "--yes", debs+"fettle-1.deb", debs+"exporter-1.deb")
	id := installed(m)
	hardened(m)
	watched(m)
	upgraded(m, id)
	removed(m, id)
}

// installed checks what is there right after the installation, but for what is named:
// both run with their defaults, observe, and have what they need and no more.
func installed(m machine, but ...string) (journal string) {
	m.t.Helper()
	m.await("active", "systemctl", "is-active", "fettle.service")
	m.await("active", "systemctl", "is-active", "fettle_exporter.service")
	for _, unit := range []string{"fettle.service", "fettle_exporter.service"} {
		if got := m.must("systemctl", "is-enabled", unit); got != "enabled" {
			m.t.Errorf("%s is %s", unit, got)
		}
	}
	if failed := m.must("systemctl", "--failed", "--no-legend", "--plain"); failed != "" {
		m.t.Errorf("failed units: %s", failed)
	}
	for path, want := range map[string]string{
		"/etc/fettle":             "root:fettle 2750",
		"/etc/fettle/playbooks":   "root:fettle 2750",
		"/etc/fettle/journal.key": "fettle:fettle 600",
		"/var/lib/fettle":         "fettle:fettle 700",
		"/var/lib/fettle/journal": "fettle:fettle 700",
		"/run/fettle":             "fettle:fettle 755",
		"/run/fettle/fettle.sock": "fettle:fettle 600",
		"/etc/default/fettle":     "root:root 644",
		"/usr/bin/fettle":         "root:root 755",
	} {
		if !slices.Contains(but, path) {
			m.is(path, want)
		}
	}

	s := status(m)
	if !s.Journal.Writable || s.Journal.Dir != "/var/lib/fettle/journal" || s.Config.File != "" {
		m.t.Errorf("status: %+v", s)
	}
	if got := m.must("systemctl", "show", "--property=StatusText", "--value", "fettle.service"); got != "takes messages on 127.0.0.1:9774" {
		m.t.Errorf("systemd was told %q", got)
	}
	if log := m.must("journalctl", "--no-pager", "--unit=fettle-journal.service"); !strings.Contains(log, "verifier key") {
		m.t.Errorf("the key that verifies the journal is not in the log:\n%s", log)
	}
	m.must("fettle", "journal", "verify", "/var/lib/fettle/journal")
	m.must("fettle", "check")
	return s.Journal.ID
}

type state struct {
	Version string `json:"version"`
	Journal struct {
		ID       string `json:"id"`
		Dir      string `json:"dir"`
		Writable bool   `json:"writable"`
	} `json:"journal"`
	Config struct {
		File string `json:"file"`
	} `json:"config"`
}

// status asks fettle over its unix socket, as root.
func status(m machine) (s state) {
	m.t.Helper()
	out := m.must("fettle", "status", "--output=json")
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
	return s
}

// hardened checks the running processes, and that the exporter still sees the machine
// and not the view that its unit makes for it.
func hardened(m machine) {
	m.t.Helper()
	for unit, want := range map[string][]string{
		"fettle.service":          {"CapEff:\t0000000000000004", "CapBnd:\t0000000000000004", "NoNewPrivs:\t1", "Seccomp:\t2"},
		"fettle_exporter.service": {"CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"},
	} {
		pid := m.must("systemctl", "show", "--property=MainPID", "--value", unit)
		text := m.must("cat", "/proc/"+pid+"/status")
		for _, line := range want {
			if !strings.Contains(text, line) {
				m.t.Errorf("%s: no %q in\n%s", unit, line, text)
			}
		}
		user := strings.TrimSuffix(strings.Replace(unit, "_", "-", 1), ".service")
		if got := m.must("stat", "--format=%U", "/proc/"+pid); got != user {
			m.t.Errorf("%s runs as %s, want %s", unit, got, user)
		}
	}
	metrics := m.get("http://127.0.0.1:9773/metrics")
	for _, want := range []string{
		`fettle_node_filesystem_readonly{device="overlay",fstype="overlay",mountpoint="/"} 0`,
		`fettle_node_memory_total_bytes`, `fettle_collector_success{collector="filesystem"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			m.t.Errorf("the exporter does not say %s:\n%s", want, metrics)
		}
	}
	for line := range strings.SplitSeq(metrics, "\n") {
		if strings.HasPrefix(line, "fettle_collector_success") && strings.HasSuffix(line, " 0") {
			m.t.Errorf("under its unit: %s", line)
		}
	}
}

// watched checks that the watchdog is fed while fettle runs, and ends a fettle that
// stands still.
func watched(m machine) {
	m.t.Helper()
	show := func(property string) string {
		return m.must("systemctl", "show", "--property="+property, "--value", "fettle.service")
	}
	const dropIn = "/etc/systemd/system/fettle.service.d"
	m.must("mkdir", dropIn)
	m.write(dropIn+"/test.conf", "[Service]\nWatchdogSec=1s\n")
	m.must("systemctl", "daemon-reload")
	m.must("systemctl", "restart", "fettle.service")
	for range 4 {
		last := show("WatchdogTimestampMonotonic")
		m.await("", "bash", "-c", `[ "$(systemctl show --property=WatchdogTimestampMonotonic --value fettle.service)" != `+last+` ]`)
	}
	if n := show("NRestarts"); n != "0" {
		m.t.Errorf("fettle was fed, and restarted %s times", n)
	}
	m.must("kill", "-STOP", show("MainPID"))
	m.await("1", "systemctl", "show", "--property=NRestarts", "--value", "fettle.service")
	m.await("active", "systemctl", "is-active", "fettle.service")
	m.must("fettle", "journal", "verify", "/var/lib/fettle/journal")
	m.must("rm", "-r", dropIn)
	m.must("systemctl", "daemon-reload")
	m.must("systemctl", "restart", "fettle.service")
}

// upgraded checks that an upgrade keeps what is a person's: configuration, what was
// disabled, the journal, and the brake.
func upgraded(m machine, journal string) {
	m.t.Helper()
	m.write("/etc/fettle/fettle.yml", "autonomy: {default: observe}\n")
	m.write("/etc/default/fettle", "FETTLE_ARGS=--log.level=debug\n")
	m.must("touch", "/run/fettle/pause")
	m.must("systemctl", "disable", "--now", "fettle_exporter.service")
	m.must("dpkg", "--install", "--force-confold", debs+"fettle-2.deb", debs+"exporter-2.deb")
	m.await("0.2.0", "fettle", "status")
	s := status(m)
	if s.Journal.ID != journal || s.Config.File != "/etc/fettle/fettle.yml" {
		m.t.Errorf("after the upgrade: %+v, want journal %s", s, journal)
	}
	m.has("/run/fettle/pause", true)
	if got := m.must("cat", "/etc/default/fettle"); got != "FETTLE_ARGS=--log.level=debug" {
		m.t.Errorf("the configuration of a person became %q", got)
	}
	if out, err := m.Run("systemctl", "is-active", "fettle_exporter.service"); err == nil {
		m.t.Errorf("what a person disabled is %s after the upgrade", out)
	}
	m.must("systemctl", "restart", "fettle.service")
	m.has("/run/fettle/pause", true) // the brake holds over a restart
	m.must("fettle", "journal", "verify", "--deep", "/var/lib/fettle/journal")
}

// removed checks what removal and purge take, and what they leave: what was done to
// machines is never forgotten.
func removed(m machine, journal string) {
	m.t.Helper()
	m.must("dpkg", "--remove", "fettle", "fettle-exporter")
	if out, err := m.Run("systemctl", "is-active", "fettle.service"); err == nil {
		m.t.Errorf("removed, and %s", out)
	}
	m.has("/usr/bin/fettle", false)
	m.has("/lib/systemd/system/fettle.service", false)
	m.has("/etc/default/fettle", true)
	m.has("/var/lib/fettle/journal", true)

	m.must("dpkg", "--install", debs+"fettle-2.deb") // it comes back, and is what it was
	m.await("active", "systemctl", "is-active", "fettle.service")
	if s := status(m); s.Journal.ID != journal {
		m.t.Errorf("installed again, with the journal %s, want %s", s.Journal.ID, journal)
	}
	out := m.must("dpkg", "--purge", "fettle", "fettle-exporter")
	if !strings.Contains(out, "/var/lib/fettle is kept") {
		m.t.Errorf("the purge does not tell what it keeps:\n%s", out)
	}
	m.has("/etc/default/fettle", false)
	m.has("/usr/share/fettle", false)
	m.has("/etc/systemd/system/multi-user.target.wants/fettle.service", false)
	m.is("/etc/fettle/journal.key", "fettle:fettle 600")
	m.is("/var/lib/fettle/journal", "fettle:fettle 700")
}

// testExporter installs the exporter alone: what is on every machine brings nothing that
// can act.
func testExporter(t *testing.T, files map[string]string) {
	m := machine{t, systemdtest.StartClean(t, nil, map[string]string{"exporter.deb": files["fettle-exporter.deb"]})}
	m.must("dpkg", "--install", debs+"exporter.deb")
	m.await("active", "systemctl", "is-active", "fettle_exporter.service")
	m.write("/etc/fettle/exporter.yml", "collectors: {disk: false}\n")
	m.must("chmod", "0640", "/etc/fettle/exporter.yml")
	m.is("/etc/fettle/exporter.yml", "root:fettle 640") // its user is not the group's only one
	m.must("systemctl", "reload", "fettle_exporter.service")
	m.await("disk=false", "bash", "-c", "journalctl --unit=fettle_exporter | grep -q 'Configuration loaded.*cpu memory load filesystem' && echo disk=false")
	m.has("/usr/bin/fettle", false)
	if out, err := m.Run("id", "fettle"); err == nil {
		t.Errorf("there is a user that could act: %s", out)
	}
	if metrics := m.get("http://127.0.0.1:9773/metrics"); !strings.Contains(metrics, "fettle_node_memory") {
		t.Errorf("no metrics of the machine:\n%s", metrics)
	}
}
