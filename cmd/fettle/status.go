package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
)

// statusCommand shows the server in one look.
type statusCommand struct {
	connection connection
	output     output
}

func registerStatus(app *kingpin.Application) map[string]command {
	c := &statusCommand{}
	clause := app.Command("status", "Show a running fettle in one look: its journal, its configuration, what is open and what is paused.").
		HelpLong("Exit code 1 if it takes no messages now.\n\nExample:\n  fettle status")
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"status": c}
}

func (c *statusCommand) run(ctx context.Context, _ *slog.Logger) error {
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	state, err := server.client.State(ctx)
	if err != nil {
		return server.explained(err)
	}
	if c.output.json() {
		err = printJSON(state)
	} else {
		err = printState(state)
	}
	if err == nil && state.NotReady != "" {
		err = errReported
	}
	return err
}

func printState(s api.State) error {
	ready := "yes"
	if s.NotReady != "" {
		ready = "no: " + s.NotReady
	}
	journal := fmt.Sprintf("%s, %d records, %d of them signed, %d bytes", s.Journal.Dir, s.Journal.Records, s.Journal.Checkpointed, s.Journal.Bytes)
	if !s.Journal.Writable {
		journal += ", NOT WRITABLE: no repairs"
	}
	file := s.Config.File
	if file == "" {
		file = "none: the defaults hold, nothing is ever changed"
	}
	if s.Config.Error != "" {
		file += ", the last reload was not taken: " + s.Config.Error
	}
	paused := "nothing"
	for i, p := range s.Pauses {
		if i == 0 {
			paused = ""
		} else {
			paused += "; "
		}
		paused += fmt.Sprintf("%s by %s since %s (%s)", scope(p.Cluster), p.By, clock(p.Since), p.Reason)
	}
	up := time.Duration(s.UptimeSeconds * float64(time.Second)).Round(time.Second)
	open := plural(s.EpisodesOpen, "episode") + ", " + plural(s.RunsLive, "live run")
	if s.RunsOwed > 0 {
		open += ", " + plural(s.RunsOwed, "run") + " to be taken back (fettle undo)"
	}
	for _, row := range [][2]string{
		{"version", cmp.Or(s.Version, "unknown")},
		{"up", fmt.Sprintf("%s, since %s", up, clock(s.Started))},
		{"ready", ready},
		{"journal", journal},
		{"configuration", file},
		{"open", open},
		{"paused", paused},
	} {
		if err := say("%-14s %s", row[0], row[1]); err != nil {
			return err
		}
	}
	return nil
}

// scope is what a pause holds still, in words.
func scope(cluster string) string {
	if cluster == "" {
		return "everything"
	}
	return "cluster " + cluster
}
