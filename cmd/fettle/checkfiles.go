package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/door"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/rules"
)

// checkFiles looks at the files that the configuration names: tokens, passwords,
// certificates, the journal.
func (r *report) checkFiles(conf config.Config, user int) {
	if conf.Digest == "" {
		return // of the defaults nothing needs to be there
	}
	tokens := map[[sha256.Size]byte]string{}
	for _, p := range config.CheckFiles(conf, config.Files{
		Token: func(path string) error { return access.CheckToken(path, tokens) },
		Users: door.ReadUsers, User: user, Now: time.Now(),
	}) {
		r.problem(p)
	}
}

// unsent warns of the operator's own playbooks for an alert that no rule has: neither
// those that come with fettle nor those of the given files.
func (r *report) unsent(loaded []*repair.Playbook) {
	files, err := rules.List()
	if err != nil {
		r.add("", err)
		return
	}
	for _, file := range files {
		content, err := fs.ReadFile(rules.FS(), file)
		if err != nil {
			r.add(file, err)
			return
		}
		r.alertsOf(content)
	}
	for _, p := range loaded {
		for _, m := range p.On {
			known := func(name string) bool { return m.Matches(map[string]string{"alertname": name}) }
			if m.Name() != "alertname" || strings.HasPrefix(p.Source, "embedded/") || slices.ContainsFunc(slices.Collect(maps.Keys(r.names)), known) {
				continue
			}
			file, line, _ := strings.Cut(p.Source, ":")
			at, _ := strconv.Atoi(line) //nolint:errcheck // digits
			meant := ""
			if name := strictyaml.Suggest(strings.Trim(strings.TrimPrefix(m.String(), "alertname="), `"`), slices.Sorted(maps.Keys(r.names))); name != "" {
				meant = fmt.Sprintf("; did you mean %q?", name)
			}
			r.Problems = append(r.Problems, finding{
				File: file, Line: at, Column: 1, Warning: true,
				Problem: fmt.Sprintf("playbook %s waits for %s, and no rule that was read sends that: name your rule files as well%s", p.Name, m, meant),
			})
		}
	}
}

// alertsOf notes the names of a rule file's alerts.
func (r *report) alertsOf(content []byte) {
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert string `yaml:"alert"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	if r.names == nil {
		r.names = map[string]bool{}
	}
	if yaml.Unmarshal(content, &file) != nil {
		return // told by who checks the file
	}
	for _, g := range file.Groups {
		for _, rule := range g.Rules {
			if rule.Alert != "" {
				r.names[rule.Alert] = true
			}
		}
	}
}
