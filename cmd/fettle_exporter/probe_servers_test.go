//go:build servers && linux

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/systemdtest"
)

// In the sandbox of the unit that comes with fettle an ICMP probe has no right and says
// so; with what docs/collectors/probe.md says to add it works.
func TestICMPInTheSandbox(t *testing.T) {
	unit, err := os.ReadFile("../../deploy/systemd/fettle_exporter.service")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/collectors/probe.md")
	if err != nil {
		t.Fatal(err)
	}
	config := configFile(t, "probes:\n- {name: self, kind: icmp, target: 127.0.0.1}\n- {name: tcp, kind: tcp, target: \"127.0.0.1:9773\"}\n")
	text := strings.NewReplacer(
		"/usr/bin/fettle_exporter $FETTLE_EXPORTER_ARGS", systemdtest.Programs+"/fettle_exporter --web.listen-address=127.0.0.1:9773 --config.file="+systemdtest.Programs+"/exporter.yml",
		"User=fettle-exporter\nGroup=fettle-exporter\nSupplementaryGroups=fettle\n", "User=nobody\nGroup=nogroup\n", // the package makes those
	).Replace(string(unit))
	h := systemdtest.Start(t, map[string]string{"fettle_exporter.service": text}, map[string]string{"fettle_exporter": binary, "exporter.yml": config})
	await := func(want string) {
		t.Helper()
		var metrics string
		for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
			var err error
			if metrics, err = scrapeInside(t.Context(), h.Client()); err == nil && strings.Contains(metrics, "\n"+want+"\n") {
				return
			}
			if time.Now().After(end) {
				log, _ := h.Run("journalctl", "-u", "fettle_exporter.service", "--no-pager")
				t.Fatalf("no %s (%v)\n%s\n%s", want, err, log, metrics)
			}
		}
	}
	if _, err := h.Systemctl("start", "fettle_exporter.service"); err != nil {
		t.Fatal(err)
	}
	await(`fettle_probe_failure{cluster="",kind="icmp",member="",probe="self",reason="permission"} 1`)
	await(`fettle_probe_success{cluster="",kind="tcp",member="",probe="tcp"} 1`)

	dropIn := []string{"CapabilityBoundingSet=CAP_NET_RAW", "AmbientCapabilities=CAP_NET_RAW"}
	for _, line := range dropIn {
		if !strings.Contains(string(page), "`"+line+"`") {
			t.Errorf("the page does not say %s", line)
		}
	}
	const path = "/run/systemd/system/fettle_exporter.service.d"
	if out, err := h.Run("mkdir", "-p", path); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if out, err := h.Run("sh", "-c", "printf '[Service]\\n"+strings.Join(dropIn, "\\n")+"\\n' >"+path+"/icmp.conf"); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for _, do := range [][]string{{"daemon-reload"}, {"restart", "fettle_exporter.service"}} {
		if out, err := h.Systemctl(do...); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	await(`fettle_probe_success{cluster="",kind="icmp",member="",probe="self"} 1`)
	await(`fettle_probe_icmp_loss_ratio{cluster="",kind="icmp",member="",probe="self"} 0`)
}
