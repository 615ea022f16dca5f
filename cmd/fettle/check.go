package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/inventory"
	"github.com/fettle-io/fettle/internal/online"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/internal/strictyaml"
	"github.com/fettle-io/fettle/playbooks"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/action"
)

// checkCommand checks the configuration, the playbooks and the rules.
type checkCommand struct {
	connection connection
	exporter   string
	rules      []string
	online     bool
	syntaxOnly bool
	wait       time.Duration
	output     output
}

func registerCheck(app *kingpin.Application) map[string]command {
	c := &checkCommand{}
	clause := app.Command("check", "Check the configuration, the playbooks and alert rules: every problem with file, line and column.").
		HelpLong("Exit code 1 if anything is wrong; warnings alone are 0. With --online it looks at all that runs, too: members,\nPrometheus, Alertmanager and whether a test alert arrives at fettle serve.\n\nExample:\n  fettle check --config.file=fettle.yml --exporter.config.file=exporter.yml rules/*.rules.yml\n  sudo fettle check --online")
	clause.Arg("rules", "Rule files for Prometheus. Default: those that come with fettle.").StringsVar(&c.rules)
	clause.Flag("exporter.config.file", "fettle_exporter's configuration, whose inventory is compared. Default: "+config.DefaultExporterFile+", if it is there.").StringVar(&c.exporter)
	clause.Flag("online", "Look at what runs, too, and send a test alert through each Alertmanager.").BoolVar(&c.online)
	clause.Flag("syntax-only", "Look at no file that the configuration names: tokens, certificates, journal. For a machine that is not the one fettle runs on.").BoolVar(&c.syntaxOnly)
	clause.Flag("wait", "With --online: how long a test alert may take to arrive.").Default("1m").DurationVar(&c.wait)
	c.connection.flags(clause)
	c.output.flag(clause)
	return map[string]command{"check": c}
}

// finding is one problem, or one thing that was found in order.
type finding struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Problem string `json:"problem"`
	Warning bool   `json:"warning,omitempty"`
}

// String is FILE:LINE:COL: what is wrong.
func (f finding) String() string {
	s := f.Problem
	if f.File != "" {
		s = strictyaml.Position{File: f.File, Line: f.Line, Column: f.Column}.String() + ": " + s
	}
	if f.Warning {
		s += " (warning)"
	}
	return s
}

// report is what a check came to.
type report struct {
	OK        bool      `json:"ok"`
	Config    string    `json:"config"` // empty: the defaults
	Clusters  int       `json:"clusters"`
	Playbooks []string  `json:"playbooks"`
	Rules     []string  `json:"rules"` // the files
	Alerts    int       `json:"alerts"`
	Problems  []finding `json:"problems"`
	// Environment is what it was about.
	Environment *environment `json:"environment"`
	// Online is what was found with --online.
	Online []online.Finding `json:"online,omitempty"`

	names map[string]bool // of the alerts in all rule files
}

// look checks all that stands in files.
func (c *checkCommand) look(ctx context.Context) (r report, conf config.Config, loaded []*repair.Playbook, ok bool) {
	r = report{Playbooks: []string{}, Rules: []string{}, Problems: []finding{}, Environment: newEnvironment()}
	if conf, ok = c.checkConfig(&r); ok {
		r.Environment.config(conf)
		loaded = c.checkPlaybooks(&r, conf)
		r.Environment.playbooks(loaded)
		c.checkExporter(&r, conf)
		if !c.syntaxOnly {
			r.checkFiles(conf, os.Geteuid())
			r.voters(ctx, conf)
		}
	}
	checkRules(&r, c.rules)
	r.unsent(loaded)
	r.OK = true
	for _, p := range r.Problems {
		r.OK = r.OK && p.Warning
	}
	return r, conf, loaded, ok
}

func (c *checkCommand) run(ctx context.Context, _ *slog.Logger) error {
	r, conf, loaded, ok := c.look(ctx)
	if !c.output.json() {
		if err := r.print(); err != nil {
			return err
		}
	}
	var err error
	if c.online && ok {
		if err = c.checkOnline(ctx, &r, conf, loaded); c.output.json() {
			r.Environment.ask(ctx, conf)
		}
	}
	if err == nil && c.output.json() {
		err = printJSON(r)
	}
	if err == nil && !r.OK {
		err = errReported
	}
	return err
}

