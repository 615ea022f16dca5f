package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A software is a package, as deb and rpm. There are two, because the exporter runs on
// every machine, and a machine that it alone is on must not be able to act.
type software struct {
	name, unit, conf string // conf: of sysusers.d and tmpfiles.d
	summary          string
	recommends       map[string][]string        // by format
	files            func(inside []file) []file // from what the archive has, by where it is installed
}

func packaged() []software {
	return []software{
		{
			name: "fettle", unit: "fettle.service", conf: "fettle.conf",
			summary: "repairs what Alertmanager points at\nReceives Alertmanager's notifications, runs idempotent repair playbooks and keeps\na journal that can be verified. Without a configuration it observes only.",
			// Without polkit nobody may let fettle's user start a unit.
			recommends: map[string][]string{"deb": {"fettle-exporter", "polkitd | policykit-1"}, "rpm": {"fettle-exporter", "polkit"}},
			files:      fettleFiles,
		},
		{
			name: "fettle-exporter", unit: "fettle_exporter.service", conf: "fettle_exporter.conf",
			summary: "Prometheus exporter for a machine and its clusters\nPublishes node, Raft and sync-lag metrics. It only reads, and needs no privilege.",
			files:   exporterFiles,
		},
	}
}

// installed says where a file of the archive goes; empty: it is not installed.
func installed(name string, places map[string]string) string {
	for from, to := range places {
		if rest, ok := strings.CutPrefix(name, from); ok && (rest == "" || strings.HasSuffix(from, "/")) {
			return to + rest
		}
	}
	return ""
}

func pick(inside []file, places map[string]string) (files []file) {
	for _, f := range inside {
		if to := installed(f.name, places); to != "" {
			f.name = to
			files = append(files, f)
		}
	}
	return files
}

func fettleFiles(inside []file) []file {
	return pick(inside, map[string]string{
		"fettle":                                "/usr/bin/fettle",
		"deploy/systemd/fettle.service":         "/lib/systemd/system/fettle.service",
		"deploy/systemd/fettle-journal.service": "/lib/systemd/system/fettle-journal.service",
		"deploy/sysusers.d/fettle.conf":         "/usr/lib/sysusers.d/fettle.conf",
		"deploy/tmpfiles.d/fettle.conf":         "/usr/lib/tmpfiles.d/fettle.conf",
		"deploy/default/fettle":                 "/etc/default/fettle",
		"deploy/prometheus/":                    "/usr/share/fettle/prometheus/",
		"deploy/alertmanager/":                  "/usr/share/fettle/alertmanager/",
		"deploy/grafana/":                       "/usr/share/fettle/grafana/",
		"rules/":                                "/usr/share/fettle/rules/",
		"dashboards/":                           "/usr/share/fettle/dashboards/",
		"docs/":                                 "/usr/share/doc/fettle/docs/",
		"README.md":                             "/usr/share/doc/fettle/README.md",
		"SECURITY.md":                           "/usr/share/doc/fettle/SECURITY.md",
		"CHANGELOG.md":                          "/usr/share/doc/fettle/CHANGELOG.md",
		"LICENSE":                               "/usr/share/doc/fettle/copyright",
		"man/fettle.1":                          "/usr/share/man/man1/fettle.1",
		"completions/fettle.bash":               "/usr/share/bash-completion/completions/fettle",
		"completions/fettle.zsh":                "/usr/share/zsh/vendor-completions/_fettle",
		"completions/fettle.fish":               "/usr/share/fish/vendor_completions.d/fettle.fish",
	})
}

func exporterFiles(inside []file) []file {
	return pick(inside, map[string]string{
		"fettle_exporter":                        "/usr/bin/fettle_exporter",
		"deploy/systemd/fettle_exporter.service": "/lib/systemd/system/fettle_exporter.service",
		"deploy/sysusers.d/fettle_exporter.conf": "/usr/lib/sysusers.d/fettle_exporter.conf",
		"deploy/tmpfiles.d/fettle_exporter.conf": "/usr/lib/tmpfiles.d/fettle_exporter.conf",
		"deploy/default/fettle_exporter":         "/etc/default/fettle_exporter",
		"docs/examples/exporter.yml":             "/usr/share/doc/fettle-exporter/examples/exporter.yml",
		"LICENSE":                                "/usr/share/doc/fettle-exporter/copyright",
		"man/fettle_exporter.8":                  "/usr/share/man/man8/fettle_exporter.8",
		"completions/fettle_exporter.bash":       "/usr/share/bash-completion/completions/fettle_exporter",
		"completions/fettle_exporter.zsh":        "/usr/share/zsh/vendor-completions/_fettle_exporter",
		"completions/fettle_exporter.fish":       "/usr/share/fish/vendor_completions.d/fettle_exporter.fish",
	})
}

