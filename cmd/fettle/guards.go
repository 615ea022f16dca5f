package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/app"
)

// guardsCommand lists guards, with the settings of a server or of the configuration.
type guardsCommand struct {
	connection connection
	output     output
	offline    bool
	name       string
	reasons    string
}

func registerGuards(app *kingpin.Application) map[string]command {
	c := &guardsCommand{}
	clause := app.Command("guards", "List guards in the order in which they are asked: what each asks, for which reasons it refuses, and the settings in force.").
		HelpLong("From the running server, or with --offline from the configuration. With a guard's name, all that is known of it.\n\nExample:\n  fettle guards\n  fettle guards cooldown --offline")
	clause.Arg("guard", "Only this one, in full.").StringVar(&c.name)
	clause.Flag("reasons", "Only guards with reasons that are passing, or for a person; and only those reasons.").EnumVar(&c.reasons, "passing", "person")
	clause.Flag("offline", "Read the configuration, and ask no server.").BoolVar(&c.offline)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"guards": c}
}

func (c *guardsCommand) run(ctx context.Context, _ *slog.Logger) error {
	all, err := c.all(ctx)
	if err != nil {
		return err
	}
	if all, err = c.wanted(all); err != nil {
		return err
	}
	switch {
	case c.output.json():
		return printJSON(map[string]any{"guards": orEmpty(all)})
	case c.name != "":
		return c.whole(all[0])
	}
	rows := make([][]string, len(all))
	for i, g := range all {
		reasons := make([]string, len(g.Reasons))
		for j, r := range g.Reasons {
			reasons[j] = r.Reason
			if !r.Passing {
				reasons[j] += "*"
			}
		}
		first, _, _ := strings.Cut(g.Asks, ". ")
		rows[i] = []string{g.Name, strings.Join(reasons, ", "), inForce(g), strings.TrimSuffix(first, ".")}
	}
	if err := table([]string{"GUARD", "REASONS", "SETTINGS", "ASKS"}, rows); err != nil {
		return err
	}
	return say("* waits for a person; the others are asked again by themselves")
}

func (c *guardsCommand) all(ctx context.Context) ([]api.Guard, error) {
	if c.offline {
		conf, err := c.connection.config.load()
		if err != nil {
			return nil, err
		}
		return app.Guards(conf)
	}
	server, err := c.connection.dial()
	if err != nil {
		return nil, err
	}
	all, err := server.client.Guards(ctx)
	return all, server.explained(err)
}

// wanted leaves out what the flags do.
func (c *guardsCommand) wanted(all []api.Guard) (out []api.Guard, err error) {
	names := make([]string, len(all))
	for i, g := range all {
		names[i] = g.Name
		if c.name != "" && g.Name != c.name {
			continue
		}
		if c.reasons != "" {
			var kept []api.GuardReason
			for _, r := range g.Reasons {
				if r.Passing == (c.reasons == "passing") {
					kept = append(kept, r)
				}
			}
			if len(kept) == 0 {
				continue
			}
			g.Reasons = kept
		}
		out = append(out, g)
	}
	if c.name != "" && len(out) == 0 {
		return nil, fmt.Errorf("no such guard %q: there are %s", c.name, strings.Join(names, ", "))
	}
	return out, nil
}

func inForce(g api.Guard) string {
	words := make([]string, len(g.Settings))
	for i, s := range g.Settings {
		words[i] = s.Key + "=" + s.Value
		if s.Where != "" {
			words[i] += " (" + s.Where + ")"
		}
	}
	return strings.Join(words, ", ")
}

// whole says all of one guard.
func (c *guardsCommand) whole(g api.Guard) error {
	if err := say("%s: %s", g.Name, g.Asks); err != nil {
		return err
	}
	if len(g.Settings) > 0 {
		rows := make([][]string, len(g.Settings))
		for i, s := range g.Settings {
			where := s.Where
			if where == "" {
				where = "wherever nothing else is said"
			}
			rows[i] = []string{s.Key, s.Value, where}
		}
		if err := say(""); err != nil {
			return err
		}
		if err := table([]string{"SETTING", "VALUE", "FOR"}, rows); err != nil {
			return err
		}
	}
	rows := make([][]string, len(g.Reasons))
	for i, r := range g.Reasons {
		waits := "for a person"
		if r.Passing {
			waits = "passing"
		}
		rows[i] = []string{r.Reason, waits, r.When}
	}
	if err := say(""); err != nil {
		return err
	}
	return table([]string{"REASON", "WAITS", "WHEN"}, rows)
}
