package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/app"
	"github.com/fettle-io/fettle/webhook"
)

// planCommand shows what would happen for an alert, and changes nothing.
type planCommand struct {
	connection connection
	output     output
	of         []string
	offline    bool
}

func registerPlan(cli *kingpin.Application) map[string]command {
	c := &planCommand{}
	clause := cli.Command("plan", "Show what would happen for an alert: playbook, target, each step, and every guard's verdict. Nothing is changed.").
		HelpLong("ALERT is its labels (name=value …), or what the running server knows it by: an episode, a\nfingerprint, an alert's name or CLUSTER/MEMBER. FILE is a message as Alertmanager posts it: each\nof its alerts. The targets are looked at, and nothing is written down.\n\nExample:\n  fettle plan alertname=FettleRaftMemberDown cluster=demo member=m2\n  fettle plan demo/m2\n  fettle plan message.json --offline --config.file=fettle.yml")
	clause.Arg("alert", "Labels, an id, or a file.").Required().StringsVar(&c.of)
	clause.Flag("offline", "Ask no server: go by the configuration alone. What a guard asks of the journal cannot be told then.").BoolVar(&c.offline)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"plan": c}
}

func (c *planCommand) run(ctx context.Context, _ *slog.Logger) error {
	asked, err := c.asked()
	if err != nil {
		return err
	}
	tell := c.ask
	if c.offline {
		tell = c.foresee
	}
	told, err := tell(ctx, asked)
	if err != nil {
		return err
	}
	if c.output.json() {
		return printJSON(map[string]any{"plans": told})
	}
	for i, f := range told {
		if i > 0 {
			if err := say(""); err != nil {
				return err
			}
		}
		if err := printForesight(f); err != nil {
			return err
		}
	}
	return nil
}

// asked is what the arguments ask for.
func (c *planCommand) asked() ([]api.PlanRequest, error) {
	if strings.Contains(c.of[0], "=") {
		labels := map[string]string{}
		for _, arg := range c.of {
			name, value, ok := strings.Cut(arg, "=")
			if !ok || name == "" {
				return nil, usageError{fmt.Errorf("%q is no label: write name=value", arg)}
			}
			if _, twice := labels[name]; twice {
				return nil, usageError{fmt.Errorf("the label %s is given twice", name)}
			}
			labels[name] = strings.Trim(value, `"`)
		}
		return []api.PlanRequest{{Labels: labels}}, nil
	}
	if len(c.of) > 1 {
		return nil, usageError{errors.New("one id or one file at a time; labels are written name=value")}
	}
	f, err := os.Open(c.of[0])
	if errors.Is(err, fs.ErrNotExist) {
		return []api.PlanRequest{{ID: c.of[0]}}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	var asked []api.PlanRequest
	err = webhook.Read(f, func(a alert.Alert) error {
		if a.Status == alert.Firing && !a.Oversize {
			asked = append(asked, api.PlanRequest{Labels: a.Labels})
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", c.of[0], err)
	case len(asked) == 0:
		return nil, fmt.Errorf("%s: no alert in it fires", c.of[0])
	}
	return asked, nil
}

// ask asks the running server.
func (c *planCommand) ask(ctx context.Context, asked []api.PlanRequest) ([]api.Foresight, error) {
	server, err := c.connection.dial()
	if err != nil {
		return nil, err
	}
	var told []api.Foresight
	for _, in := range asked {
		f, err := server.client.Foresee(ctx, in)
		if err != nil {
			var answered *api.Error
			if err = server.explained(err); !errors.As(err, &answered) {
				err = fmt.Errorf("%w. Without a server: --offline, which cannot tell what guards ask of the journal", err)
			}
			return nil, err
		}
		told = append(told, f)
	}
	return told, nil
}

// foresee goes by the configuration alone.
func (c *planCommand) foresee(ctx context.Context, asked []api.PlanRequest) ([]api.Foresight, error) {
	var alerts []map[string]string
	for _, in := range asked {
		if in.ID != "" {
			return nil, usageError{fmt.Errorf("%s is no file, and only a server knows alerts by an id: give the labels as name=value", in.ID)}
		}
		alerts = append(alerts, in.Labels)
	}
	file := ""
	if c.connection.config.set {
		file = c.connection.config.path
	}
	return app.Foresee(ctx, app.Options{ConfigFile: file, Log: slog.New(slog.DiscardHandler)}, alerts)
}

func printForesight(f api.Foresight) error {
	rows := [][2]string{{"alert", labelsOf(f)}, {"plan", f.Says}}
	for _, m := range f.Misses {
		rows = append(rows, [2]string{"no match", m.Playbook + ": " + strings.Join(m.Fails, "; ")})
	}
	if f.Playbook != "" {
		rows = append(rows, [2]string{"playbook", f.Playbook + ", tier " + f.Tier})
	}
	if f.Target != "" {
		rows = append(rows, [2]string{"target", fmt.Sprintf("%s, autonomy %s; disturbs %s", f.Target, f.Autonomy, strings.Join(f.Resources, ", "))})
	}
	if f.Episode != "" {
		rows = append(rows, [2]string{"episode", f.Episode})
	}
	for i, s := range f.Steps {
		text := fmt.Sprintf("%s (%s): %s", s.Name, s.Action, s.State)
		if s.Saw != "" {
			text += ": " + s.Saw
		}
		rows = append(rows, [2]string{fmt.Sprintf("step %d", i+1), text})
		if s.Does != "" {
			rows = append(rows, [2]string{"", s.Does})
		}
	}
	for _, v := range f.Verdicts {
		text := v.Guard + ": " + v.Answer
		if v.Answer == "refused" && v.Reason != "" && v.Reason != v.Guard {
			text += " (" + v.Reason + ")"
		}
		if v.Detail != "" {
			text += ": " + v.Detail
		}
		rows = append(rows, [2]string{"guard", text})
	}
	for _, t := range f.Then {
		rows = append(rows, [2]string{"then", t})
	}
	for _, row := range rows {
		if err := say("%-9s %s", row[0], row[1]); err != nil {
			return err
		}
	}
	return nil
}

// labelsOf is an alert's labels, as plan takes them, sorted, its name first.
func labelsOf(f api.Foresight) string {
	parts := []string{}
	if f.Alertname != "" {
		parts = append(parts, f.Alertname)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Labels)) {
		if name != "alertname" {
			parts = append(parts, name+"="+f.Labels[name])
		}
	}
	return strings.Join(parts, " ")
}
