package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/rules"
	"github.com/fettle-io/fettle/rules/lint"
)

// checkRules checks rule files as Prometheus reads them, and each alert for what
// Prometheus accepts and never fires, or always. Without files it checks those
// that come with fettle.
func checkRules(r *report, files []string) {
	read := os.ReadFile
	name := func(file string) string { return file }
	if len(files) == 0 {
		var err error
		if files, err = rules.List(); err != nil {
			r.add("", err)
			return
		}
		read = func(file string) ([]byte, error) { return fs.ReadFile(rules.FS(), file) }
		name = func(file string) string { return "embedded:" + file }
	}
	for _, file := range files {
		r.Rules = append(r.Rules, name(file))
		content, err := read(file)
		if err != nil {
			r.add(file, err)
			continue
		}
		r.Environment.rules(name(file), content)
		checkRuleFile(r, name(file), content)
	}
}

func checkRuleFile(r *report, file string, content []byte) {
	groups, errs := rulefmt.Parse(content, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		r.Problems = append(r.Problems, placed(file, err.Error()))
	}
	if groups == nil || len(errs) > 0 {
		return
	}
	r.alertsOf(content)
	places := alertPlaces(content)
	for i, g := range groups.Groups {
		for j, rule := range g.Rules {
			if rule.Alert == "" {
				continue
			}
			r.Alerts++
			err := lint.Alert(rule.Expr, time.Duration(rule.For), rule.Labels)
			if err == nil {
				continue
			}
			at := places[[2]int{i, j}]
			for _, e := range parts(err) {
				r.Problems = append(r.Problems, finding{
					File: file, Line: at.Line, Column: at.Column, Problem: fmt.Sprintf("alert %s: %v", rule.Alert, e), Warning: true,
				})
			}
		}
	}
}

// parts are the errors that were joined.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // what was joined, not what is wrapped
		return joined.Unwrap()
	}
	return []error{err}
}

// position is how rulefmt and yaml write where something stands.
var position = regexp.MustCompile(`^(?:(\d+):(\d+): |(?:yaml: )?(?:unmarshal errors:\n\s*)?line (\d+): )`)

// placed is a problem whose text may begin with its place.
func placed(file, text string) finding {
	f := finding{File: file, Problem: text}
	if m := position.FindStringSubmatch(text); m != nil {
		f.Line, _ = strconv.Atoi(m[1] + m[3]) //nolint:errcheck // digits
		f.Column, _ = strconv.Atoi(m[2])      //nolint:errcheck // digits, or none
		f.Column = max(1, f.Column)
		f.Problem = text[len(m[0]):]
	}
	return f
}

// alertPlaces finds where each rule stands, by group and rule.
func alertPlaces(content []byte) map[[2]int]yaml.Node {
	var file struct {
		Groups []struct {
			Rules []yaml.Node `yaml:"rules"`
		} `yaml:"groups"`
	}
	places := map[[2]int]yaml.Node{}
	if err := yaml.Unmarshal(content, &file); err != nil && !errors.As(err, new(*yaml.TypeError)) {
		return places
	}
	for i, g := range file.Groups {
		for j, rule := range g.Rules {
			places[[2]int{i, j}] = rule
		}
	}
	return places
}
