//go:build servers

package rules_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
	"github.com/fettle-io/fettle/internal/servertest"
)

// Prometheus loads all rule files and evaluates them without an error, and what they ask of it and of
// Alertmanager is what these programs tell.
func TestNamesOfTheMonitors(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // they may have to be built
	defer cancel()
	dir := t.TempDir()
	prometheus, alertmanager, gossip := servertest.FreeAddress(t), servertest.FreeAddress(t), servertest.FreeAddress(t)
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	p := write("p.yml", "global: {evaluation_interval: 1s, scrape_interval: 1s}\nscrape_configs: [{job_name: p, static_configs: [{targets: ['"+prometheus+"']}]}]\nrule_files: ['"+here+"/*.rules.yml']\nalerting: {alertmanagers: [{static_configs: [{targets: ['"+alertmanager+"']}]}]}\n")
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

	want, rules := listed(t, "testdata/monitors.txt"), 0
	for _, file := range read(t) {
		for _, group := range file.Groups {
			rules += len(group.Rules)
		}
	}
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
		loaded, evaluated, failed := rulesOf(prometheus)
		if len(failed) > 0 {
			t.Fatal(failed)
		}
		if len(missing) == 0 && loaded == rules && evaluated > rules/3 { // some groups wait for minutes
			t.Logf("%d rules are loaded, %d were evaluated", loaded, evaluated)
			return
		}
	}
	loaded, evaluated, _ := rulesOf(prometheus)
	t.Errorf("not told, or with another type or other labels: %v; of %d rules %d are loaded and %d were evaluated", missing, rules, loaded, evaluated)
}

// rulesOf is how many rules Prometheus has, how many of them it has evaluated, and what failed.
func rulesOf(address string) (loaded, evaluated int, failed []string) {
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + address + "/api/v1/rules")
	if err != nil {
		return 0, 0, nil
	}
	defer resp.Body.Close()
	var said struct {
		Data struct {
			Groups []struct {
				Rules []struct {
					Name      string `json:"name"`
					Health    string `json:"health"`
					LastError string `json:"lastError"`
				} `json:"rules"`
			} `json:"groups"`
		} `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 16<<20)).Decode(&said); err != nil {
		return 0, 0, nil // it is not ready yet
	}
	for _, group := range said.Data.Groups {
		loaded += len(group.Rules)
		for _, rule := range group.Rules {
			if rule.Health == "ok" {
				evaluated++
			}
			if rule.LastError != "" {
				failed = append(failed, rule.Name+": "+rule.LastError)
			}
		}
	}
	return loaded, evaluated, failed
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
