package demo

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/prometheus/common/model"

	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/rules"
)

// layout is everything that the files of a stage name.
type layout struct {
	Options
	Dir       string
	Specs     []etcdproc.Spec
	Socket    string            // of the supervisor
	Addresses map[string]string // host:port by program
}

// path is a file of the stage.
func (l layout) path(elem ...string) string {
	return filepath.Join(append([]string{l.Dir}, elem...)...)
}

func (l layout) tokenFile(role string) string { return l.path("tokens", role) }

// roles are those of web.roles; each has a token of its own.
func roles() []string { return []string{"webhook", "metrics", "viewer", "operator"} }

// write writes every file that the programs read.
func (l layout) write() error {
	for _, dir := range []string{"tokens", "rules", "playbooks", "output"} {
		if err := os.MkdirAll(l.path(dir), 0o700); err != nil {
			return err
		}
	}
	for _, role := range roles() {
		if err := os.WriteFile(l.tokenFile(role), []byte(rand.Text()+"\n"), 0o600); err != nil {
			return err
		}
	}
	if err := writeRules(l.path("rules"), l.Interval); err != nil {
		return err
	}
	if err := l.writeSupervision(); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"fettle.yml": fettleFile, "exporter.yml": exporterFile, "prometheus.yml": prometheusFile, "alertmanager.yml": alertmanagerFile,
	} {
		if err := l.render(name, text); err != nil {
			return err
		}
	}
	return nil
}

// writeRules writes the rules with P0's alerts evaluated as often as everything else here.
func writeRules(dir string, interval time.Duration) error {
	files, err := rules.Render(map[string]string{"p0_interval": model.Duration(min(interval, 5*time.Second)).String()})
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (l layout) writeSupervision() error {
	s := supervision{Socket: l.Socket, Program: l.Etcd}
	for _, m := range l.Specs {
		s.Members = append(s.Members, supervised{Name: m.Name, Args: m.Args, DataDir: m.DataDir, Output: m.Output})
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(l.path("supervisor.json"), data, 0o600)
}

func (l layout) render(name, text string) error {
	t, err := template.New(name).Funcs(template.FuncMap{
		// JSON's strings are YAML's.
		"q": func(s string) (string, error) { b, err := json.Marshal(s); return string(b), err },
		"argv": func(verb, member string, rest ...string) (string, error) {
			b, err := json.Marshal(append([]string{l.Fettle, "demo", "member", "--socket", l.Socket, verb, member}, rest...))
			return string(b), err
		},
		"at":    func(program string) string { return l.Addresses[program] },
		"path":  func(elem ...string) string { return l.path(elem...) },
		"token": l.tokenFile,
		"roles": roles,
		"host":  func(url string) string { return strings.TrimPrefix(url, "http://") },
	}).Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	f, err := os.OpenFile(l.path(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := t.Execute(f, l); err != nil {
		_ = f.Close() // the other error says more
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.Close()
}

const fettleFile = `clusters:
  - name: {{q .Cluster}}
    kind: etcd
    members:
{{- range .Specs}}
      - name: {{q .Name}}
        host: localhost
        endpoint: {{q .Client}}
        peer: {{q .Peer}}
        data_dir: {{q .DataDir}}
        commands:
          status: {{argv "status" .Name}}
          start: {{argv "start" .Name}}
          stop: {{argv "stop" .Name}}
          restart: {{argv "restart" .Name}}
          kill: {{argv "kill" .Name "{identity}"}}
{{- end}}

# Set against the defaults, so that a repair is seen at once and can be seen again.
autonomy: {default: {{.Autonomy}}}
overrides:
  all: {settle: {{.Settle}}, cooldown: {{.Cooldown}}, attempts: {{.Attempts}}}

playbooks: {dir: {{path "playbooks" | q}}}
alertmanager: {urls: [{{printf "http://%s" (at "alertmanager") | q}}]}
prometheus: {url: {{printf "http://%s" (at "prometheus") | q}}, scrape_interval: {{.Interval}}}
journal: {dir: {{path "journal" | q}}, key_file: {{path "journal.key" | q}}}
brake: {{path "pause" | q}}
web:
  listen: {{at "fettle" | q}}
  socket: {{path "fettle.sock" | q}}
  roles:
{{- range roles}}
    - {role: {{.}}, name: {{printf "demo-%s" . | q}}, token_file: {{token . | q}}}
{{- end}}
`

const exporterFile = `clusters:
  - name: {{q .Cluster}}
    kind: etcd
    members:
{{- range .Specs}}
      - {name: {{q .Name}}, host: localhost, endpoint: {{q .Client}}, peer: {{q .Peer}}}
{{- end}}
`

const prometheusFile = `global:
  scrape_interval: {{.Interval}}
  scrape_timeout: {{.Interval}}
  evaluation_interval: {{.Interval}}
rule_files: [{{path "rules" "*.rules.yml" | q}}]
alerting:
  alertmanagers:
    - static_configs: [{targets: [{{at "alertmanager" | q}}]}]
scrape_configs:
  - job_name: fettle_exporter
    static_configs: [{targets: [{{at "fettle_exporter" | q}}]}]
  - job_name: fettle
    authorization: {credentials_file: {{token "metrics" | q}}}
    static_configs: [{targets: [{{at "fettle" | q}}]}]
  - job_name: etcd
    static_configs:
{{- range .Specs}}
      - {targets: [{{host .Client | q}}], labels: {member: {{q .Name}}}}
{{- end}}
`

const alertmanagerFile = `route:
  receiver: fettle
  group_by: ['...']
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: fettle
    webhook_configs:
      - url: {{printf "http://%s/api/v1/alertmanager" (at "fettle") | q}}
        send_resolved: true
        http_config:
          authorization: {credentials_file: {{token "webhook" | q}}}
`
