package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
)

// pauseCommand stops all mutations, of one cluster or of all.
type pauseCommand struct {
	connection      connection
	output          output
	cluster, reason string
}

func registerPause(app *kingpin.Application) map[string]command {
	c := &pauseCommand{}
	clause := app.Command("pause", "Let fettle change nothing from now on, in one cluster or anywhere.").
		HelpLong("What is under way is seen to its end; nothing new is begun. Without the API the brake\nfile does the same: touch /run/fettle/pause.\n\nExample:\n  fettle pause --cluster=demo --reason=\"moving disks\"")
	clause.Flag("cluster", "Only this cluster. Default: everything.").StringVar(&c.cluster)
	clause.Flag("reason", "Why, for those who read the journal.").Default("no reason given").StringVar(&c.reason)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"pause": c}
}

func (c *pauseCommand) run(ctx context.Context, _ *slog.Logger) error {
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	p, err := server.client.Pause(ctx, api.Pause{Cluster: c.cluster, Reason: c.reason})
	if err != nil {
		return server.explained(err)
	}
	if c.output.json() {
		return printJSON(p)
	}
	undo := "fettle unpause"
	if p.Cluster != "" {
		undo += " --cluster=" + p.Cluster
	}
	return say("paused: %s, by %s since %s (%s). To go on: %s", scope(p.Cluster), p.By, clock(p.Since), p.Reason, undo)
}

// unpauseCommand takes a pause back.
type unpauseCommand struct {
	connection  connection
	output      output
	id, cluster string
}

func registerUnpause(app *kingpin.Application) map[string]command {
	c := &unpauseCommand{}
	clause := app.Command("unpause", "Take a pause back. What it held up is looked at again at once.").
		HelpLong("Without an ID and without --cluster it is the pause of everything.\n\nExample:\n  fettle unpause --cluster=demo")
	clause.Arg("id", "The pause's ID.").StringVar(&c.id)
	clause.Flag("cluster", "The pause of this cluster.").StringVar(&c.cluster)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"unpause": c}
}

func (c *unpauseCommand) run(ctx context.Context, _ *slog.Logger) error {
	if c.id != "" && c.cluster != "" {
		return usageError{errors.New("give a pause's ID or --cluster, not both")}
	}
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	pauses, err := server.client.Pauses(ctx)
	if err != nil {
		return server.explained(err)
	}
	p, err := c.choose(pauses)
	if err != nil {
		return err
	}
	if err := server.client.Unpause(ctx, p.ID, ""); err != nil {
		return server.explained(err)
	}
	if c.output.json() {
		return printJSON(p)
	}
	if err := say("no longer paused: %s", scope(p.Cluster)); err != nil {
		return err
	}
	for _, other := range pauses {
		if other.ID != p.ID {
			if err := say("still paused: %s, by %s since %s (%s)", scope(other.Cluster), other.By, clock(other.Since), other.Reason); err != nil {
				return err
			}
		}
	}
	return nil
}

// choose finds the pause that is meant.
func (c *unpauseCommand) choose(pauses []api.Pause) (api.Pause, error) {
	var there []string
	for _, p := range pauses {
		if c.id != "" && p.ID == c.id || c.id == "" && p.Cluster == c.cluster {
			return p, nil
		}
		if p.Cluster == "" {
			there = append(there, "everything (fettle unpause)")
		} else {
			there = append(there, fmt.Sprintf("cluster %s (fettle unpause --cluster=%s)", p.Cluster, p.Cluster))
		}
	}
	what := scope(c.cluster) + " is not paused"
	if c.id != "" {
		what = fmt.Sprintf("there is no pause %q", c.id)
	} else if c.cluster == "" {
		what = "there is no pause of everything"
	}
	if len(there) == 0 {
		return api.Pause{}, errors.New(what + ", nor is anything else paused. (A brake file is removed by hand.)")
	}
	return api.Pause{}, errors.New(what + "; paused: " + strings.Join(there, ", "))
}
