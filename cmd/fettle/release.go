package main

import (
	"context"
	"log/slog"

	"github.com/alecthomas/kingpin/v2"
)

// releaseCommand frees an episode's slots, and closes its circuit.
type releaseCommand struct {
	connection connection
	output     output
	episode    string
}

func registerRelease(app *kingpin.Application) map[string]command {
	c := &releaseCommand{}
	clause := app.Command("release", "Let fettle try again: after a run that ended unknown, or when its attempts are used up.").
		HelpLong("Say so only when you know that nothing is in flight any more: the slots are free then.\n\nExample:\n  fettle release 0199a2b4-7c31-7e02-9a55-0d6f3f1e8a10")
	clause.Arg("episode", "The episode's ID: fettle explain prints it.").Required().StringVar(&c.episode)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"release": c}
}

func (c *releaseCommand) run(ctx context.Context, _ *slog.Logger) error {
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	if err := server.client.Release(ctx, c.episode, ""); err != nil {
		return server.explained(err)
	}
	if c.output.json() {
		return printJSON(map[string]string{"released": c.episode})
	}
	return say("released: episode %s. It is looked at again at once", c.episode)
}
