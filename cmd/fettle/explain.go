package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/story"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// explainCommand tells what became of a run or an alert, each decision with its
// reason.
type explainCommand struct {
	connection  connection
	output      output
	id, journal string
}

func registerExplain(app *kingpin.Application) map[string]command {
	c := &explainCommand{}
	clause := app.Command("explain", "Tell what became of a run or an alert: each decision with its reason, refusals too, and what is next.").
		HelpLong("ID is a run, an episode, an alert's fingerprint or name, or CLUSTER/MEMBER; of several\nepisodes the open one, else the newest.\n\nExamples:\n  fettle explain demo/m2\n  fettle explain FettleRaftMemberDown --journal=/var/lib/fettle/journal\n  fettle explain demo/m2 --output=markdown > incident.md")
	clause.Arg("id", "What to explain.").Required().StringVar(&c.id)
	clause.Flag("journal", "Read it from the journal in this directory; no server is needed.").PlaceHolder("DIR").StringVar(&c.journal)
	c.output.flags(clause, "markdown for an incident report", "markdown")
	c.connection.flags(clause)
	return map[string]command{"explain": c}
}

func (c *explainCommand) run(ctx context.Context, _ *slog.Logger) error {
	tell := c.ask
	if c.journal != "" {
		tell = c.read
	}
	told, err := tell(ctx)
	if err != nil {
		return err
	}
	if c.output.json() {
		return printJSON(told)
	}
	if c.output.form == "markdown" {
		return story.Report(os.Stdout, told)
	}
	var text bytes.Buffer
	if err := story.Write(&text, told); err != nil {
		return err
	}
	_, err = os.Stdout.WriteString(newScreen().flow(text.String()))
	return err
}

// read tells it from the journal's files.
func (c *explainCommand) read(context.Context) (story.Story, error) {
	records, err := story.Read(c.journal, c.id)
	if err != nil {
		return story.Story{}, err
	}
	told := story.Tell(c.id, records)
	if conf, err := c.connection.config.load(); err == nil && told.Tier != "" {
		cluster, _, _ := strings.Cut(told.Target, "/")
		told.Within(conf.Settings(repair.Tier(told.Tier), cluster, told.Playbook).Deadline)
	}
	return told, nil
}

// ask tells it as the running server knows it.
func (c *explainCommand) ask(ctx context.Context) (story.Story, error) {
	server, err := c.connection.dial()
	if err != nil {
		return story.Story{}, err
	}
	records, err := c.records(ctx, server.client)
	if err != nil {
		var answered *api.Error
		if err = server.explained(err); !errors.As(err, &answered) {
			err = fmt.Errorf("%w. Without a server: fettle explain %s --journal=DIR", err, c.id)
		}
		return story.Story{}, err
	}
	told := story.Tell(c.id, records)
	// What was only counted is known to the server alone; an episode that it has
	// forgotten has no counts.
	if e, err := server.client.Episode(ctx, told.Episode); err == nil && e.LastAnswer != nil {
		told.Repeated(e.LastAnswer.Guard, e.LastAnswer.Reason, e.LastAnswer.Count)
	}
	if books, err := server.client.Playbooks(ctx); err == nil {
		cluster, _, _ := strings.Cut(told.Target, "/")
		for _, p := range books {
			if deadline, ok := p.Deadline(cluster); ok && p.Name == told.Playbook {
				told.Within(deadline)
			}
		}
	}
	return told, nil
}

// records asks by the id, and where it is neither run nor episode, by what else
// an episode is known by.
func (c *explainCommand) records(ctx context.Context, client *api.Client) ([]journal.Record, error) {
	records, err := client.Story(ctx, c.id)
	if !api.IsNotFound(err) {
		return records, err
	}
	e, err := client.Episode(ctx, c.id)
	if api.IsNotFound(err) {
		return nil, fmt.Errorf("%w. What is long over, or what no playbook matches, stands in the journal: fettle explain %s --journal=DIR", err, c.id)
	}
	if err != nil {
		return nil, err
	}
	return client.Story(ctx, e.ID)
}
