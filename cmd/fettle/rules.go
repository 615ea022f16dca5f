package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/internal/scaffold"
	"github.com/fettle-io/fettle/rules"
)

// rulesCommand lists what the alert rules compare with, and writes them with a
// person's own numbers.
type rulesCommand struct {
	own    string
	to     string
	output output
}

func registerRules(app *kingpin.Application) map[string]command {
	c := &rulesCommand{}
	clause := app.Command("rules", "List the thresholds of the alert rules; with --to, write the rule files for Prometheus, with your own thresholds in them.").
		HelpLong("FILE has a line NAME: VALUE for each threshold that is to be another one. A file in DIR that\nthis command did not write, or that was changed since, is not replaced.\n\nExample:\n  fettle rules\n  fettle rules --thresholds=/etc/fettle/thresholds.yml --to=/etc/prometheus/fettle")
	clause.Flag("thresholds", "Your own thresholds.").PlaceHolder("FILE").StringVar(&c.own)
	clause.Flag("to", "Write the rule files into this folder, which has to be there.").PlaceHolder("DIR").StringVar(&c.to)
	c.output.flag(clause)
	return map[string]command{"rules": c}
}

// thresholdInForce is a threshold as programs read it: its value is the own one where
// there is one, and shipped is what it replaces.
type thresholdInForce struct {
	rules.Threshold
	Shipped string `json:"shipped,omitempty"`
}

func (c *rulesCommand) run(context.Context, *slog.Logger) error {
	own, err := c.override()
	if err != nil {
		return err
	}
	shipped, err := rules.Thresholds()
	if err != nil {
		return err
	}
	all := make([]thresholdInForce, len(shipped))
	for i, t := range shipped {
		all[i] = thresholdInForce{Threshold: t}
		if value, ok := own[t.Name]; ok {
			all[i].Value, all[i].Shipped = value, t.Value
		}
	}
	var paths []string
	if c.to != "" {
		if paths, err = c.write(own); err != nil {
			return err
		}
	}
	switch {
	case c.output.json():
		return printJSON(map[string]any{"thresholds": all, "files": orEmpty(paths)})
	case c.to != "":
		for _, path := range paths {
			if err := say("wrote %s", path); err != nil {
				return err
			}
		}
		return say("%s of %d replaced. Next: name the files in rule_files of prometheus.yml, and reload Prometheus.", plural(len(own), "threshold"), len(all))
	}
	return listThresholds(all)
}

// override reads the own thresholds.
func (c *rulesCommand) override() (map[string]string, error) {
	if c.own == "" {
		return nil, nil
	}
	f, err := os.Open(c.own)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 1 << 20
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if len(content) > most {
		return nil, fmt.Errorf("%s is larger than 1 MiB: want a line NAME: VALUE for each threshold", c.own)
	}
	return rules.Override(c.own, content)
}

func (c *rulesCommand) write(own map[string]string) ([]string, error) {
	if info, err := os.Stat(c.to); err != nil {
		return nil, fmt.Errorf("write the rules: %w", err)
	} else if !info.IsDir() {
		return nil, usageError{errors.New("--to=" + c.to + " is no folder")}
	}
	files, err := rules.Render(own)
	if err != nil {
		return nil, err
	}
	return scaffold.WriteRules(c.to, files)
}

func listThresholds(all []thresholdInForce) error {
	rows := make([][]string, len(all))
	for i, t := range all {
		value := t.Value
		if t.Shipped != "" {
			value += " (not " + t.Shipped + ")"
		}
		rows[i] = []string{t.Name, value, t.Unit, strings.Join(t.Series, ", "), t.Why}
	}
	return table([]string{"THRESHOLD", "VALUE", "UNIT", "OF", "WHY"}, rows)
}
