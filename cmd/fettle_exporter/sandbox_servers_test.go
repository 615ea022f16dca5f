//go:build servers && linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/systemdtest"
)

// What the sandbox of the unit that comes with fettle still lets the collectors read:
// without a file, a privilege or a device of its own, and with the clock among it.
func TestCollectorsInTheirSandbox(t *testing.T) {
	unit, err := os.ReadFile("../../deploy/systemd/fettle_exporter.service")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		"/usr/bin/fettle_exporter $FETTLE_EXPORTER_ARGS", systemdtest.Programs+"/fettle_exporter --web.listen-address=127.0.0.1:9773",
		"User=fettle-exporter\nGroup=fettle-exporter\nSupplementaryGroups=fettle\n", "User=nobody\nGroup=nogroup\n", // the package makes those
	).Replace(string(unit))
	if strings.Contains(text, "User=fettle-exporter") || strings.Contains(text, "/usr/bin/fettle_exporter") {
		t.Fatalf("the unit is written otherwise than this test expects:\n%s", text)
	}
	h := systemdtest.Start(t, map[string]string{"fettle_exporter.service": text}, map[string]string{"fettle_exporter": binary})
	if _, err := h.Systemctl("start", "fettle_exporter.service"); err != nil {
		t.Fatal(err)
	}
	client := h.Client()
	wants := []string{
		`fettle_time_keeper_up{keeper="kernel"} 1`,
		`fettle_collector_success{collector="time"} 1`,
		`fettle_collector_success{collector="hardware"} 1`,
		`fettle_collector_success{collector="kernel"} 1`,
		`fettle_collector_success{collector="cpu"} 1`,
		`fettle_collector_success{collector="memory"} 1`,
		`fettle_collector_success{collector="unit"} 1`,
	}
	// Until one scrape has all of them: the first may come before what a collector asks is up.
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		metrics, err := scrapeInside(t.Context(), client)
		missing := slices.DeleteFunc(slices.Clone(wants), func(want string) bool { return strings.Contains(metrics, "\n"+want+"\n") })
		if err == nil && len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			log, _ := h.Run("journalctl", "-u", "fettle_exporter.service", "--no-pager")
			t.Fatalf("no %q (%v)\n%s", missing, err, log)
		}
	}
}

func scrapeInside(ctx context.Context, client *http.Client) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:9773/metrics", nil)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	return string(body), err
}
