package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/internal/config"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// directives are a unit's settings, each with its values.
func directives(t *testing.T, unit string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for line := range strings.Lines(read(t, filepath.Join("systemd", unit))) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			found[name] = append(found[name], value)
		}
	}
	return found
}

// What the units say fits what the programs do by default, and the rules of who may
// write where.
func TestUnitsFit(t *testing.T) {
	fettle, journal, exporter := directives(t, "fettle.service"), directives(t, "fettle-journal.service"), directives(t, "fettle_exporter.service")
	tmpfiles := read(t, "tmpfiles.d/fettle.conf")
	for _, dir := range []string{filepath.Dir(config.DefaultJournalDir), filepath.Dir(config.DefaultSocket), filepath.Dir(config.DefaultBrake)} {
		if !slices.Contains(strings.Fields(fettle["ReadWritePaths"][0]), dir) {
			t.Errorf("fettle.service cannot write to %s", dir)
		}
		if !regexp.MustCompile(`(?m)^d ` + dir + ` +0\d{3} fettle fettle -$`).MatchString(tmpfiles) {
			t.Errorf("tmpfiles.d does not make %s", dir)
		}
	}
	for unit, d := range map[string]map[string][]string{"fettle.service": fettle, "fettle-journal.service": journal, "fettle_exporter.service": exporter} {
		for _, never := range []string{"RuntimeDirectory", "StateDirectory", "DynamicUser"} {
			if d[never] != nil {
				t.Errorf("%s has %s=: a restart would empty the brake's directory, or change whose it is", unit, never)
			}
		}
		if d["User"] == nil || d["User"][0] == "root" || d["NoNewPrivileges"] == nil {
			t.Errorf("%s: user %v, NoNewPrivileges %v", unit, d["User"], d["NoNewPrivileges"])
		}
	}
	if exporter["User"][0] == fettle["User"][0] {
		t.Error("the exporter runs as fettle's user: what is on every machine must not be able to act")
	}
	if got := exporter["CapabilityBoundingSet"]; !slices.Equal(got, []string{""}) {
		t.Errorf("the exporter may have the capabilities %q", got)
	}
	if got := fettle["CapabilityBoundingSet"]; !slices.Equal(got, []string{"CAP_DAC_READ_SEARCH"}) {
		t.Errorf("fettle may have the capabilities %q", got)
	}
	if want := "/usr/bin/fettle journal init " + config.DefaultJournalDir + " --key-file=" + config.DefaultKeyFile; journal["ExecStart"][0] != want {
		t.Errorf("fettle-journal.service runs %q, want %q", journal["ExecStart"], want)
	}
	for _, path := range []string{config.DefaultJournalDir, config.DefaultKeyFile} {
		if !slices.Contains(journal["ConditionPathExists"], "!"+path) {
			t.Errorf("fettle-journal.service would run although %s is there", path)
		}
	}
	// Both packages make this directory: with one line, or tmpfiles warns.
	line := regexp.MustCompile(`(?m)^d /etc/fettle +.*$`)
	if a, b := line.FindString(tmpfiles), line.FindString(read(t, "tmpfiles.d/fettle_exporter.conf")); strings.Join(strings.Fields(a), " ") != strings.Join(strings.Fields(b), " ") {
		t.Errorf("two lines for /etc/fettle: %q, %q", a, b)
	}
}

// The package's scripts run for two units: nothing in them is one's own.
func TestScripts(t *testing.T) {
	for _, format := range []string{"deb", "rpm"} {
		for _, name := range []string{"postinstall", "preremove", "postremove"} {
			text := read(t, filepath.Join("packages", format, name))
			if !strings.HasPrefix(text, "#!/bin/sh\n") {
				t.Errorf("%s/%s: no shell named", format, name)
			}
			for _, place := range regexp.MustCompile(`@[A-Z]+@`).FindAllString(text, -1) {
				if place != "@UNIT@" && place != "@CONF@" {
					t.Errorf("%s/%s: place holder %s", format, name, place)
				}
			}
		}
	}
}

