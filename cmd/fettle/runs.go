package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
)

// runsCommand lists runs.
type runsCommand struct {
	connection connection
	output     output
	filter     api.Filter
	since      string
}

func registerRuns(app *kingpin.Application) map[string]command {
	c := &runsCommand{}
	clause := app.Command("runs", "List runs, the newest first.").
		HelpLong("Example:\n  fettle runs --cluster=demo --outcome=blocked --since=12h")
	filterFlags(clause, &c.filter, &c.since)
	clause.Flag("outcome", "Only those that ended so.").EnumVar(&c.filter.Outcome, "noop", "repaired", "observed", "blocked", "failed", "unknown")
	clause.Flag("episode", "Only those of one episode.").StringVar(&c.filter.Episode)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"runs": c}
}

// filterFlags are what runs and episodes are both narrowed by.
func filterFlags(clause *kingpin.CmdClause, f *api.Filter, since *string) {
	clause.Flag("open", "Only what has not ended.").BoolVar(&f.Open)
	clause.Flag("cluster", "Only those on one cluster.").StringVar(&f.Cluster)
	clause.Flag("target", "Only those on one target, as CLUSTER/MEMBER.").StringVar(&f.Target)
	clause.Flag("playbook", "Only those of one playbook.").StringVar(&f.Playbook)
	clause.Flag("since", "Only those that opened since this time (2026-11-21, 2026-11-21T02:34:00Z), or within so long (90m, 2h).").PlaceHolder("TIME").StringVar(since)
	clause.Flag("limit", "At most so many, from 1 to 1000.").Default("100").IntVar(&f.Limit)
}

func (c *runsCommand) run(ctx context.Context, _ *slog.Logger) (err error) {
	if c.filter.Since, err = moment("--since", c.since, time.Now()); err != nil {
		return err
	}
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	runs, err := server.client.Runs(ctx, c.filter)
	if err != nil {
		return server.explained(err)
	}
	if c.output.json() {
		return printJSON(map[string]any{"runs": orEmpty(runs)})
	}
	if len(runs) == 0 {
		return say("no runs")
	}
	rows := make([][]string, len(runs))
	for i, r := range runs {
		playbook := r.Playbook
		if r.Undoes != "" {
			playbook += " (undo of " + r.Undoes + ")"
		}
		rows[i] = []string{clock(r.Opened), r.ID, playbook, r.Target, outcome(r), took(r.Opened, r.Ended)}
	}
	return table([]string{"OPENED", "RUN", "PLAYBOOK", "TARGET", "OUTCOME", "TOOK"}, rows)
}

// outcome is how a run ended, with the reason; live while it has not.
func outcome(r api.Run) string {
	switch {
	case r.Outcome == "":
		return "live"
	case r.Guard != "" && r.Guard != r.Reason:
		return r.Outcome + "(" + r.Guard + ": " + r.Reason + ")"
	case r.Reason != "":
		return r.Outcome + "(" + r.Reason + ")"
	}
	return r.Outcome
}

func took(from, to time.Time) string {
	if to.IsZero() {
		return ""
	}
	return to.Sub(from).Round(time.Millisecond).String()
}

// orEmpty makes an empty JSON list of nil.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
