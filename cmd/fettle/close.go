package main

import (
	"context"
	"log/slog"

	"github.com/alecthomas/kingpin/v2"
)

// closeCommand closes an episode by a person's word.
type closeCommand struct {
	connection      connection
	output          output
	episode, reason string
}

func registerClose(app *kingpin.Application) map[string]command {
	c := &closeCommand{}
	clause := app.Command("close", "Close an episode: fettle leaves its alert alone.").
		HelpLong("A live run of it goes on to its own end. The alert opens a new episode only once it was\nseen to have ended, or after 4 hours.\n\nExample:\n  fettle close 0199a2b4-7c31-7e02-9a55-0d6f3f1e8a10 --reason=\"replaced the host\"")
	clause.Arg("episode", "The episode's ID: fettle explain prints it.").Required().StringVar(&c.episode)
	clause.Flag("reason", "Why, for those who read the journal.").Default("no reason given").StringVar(&c.reason)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"close": c}
}

func (c *closeCommand) run(ctx context.Context, _ *slog.Logger) error {
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	if err := server.client.Close(ctx, c.episode, "", c.reason); err != nil {
		return server.explained(err)
	}
	if c.output.json() {
		return printJSON(map[string]string{"closed": c.episode})
	}
	return say("closed: episode %s", c.episode)
}
