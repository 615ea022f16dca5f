package main

import (
	"context"
	"log/slog"

	"github.com/alecthomas/kingpin/v2"
)

// reloadCommand makes a server read its configuration again.
type reloadCommand struct{ connection connection }

func registerReload(app *kingpin.Application) map[string]command {
	c := &reloadCommand{}
	clause := app.Command("reload", "Make a running fettle read its configuration and its playbooks again.").
		HelpLong("On an error, which is printed, it goes on with what it had. SIGHUP does the same.\n\nExample:\n  fettle reload")
	c.connection.flags(clause)
	return map[string]command{"reload": c}
}

func (c *reloadCommand) run(ctx context.Context, _ *slog.Logger) error {
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	if err := server.client.Reload(ctx); err != nil {
		return server.explained(err)
	}
	return say("reloaded")
}
