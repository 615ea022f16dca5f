//go:build servers

package rules_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
)

// What the rules ask of Prometheus and Alertmanager is what these programs tell.
func TestNamesOfTheMonitors(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // they may have to be built
	defer cancel()
	dir := t.TempDir()
	prometheus, alertmanager, gossip := freeAddress(t), freeAddress(t), freeAddress(t)
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("r.yml", "groups: [{name: g, rules: [{alert: A, expr: 'vector(1) > 0'}]}]\n")
	p := write("p.yml", "global: {evaluation_interval: 1s, scrape_interval: 1s}\nscrape_configs: [{job_name: p, static_configs: [{targets: ['"+prometheus+"']}]}]\nrule_files: [r.yml]\nalerting: {alertmanagers: [{static_configs: [{targets: ['"+alertmanager+"']}]}]}\n")
	a := write("a.yml", "route: {receiver: x}\nreceivers: [{name: x}]\n")
	begin := func(name string, args ...string) {
		program, err := programs.Find(ctx, name, programs.Options{Progress: func(line string) { t.Log(line) }})
		if err != nil {
			t.Fatal(err)
		}
		command := exec.CommandContext(ctx, program.Path, args...)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := command.Process.Kill(); err != nil {
				t.Log(err)
			}
			t.Log(command.Wait())
		})
	}
	begin("alertmanager", "--config.file="+a, "--storage.path="+filepath.Join(dir, "a"), "--web.listen-address="+alertmanager, "--cluster.listen-address="+gossip)
	begin("prometheus", "--config.file="+p, "--storage.tsdb.path="+filepath.Join(dir, "p"), "--web.listen-address="+prometheus)

	want := listed(t, "testdata/monitors.txt")
	var missing []string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		text := metricsOf(prometheus) + metricsOf(alertmanager)
		missing = nil
		for name, m := range want {
			line := regexp.MustCompile(`(?m)^` + name + `(\{.*\})? `).FindString(text)
			kind := strings.Contains(text, fmt.Sprintf("# TYPE %s %s\n", name, m.Type))
			for _, label := range m.Labels {
				kind = kind && strings.Contains(line, label+`="`)
			}
			if line == "" || !kind {
				missing = append(missing, name)
			}
		}
		if len(missing) == 0 {
			return
		}
	}
	t.Errorf("not told, or with another type or other labels: %v", missing)
}

// metricsOf is the page of metrics, empty while there is none.
func metricsOf(address string) string {
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + address + "/metrics")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return ""
	}
	return string(content)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
