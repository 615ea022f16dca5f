package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
)

// episodesCommand lists episodes.
type episodesCommand struct {
	connection connection
	output     output
	filter     api.Filter
	since      string
}

func registerEpisodes(app *kingpin.Application) map[string]command {
	c := &episodesCommand{}
	clause := app.Command("episodes", "List episodes (an alert, from its first firing until it is closed), the newest first.").
		HelpLong("Example:\n  fettle episodes --open")
	filterFlags(clause, &c.filter, &c.since)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"episodes": c}
}

func (c *episodesCommand) run(ctx context.Context, _ *slog.Logger) (err error) {
	if c.filter.Since, err = moment("--since", c.since, time.Now()); err != nil {
		return err
	}
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	episodes, err := server.client.Episodes(ctx, c.filter)
	if err != nil {
		return server.explained(err)
	}
	if c.output.json() {
		return printJSON(map[string]any{"episodes": orEmpty(episodes)})
	}
	if len(episodes) == 0 {
		return say("no episodes")
	}
	rows := make([][]string, len(episodes))
	for i, e := range episodes {
		state := "open"
		switch {
		case !e.Closed.IsZero():
			state = "closed"
		case e.Active:
			state = "open, firing"
		}
		rows[i] = []string{clock(e.Opened), e.ID, e.Alertname, e.Target, state, lastAnswer(e.LastAnswer), e.WaitsFor}
	}
	return table([]string{"OPENED", "EPISODE", "ALERT", "TARGET", "STATE", "LAST ANSWER", "WAITS FOR"}, rows)
}

func lastAnswer(a *api.Answer) string {
	switch {
	case a == nil:
		return ""
	case a.Guard == "" || a.Guard == a.Reason:
		return a.Reason
	}
	return a.Guard + ": " + a.Reason
}
