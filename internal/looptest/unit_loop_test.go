//go:build servers && linux

package looptest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/systemdtest"
	"github.com/fettle-io/fettle/repair"
)

// loopHome is where everything of the loop is, seen from inside.
const loopHome = "/var/lib/loop"

// unitLoop is a machine with a plain service, and with everything of the loop, as units.
func unitLoop(t *testing.T) *machine {
	t.Helper()
	exporter := filepath.Join(t.TempDir(), "fettle_exporter")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", exporter, "../../cmd/fettle_exporter").CombinedOutput(); err != nil {
		t.Fatalf("build the exporter: %v\n%s", err, out)
	}
	unit := func(command string) string {
		return "[Service]\nExecStart=" + systemdtest.Programs + "/" + command +
			"\nStandardOutput=append:" + loopHome + "/%N.log\nStandardError=append:" + loopHome + "/%N.log\n"
	}
	host := systemdtest.Start(t, map[string]string{
		"web.service":          "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=default.target\n",
		"fettle.service":       unit("fettle serve --config.file=" + loopHome + "/fettle.yml"),
		"exporter.service":     unit("fettle_exporter --config.file=" + loopHome + "/exporter.yml --web.listen-address=127.0.0.1:9773"),
		"prometheus.service":   unit("prometheus --config.file=" + loopHome + "/prometheus.yml --storage.tsdb.path=" + loopHome + "/tsdb --web.listen-address=127.0.0.1:9090"),
		"alertmanager.service": unit("alertmanager --config.file=" + loopHome + "/alertmanager.yml --storage.path=" + loopHome + "/alerts --web.listen-address=127.0.0.1:9093 --cluster.listen-address="),
	}, map[string]string{
		"fettle": fettle, "fettle_exporter": exporter, "prometheus": programOf(t, "prometheus"), "alertmanager": programOf(t, "alertmanager"),
	})
	root := fmt.Sprintf("/proc/%d/root", host.PID)
	must(t, os.MkdirAll(root+loopHome, 0o700))
	s := &server{
		t: t, home: root + loopHome, socket: root + loopHome + "/s", root: root, program: systemdtest.Programs + "/fettle",
		wrap: []string{"nsenter", "--target", fmt.Sprint(host.PID), "--all", "--root", "--wd", "--"},
		dial: dialIn(fmt.Sprintf("/proc/%d/ns/net", host.PID)),
	}
	s.furnish(options{settings: "cooldown: 0, attempts: 0", clusters: []cluster.Cluster{
		{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "w1", Host: "localhost", Unit: "web.service"}}},
	}})
	m := &machine{server: s, host: host}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the journal:\n%s\nfettle:\n%s", s.story(), last(s.said(), 6000))
			for _, name := range []string{"exporter", "prometheus", "alertmanager"} {
				log, _ := os.ReadFile(filepath.Join(s.home, name+".log"))
				t.Logf("%s:\n%s", name, last(string(log), 3000))
			}
		}
	})
	return m
}

// put writes a file of the loop.
func (m *machine) put(name, text string) {
	m.t.Helper()
	must(m.t, os.WriteFile(filepath.Join(m.home, name), []byte(text), 0o600))
}

// asks is what the Prometheus inside answers to a query: values by the label `state`.
func (m *machine) asks(query string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:9090/api/v1/query?query="+url.QueryEscape(query), nil)
	if err != nil {
		return nil, err
	}
	answer, err := (&http.Client{Transport: m.transport()}).Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	var said struct {
		Data struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
				Value  [2]any            `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, fmt.Errorf("%w: %s", err, body)
	}
	values := map[string]string{}
	for _, r := range said.Data.Result {
		values[r.Metric["state"]] = fmt.Sprint(r.Value[1])
	}
	return values, nil
}

// shows waits until Prometheus has the unit in a state, by the exporter's series.
func (m *machine) shows(unit, state string) {
	m.t.Helper()
	until(m.t, "Prometheus has "+unit+" "+state, func() error {
		values, err := m.asks(fmt.Sprintf("fettle_unit_state{unit=%q} == 1", unit))
		if err != nil {
			return err
		}
		if len(values) != 1 || values[state] != "1" {
			return fmt.Errorf("it has %v", values)
		}
		return nil
	})
}

// A unit fails: the exporter's series say so, the rule that is shipped fires, the
// Alertmanager tells fettle, fettle restarts it under the playbook that is shipped, and
// the alert's end closes the episode. Only the rule's duration is shortened.
func TestFailedUnitIsRepairedByTheWholeLoop(t *testing.T) {
	needRoot(t)
	m := unitLoop(t)
	rules, err := os.ReadFile("../../rules/unit.rules.yml")
	must(t, err)
	shortened := strings.Replace(string(rules), "for: 30s", "for: 1s", 1)
	if shortened == string(rules) {
		t.Fatal("the rule's duration is another one")
	}
	m.put("unit.rules.yml", shortened)
	m.put("exporter.yml", "clusters:\n  - {name: web, kind: service, members: [{name: w1, host: localhost, unit: web.service}]}\n")
	m.put("prometheus.yml", `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [`+loopHome+`/unit.rules.yml]
scrape_configs: [{job_name: fettle_exporter, static_configs: [{targets: ['127.0.0.1:9773']}]}]
alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:9093']}]}]}
`)
	m.systemctl("enable", "web")
	m.systemctl("start", "web", "fettle")
	m.ready()
	m.put("alertmanager.yml", `route: {receiver: fettle, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: fettle
    webhook_configs:
      - url: `+m.url+`/api/v1/alertmanager
        send_resolved: true
        http_config: {authorization: {credentials_file: `+loopHome+`/first.token}}
`)
	m.systemctl("start", "exporter", "alertmanager", "prometheus")
	m.shows("web.service", "active")
	if n := m.story().count(repair.TypeReceived); n != 0 {
		t.Fatalf("%d messages while all is well", n)
	}

	before := m.invocation("web")
	m.systemctl("kill", "--signal=KILL", "web")
	m.await("web is repaired", func(st story) bool {
		for _, f := range m.finished(st) {
			if f.Target == "web/w1" && f.Outcome == repair.Repaired && f.Playbook == "service-restart" {
				return true
			}
		}
		return false
	})
	if m.active("web") == before {
		t.Error("web is the process that it was")
	}
	m.shows("web.service", "active")
	st := m.await("the alert's end closes the episode", func(st story) bool { return st.count(repair.TypeClosed) == 1 })
	if c := of[repair.ClosedData](t, st, repair.TypeClosed)[0]; c.Reason != "in_order" || !c.Mutated {
		t.Errorf("closed %+v", c)
	}
	st.inOrder(t, repair.TypeReceived, repair.TypePlanned, repair.TypeIntent, repair.TypeStep, repair.TypeFinished, repair.TypeClosed)
	if n := m.intents("web/w1"); n != 1 {
		t.Errorf("%d intents, want one", n)
	}
	if text := m.explain("web/w1"); !strings.Contains(text, "repaired") {
		t.Errorf("explain does not say repaired:\n%s", text)
	}
	m.verify()
}