func (c *checkCommand) checkConfig(r *report) (config.Config, bool) {
	conf, err := c.connection.config.load()
	if errors.Is(err, fs.ErrNotExist) {
		r.Problems = append(r.Problems, finding{File: c.connection.config.path, Problem: "there is no such file: name the one that there is with --config.file, or let `fettle init` write one"})
		return config.Config{}, false
	}
	if err != nil {
		r.add(c.connection.config.path, err)
		return config.Config{}, false
	}
	if conf.Digest != "" {
		r.Config = c.connection.config.path
	}
	r.Clusters = len(conf.Clusters)
	return conf, true
}

func (c *checkCommand) checkPlaybooks(r *report, conf config.Config) []*repair.Playbook {
	// The table only says what actions there are: none of them is used.
	loaded, err := conf.LoadPlaybooks(playbooks.Files(), action.Table(action.Deps{}))
	if err != nil {
		r.add("", err)
		return nil
	}
	for _, p := range loaded {
		r.Playbooks = append(r.Playbooks, p.Name)
	}
	for _, p := range config.Check(conf, loaded) {
		r.problem(p)
	}
	r.unmatched(loaded)
	return loaded
}

func (c *checkCommand) checkExporter(r *report, conf config.Config) {
	path := c.exporter
	if path == "" {
		path = config.DefaultExporterFile
	}
	theirs, err := config.LoadExporter(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.exporter == "":
	case err != nil:
		r.add(path, err)
	default:
		if content, err := os.ReadFile(path); err == nil {
			r.Environment.Digests.Exporter = sum(content)
		}
		for _, p := range config.CheckExporter(conf, theirs) {
			r.problem(p)
		}
		if !c.syntaxOnly { // that is about another machine
			for _, e := range theirs.NotRecognised(inventory.ThisMachine(nil)) {
				r.problem(config.Problem{Error: e, Warning: true})
			}
		}
	}
}

// voters asks this host's systemd, where there is one, about the voters' units.
func (r *report) voters(ctx context.Context, conf config.Config) {
	manager := service.NewSystemd(service.SystemdOptions{Timeout: time.Second})
	defer manager.Close()
	for _, p := range config.CheckVoters(conf, func(t cluster.Target) time.Duration {
		limit, err := manager.StartLimit(ctx, t)
		if err != nil { // it may be checked elsewhere than it is used
			return 0
		}
		return limit
	}) {
		r.problem(p)
	}
}

// unmatched warns where no playbook is left.
func (r *report) unmatched(loaded []*repair.Playbook) {
	if len(loaded) == 0 {
		r.Problems = append(r.Problems, finding{Problem: "no playbook is used: nothing will ever be looked at", Warning: true})
	}
}

func (r *report) problem(p config.Problem) {
	r.Problems = append(r.Problems, finding{p.File, p.Line, p.Column, p.What, p.Warning})
}

// add takes an error apart where it has positions.
func (r *report) add(file string, err error) {
	var all strictyaml.Errors
	if errors.As(err, &all) {
		for _, e := range all {
			r.Problems = append(r.Problems, finding{File: e.File, Line: e.Line, Column: e.Column, Problem: e.What})
		}
		return
	}
	var path *fs.PathError
	if errors.As(err, &path) && path.Path == file {
		err = path.Err
	} else {
		file = ""
	}
	r.Problems = append(r.Problems, finding{File: file, Problem: err.Error()})
}

func (r *report) print() error {
	for _, p := range r.Problems {
		if err := say("%s", p); err != nil {
			return err
		}
	}
	name := r.Config
	if name == "" {
		name = "none, the defaults hold"
	}
	if !r.OK {
		n := 0
		for _, p := range r.Problems {
			if !p.Warning {
				n++
			}
		}
		fmt.Fprintf(os.Stderr, "fettle: %s\n", plural(n, "problem"))
		return nil
	}
	return say("ok: configuration %s; %s, %s, %s in %s", name, plural(r.Clusters, "cluster"),
		plural(len(r.Playbooks), "playbook"), plural(r.Alerts, "alert"), plural(len(r.Rules), "rule file"))
}
