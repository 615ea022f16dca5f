package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/app"
	"github.com/fettle-io/fettle/playbooks"
	"github.com/fettle-io/fettle/repair/action"
)

// playbooksCommand lists playbooks, as a server has them or as the configuration does.
type playbooksCommand struct {
	connection    connection
	output        output
	offline       bool
	name, cluster string
	action        string
	autonomy      []string
}

func registerPlaybooks(app *kingpin.Application) map[string]command {
	c := &playbooksCommand{}
	clause := app.Command("playbooks", "List playbooks: what selects each, what it does, and how much it may do by itself on which cluster.").
		HelpLong("From the running server, or with --offline from the configuration. With a playbook's name, all that is known of it.\n\nExample:\n  fettle playbooks --cluster=main\n  fettle playbooks etcd-member-restart --offline")
	clause.Arg("playbook", "Only this one, in full.").StringVar(&c.name)
	clause.Flag("cluster", "Only those for one cluster.").StringVar(&c.cluster)
	clause.Flag("action", "Only those with a step of this action.").StringVar(&c.action)
	clause.Flag("autonomy", "Only where it is so.").EnumsVar(&c.autonomy, "observe", "approve", "auto")
	clause.Flag("offline", "Read the configuration and the playbooks, and ask no server.").BoolVar(&c.offline)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"playbooks": c}
}

func (c *playbooksCommand) run(ctx context.Context, _ *slog.Logger) error {
	all, err := c.all(ctx)
	if err != nil {
		return err
	}
	all = c.wanted(all)
	switch {
	case c.output.json():
		return printJSON(map[string]any{"playbooks": orEmpty(all)})
	case len(all) == 0:
		return say("no playbooks")
	case c.name != "":
		return c.whole(all[0])
	}
	var rows [][]string
	for _, p := range all {
		where := make([]string, len(p.Clusters))
		for i, at := range p.Clusters {
			where[i] = at.Cluster + " " + at.Autonomy
		}
		rows = append(rows, []string{p.Name, p.Tier, p.Ceiling, strings.Join(where, ", "), steps(p), strings.Join(p.On, ", ")})
	}
	return table([]string{"PLAYBOOK", "TIER", "CEILING", "AUTONOMY", "STEPS", "ON"}, rows)
}

func (c *playbooksCommand) all(ctx context.Context) ([]api.Playbook, error) {
	if !c.offline {
		server, err := c.connection.dial()
		if err != nil {
			return nil, err
		}
		all, err := server.client.Playbooks(ctx)
		return all, server.explained(err)
	}
	conf, err := c.connection.config.load()
	if err != nil {
		return nil, err
	}
	// The table only says what actions there are: none of them is used.
	books, err := conf.LoadPlaybooks(playbooks.Files(), action.Table(action.Deps{}))
	if err != nil {
		return nil, err
	}
	return app.Playbooks(conf, books), nil
}

// wanted leaves out what the flags do.
func (c *playbooksCommand) wanted(all []api.Playbook) (out []api.Playbook) {
	for _, p := range all {
		p.Clusters = slices.DeleteFunc(p.Clusters, func(at api.PlaybookCluster) bool {
			return c.cluster != "" && at.Cluster != c.cluster || len(c.autonomy) > 0 && !slices.Contains(c.autonomy, at.Autonomy)
		})
		switch {
		case c.name != "" && p.Name != c.name:
		case (c.cluster != "" || len(c.autonomy) > 0) && len(p.Clusters) == 0:
		case c.action != "" && !slices.ContainsFunc(p.Steps, func(s api.PlaybookStep) bool { return s.Action == c.action }):
		default:
			out = append(out, p)
		}
	}
	return out
}

func steps(p api.Playbook) string {
	names := make([]string, len(p.Steps))
	for i, s := range p.Steps {
		names[i] = s.Action
		if s.Once {
			names[i] += " (once)"
		}
	}
	return strings.Join(names, ", ")
}

// whole says all of one playbook.
func (c *playbooksCommand) whole(p api.Playbook) error {
	for _, row := range [][2]string{
		{"playbook", p.Name}, {"", p.Description}, {"on", strings.Join(p.On, ", ")}, {"target", p.Kind}, {"tier", p.Tier}, {"ceiling", p.Ceiling},
		{"steps", steps(p)}, {"source", p.Source}, {"digest", "sha256:" + p.Digest}, {"docs", "fettle docs playbook/" + p.Name},
	} {
		if row[1] == "" {
			continue
		}
		if err := say("%-10s %s", row[0], row[1]); err != nil {
			return err
		}
	}
	if len(p.Clusters) == 0 {
		return say("%-10s none of this kind is configured", "clusters")
	}
	rows := make([][]string, len(p.Clusters))
	for i, at := range p.Clusters {
		deadline, _ := p.Deadline(at.Cluster)
		rows[i] = []string{at.Cluster, at.Autonomy, deadline.String()}
	}
	if err := say(""); err != nil {
		return err
	}
	return table([]string{"CLUSTER", "AUTONOMY", "VERIFIED WITHIN"}, rows)
}