// The form of nfpm's configuration, as far as it is used.
type (
	nfpmConfig struct {
		Name       string        `json:"name"`
		Arch       string        `json:"arch"`
		Version    string        `json:"version"`
		Release    string        `json:"release"`
		Section    string        `json:"section"`
		Maintainer string        `json:"maintainer"`
		Homepage   string        `json:"homepage"`
		License    string        `json:"license"`
		Summary    string        `json:"description"`
		Umask      int           `json:"umask"`
		MTime      string        `json:"mtime"`
		Depends    []string      `json:"depends"`
		Recommends []string      `json:"recommends,omitempty"`
		Contents   []nfpmContent `json:"contents"`
		Scripts    nfpmScripts   `json:"scripts"`
		RPM        nfpmRPM       `json:"rpm"`
	}
	nfpmContent struct {
		Source string   `json:"src"`
		To     string   `json:"dst"`
		Type   string   `json:"type,omitempty"`
		Info   nfpmInfo `json:"file_info"`
	}
	nfpmInfo struct {
		Mode  fs.FileMode `json:"mode"`
		MTime string      `json:"mtime"`
		Owner string      `json:"owner"`
		Group string      `json:"group"`
	}
	nfpmScripts struct {
		PostInstall string `json:"postinstall"`
		PreRemove   string `json:"preremove"`
		PostRemove  string `json:"postremove"`
	}
	nfpmRPM struct {
		BuildHost string `json:"buildhost"`
	}
)

// packages writes deb and rpm of each software for one target.
func (r release) packages(ctx context.Context, t target, inside []file, stage string) error {
	for _, s := range packaged() {
		for _, format := range []string{"deb", "rpm"} {
			dir := filepath.Join(stage, s.name+"_"+format)
			if err := os.Mkdir(dir, 0o755); err != nil {
				return err
			}
			if err := r.pack(ctx, t, s, format, s.files(inside), dir); err != nil {
				return fmt.Errorf("%s of %s: %w", format, s.name, err)
			}
		}
	}
	return nil
}

func (r release) pack(ctx context.Context, t target, s software, format string, files []file, dir string) error {
	when := r.when.Format(time.RFC3339)
	c := nfpmConfig{
		Name: s.name, Arch: t.arch, Version: r.version, Release: "1", Section: "admin",
		Maintainer: "fettle maintainers <maintainers@fettle.invalid>", Homepage: "https://github.com/fettle-io/fettle",
		License: "Apache-2.0", Summary: s.summary, Umask: 0o022, MTime: when,
		Depends: []string{"systemd"}, Recommends: s.recommends[format], RPM: nfpmRPM{"reproducible"},
	}
	for i, f := range files {
		content, err := f.staged(filepath.Join(dir, fmt.Sprint("content", i)), format)
		if err != nil {
			return err
		}
		content.Info.MTime = when
		c.Contents = append(c.Contents, content)
	}
	for name, path := range map[string]*string{
		"postinstall": &c.Scripts.PostInstall, "preremove": &c.Scripts.PreRemove, "postremove": &c.Scripts.PostRemove,
	} {
		text, err := os.ReadFile(filepath.Join(r.source, "deploy", "packages", format, name))
		if err != nil {
			return err
		}
		*path = filepath.Join(dir, name)
		script := strings.NewReplacer("@UNIT@", s.unit, "@CONF@", s.conf).Replace(string(text))
		if err := os.WriteFile(*path, []byte(script), 0o600); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(c, "", "  ") // which is YAML as well
	if err != nil {
		return err
	}
	config := filepath.Join(dir, "nfpm.yaml")
	if err := os.WriteFile(config, text, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, r.nfpm, "package", "--config", config, "--packager", format, //nolint:gosec // the Makefile names it
		"--target", filepath.Join(r.out, fmt.Sprintf("%s_%s_%s_%s.%s", s.name, r.version, t.os, t.arch, format)))
	cmd.Env = append(os.Environ(), "TZ=UTC")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nfpm: %w\n%s", err, out)
	}
	return nil
}

// staged puts a file where nfpm finds it, as the package's format wants it.
func (f file) staged(at, format string) (nfpmContent, error) {
	data, err := f.read()
	if err != nil {
		return nfpmContent{}, err
	}
	c := nfpmContent{Source: at, To: f.name, Info: nfpmInfo{Mode: f.mode, Owner: "root", Group: "root"}}
	switch {
	case strings.HasPrefix(f.name, "/etc/"):
		c.Type = "config|noreplace"
	case strings.HasPrefix(f.name, "/usr/share/man/"):
		c.To += ".gz"
		if data, err = compressed(data); err != nil {
			return nfpmContent{}, err
		}
	case format == "rpm":
		c.To = strings.NewReplacer(
			"/lib/systemd/", "/usr/lib/systemd/",
			"/usr/share/zsh/vendor-completions/", "/usr/share/zsh/site-functions/",
		).Replace(f.name)
	}
	return c, os.WriteFile(at, data, 0o600)
}

func compressed(data []byte) ([]byte, error) {
	var out bytes.Buffer
	zw, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := zw.Write(data); err != nil {
		return nil, err
	}
	err = zw.Close()
	return out.Bytes(), err
}
