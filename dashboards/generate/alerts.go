package main

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/rules"
)

// alert is an alert of the rules, and the series that its expression reads.
type alert struct {
	name   string
	series []string
}

// series are the names of metrics and recordings in an expression.
func series(expr string) []string {
	return regexp.MustCompile(`\b((fettle|prometheus|alertmanager)_\w+|\w+:\w+:\w+)`).FindAllString(expr, -1)
}

// readAlerts are those of all rule files, in their order.
func readAlerts() (all []alert, err error) {
	names, err := rules.List()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		content, err := fs.ReadFile(rules.FS(), name)
		if err != nil {
			return nil, err
		}
		var file struct {
			Groups []struct {
				Rules []struct {
					Alert string `yaml:"alert"`
					Expr  string `yaml:"expr"`
				} `yaml:"rules"`
			} `yaml:"groups"`
		}
		if err := yaml.Unmarshal(content, &file); err != nil {
			return nil, fmt.Errorf("rules/%s: %w", name, err)
		}
		for _, group := range file.Groups {
			for _, r := range group.Rules {
				if r.Alert != "" {
					all = append(all, alert{r.Alert, series(r.Expr)})
				}
			}
		}
	}
	return all, nil
}

// links are the alerts whose pages a panel links to: those that it names itself, then
// all that read a series which it shows.
func (p panel) links(all []alert) []string {
	names := slices.Clone(p.alerts)
	var shown []string
	for _, q := range p.queries {
		shown = append(shown, series(q.expr)...)
	}
	for _, a := range all {
		if !slices.Contains(names, a.name) && slices.ContainsFunc(a.series, func(s string) bool { return slices.Contains(shown, s) }) {
			names = append(names, a.name)
		}
	}
	return names
}