// The samples say the same times and addresses, and those that fettle says by default.
func TestSamplesFit(t *testing.T) {
	var prometheus struct {
		Global struct {
			Scrape     string `yaml:"scrape_interval"`
			Evaluation string `yaml:"evaluation_interval"`
		} `yaml:"global"`
		Scrapes []struct {
			Job     string `yaml:"job_name"`
			Statics []struct {
				Targets []string `yaml:"targets"`
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	parse(t, "prometheus/prometheus.yml", &prometheus)
	targets := map[string]string{}
	for _, s := range prometheus.Scrapes {
		targets[s.Job] = s.Statics[0].Targets[0]
	}
	if targets["fettle"] != config.Default().Web.Listen || targets["fettle_exporter"] != "127.0.0.1:9773" {
		t.Errorf("prometheus.yml scrapes %v", targets)
	}

	var alertmanager struct {
		Route struct {
			Routes []struct {
				Receiver string   `yaml:"receiver"`
				Matchers []string `yaml:"matchers"`
				GroupBy  []string `yaml:"group_by"`
				Wait     string   `yaml:"group_wait"`
				Interval string   `yaml:"group_interval"`
				Repeat   string   `yaml:"repeat_interval"`
				Continue bool     `yaml:"continue"`
			} `yaml:"routes"`
		} `yaml:"route"`
		Receivers []struct {
			Name  string `yaml:"name"`
			Hooks []struct {
				URL string `yaml:"url"`
			} `yaml:"webhook_configs"`
		} `yaml:"receivers"`
	}
	parse(t, "alertmanager/alertmanager.yml", &alertmanager)
	found := false
	for _, r := range alertmanager.Route.Routes {
		if r.Receiver != "fettle" || !r.Continue {
			continue
		}
		found = true
		if !slices.Equal(r.GroupBy, []string{"..."}) || r.Wait != "0s" || r.Interval != "30s" || r.Repeat != "1h" || !slices.Contains(r.Matchers, `origin!="fettle"`) {
			t.Errorf("the route to fettle: %+v", r)
		}
	}
	if !found {
		t.Error("no route to fettle that goes on to people")
	}
	for _, r := range alertmanager.Receivers {
		if r.Name == "fettle" && r.Hooks[0].URL != "http://"+config.Default().Web.Listen+"/api/v1/alertmanager" {
			t.Errorf("Alertmanager sends to %s", r.Hooks[0].URL)
		}
	}

	var sources struct {
		Sources []struct {
			Type string `yaml:"type"`
			JSON struct {
				Interval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		} `yaml:"datasources"`
	}
	parse(t, "grafana/datasources.yml", &sources)
	if len(sources.Sources) != 1 || sources.Sources[0].Type != "prometheus" || sources.Sources[0].JSON.Interval != prometheus.Global.Scrape {
		t.Errorf("Grafana's data sources: %+v", sources.Sources)
	}
	var providers struct {
		Providers []struct {
			Type    string `yaml:"type"`
			Options struct {
				Path string `yaml:"path"`
			} `yaml:"options"`
		} `yaml:"providers"`
	}
	parse(t, "grafana/dashboards.yml", &providers)
	if len(providers.Providers) != 1 || providers.Providers[0].Type != "file" || providers.Providers[0].Options.Path != "/usr/share/fettle/dashboards" {
		t.Errorf("Grafana's providers: %+v", providers.Providers)
	}
}

func parse(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, name)), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// The compose file in the form that is used of it: a key that stands nowhere here is a
// mistake, as compose itself would say.
type composeFile struct {
	Name     string                    `yaml:"name"`
	Services map[string]composeService `yaml:"services"`
	Configs  map[string]struct {
		Content string `yaml:"content"`
	} `yaml:"configs"`
	Volumes map[string]struct{} `yaml:"volumes"`
}

type composeService struct {
	Image string `yaml:"image"`
	Build struct {
		Context string `yaml:"context"`
	} `yaml:"build"`
	Entrypoint  []string          `yaml:"entrypoint"`
	Command     []string          `yaml:"command"`
	DependsOn   []string          `yaml:"depends_on"`
	NetworkMode string            `yaml:"network_mode"`
	PID         string            `yaml:"pid"`
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop"`
	Security    []string          `yaml:"security_opt"`
	Restart     string            `yaml:"restart"`
	StopGrace   time.Duration     `yaml:"stop_grace_period"`
	Environment map[string]string `yaml:"environment"`
	Configs     []struct {
		Source string `yaml:"source"`
		Target string `yaml:"target"`
	} `yaml:"configs"`
	Volumes []struct {
		Type     string `yaml:"type"`
		Source   string `yaml:"source"`
		Target   string `yaml:"target"`
		ReadOnly bool   `yaml:"read_only"`
		Bind     struct {
			Propagation string `yaml:"propagation"`
		} `yaml:"bind"`
	} `yaml:"volumes"`
}

func TestCompose(t *testing.T) {
	dec := yaml.NewDecoder(strings.NewReader(read(t, "compose/compose.yml")))
	dec.KnownFields(true)
	var c composeFile
	if err := dec.Decode(&c); err != nil {
		t.Fatal(err)
	}
	for name, s := range c.Services {
		if s.Image == "" || strings.HasSuffix(s.Image, ":latest") || strings.Contains(s.Image, "/") && !strings.Contains(s.Image, ":") {
			t.Errorf("%s: image %q is not pinned", name, s.Image)
		}
		if s.NetworkMode != "host" {
			t.Errorf("%s: fettle is on 127.0.0.1, and %s in a network of its own", name, name)
		}
		for _, to := range s.DependsOn {
			if _, ok := c.Services[to]; !ok {
				t.Errorf("%s depends on %s, which is no service", name, to)
			}
		}
		for _, f := range s.Configs {
			if c.Configs[f.Source].Content == "" {
				t.Errorf("%s: there is no config %s", name, f.Source)
			}
		}
		if s.Build.Context != "" {
			if _, err := os.Stat(filepath.Join("compose", s.Build.Context, "Dockerfile")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, v := range s.Volumes {
			switch v.Type {
			case "volume":
				if _, ok := c.Volumes[v.Source]; !ok {
					t.Errorf("%s: there is no volume %s", name, v.Source)
				}
			case "bind":
				from := v.Source
				if !filepath.IsAbs(from) {
					from = filepath.Join("compose", from)
				}
				if _, err := os.Stat(from); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			case "tmpfs":
			default:
				t.Errorf("%s: a volume of type %q", name, v.Type)
			}
		}
	}
	for _, file := range []string{"prometheus", "alertmanager"} { // what the samples name is there
		for _, path := range regexp.MustCompile(` (/[a-z/._*-]+)`).FindAllStringSubmatch(uncommented(read(t, filepath.Join(file, file+".yml"))), -1) {
			dir := strings.TrimSuffix(path[1], "/*.rules.yml")
			if !slices.ContainsFunc(mounted(c.Services[file]), func(at string) bool { return at == dir }) {
				t.Errorf("%s.yml names %s, which its container has not", file, path[1])
			}
		}
	}
}

func mounted(s composeService) (at []string) {
	for _, v := range s.Volumes {
		at = append(at, v.Target)
	}
	for _, f := range s.Configs {
		at = append(at, f.Target)
	}
	return at
}

func uncommented(text string) string {
	return regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(text, "")
}

// The Dockerfile is built nowhere in the tests. What it copies and names is there.
func TestDockerfile(t *testing.T) {
	text := read(t, "../Dockerfile")
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))[1]
	if !strings.Contains(text, "FROM golang:"+version+"-") {
		t.Errorf("go.mod wants Go %s, the Dockerfile has another", version)
	}
	for _, m := range regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(text, -1) {
		for _, from := range strings.Fields(m[1]) {
			if _, err := os.Stat(filepath.Join("..", from)); err != nil {
				t.Errorf("COPY %s: %v", from, err)
			}
		}
	}
	for _, m := range regexp.MustCompile(`/src/bin/(\S+)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("..", "cmd", m[1])); err != nil {
			t.Errorf("%s is built from nothing: %v", m[0], err)
		}
	}
	makefile := read(t, "../Makefile")
	for _, m := range regexp.MustCompile(`make (\S+) VERSION`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(makefile, "\n"+m[1]+": ") {
			t.Errorf("there is no make %s", m[1])
		}
	}
	_, port, _ := strings.Cut(config.Default().Web.Listen, ":")
	if !strings.Contains(text, "EXPOSE 9773 "+port) {
		t.Errorf("fettle listens on %s, which is not exposed", port)
	}
	if !strings.Contains(text, "VOLUME "+filepath.Dir(config.DefaultJournalDir)) || !strings.Contains(text, "HOME="+filepath.Dir(config.DefaultJournalDir)) {
		t.Error("the journal is not kept in the volume")
	}
	for _, m := range regexp.MustCompile(`(?m)^([^#\s]\S*)`).FindAllStringSubmatch(read(t, "../.dockerignore"), -1) {
		if strings.HasPrefix(m[1], "cmd") || strings.HasPrefix(m[1], "go.") || m[1] == "Makefile" {
			t.Errorf(".dockerignore keeps %s out, which is needed", m[1])
		}
	}
}
