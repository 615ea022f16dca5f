package main

import (
	"context"
	"log/slog"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
)

// ackCommand ends what people are told of episodes.
type ackCommand struct {
	connection connection
	output     output
	episodes   []string
	comment    string
}

func registerAck(app *kingpin.Application) map[string]command {
	c := &ackCommand{}
	clause := app.Command("ack", "Say that you know: fettle tells people no more of these episodes, until there is another reason.").
		HelpLong("Nothing is repaired or closed by it. The alert FettleEscalation of a cluster ends when all of its\nepisodes are acknowledged or closed.\n\nExample:\n  fettle ack 0199a2b4-7c31-7e02-9a55-0d6f3f1e8a10 --comment=\"disk is on its way\"")
	clause.Arg("episode", "The episodes' IDs: the alert and fettle episodes print them.").Required().StringsVar(&c.episodes)
	clause.Flag("comment", "For those who read the journal.").StringVar(&c.comment)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"ack": c}
}

func (c *ackCommand) run(ctx context.Context, _ *slog.Logger) error {
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	for _, episode := range c.episodes {
		if err := server.client.Acknowledge(ctx, api.Word{Episode: episode, Comment: c.comment}); err != nil {
			return server.explained(err)
		}
		if !c.output.json() {
			if err := say("acknowledged: episode %s. It stays open, and fettle goes on with it", episode); err != nil {
				return err
			}
		}
	}
	if c.output.json() {
		return printJSON(map[string][]string{"acknowledged": c.episodes})
	}
	return nil
}
