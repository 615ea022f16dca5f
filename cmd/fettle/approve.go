package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
)

// approveCommand lets what an episode waits for be done.
type approveCommand struct {
	connection                connection
	output                    output
	episode, premise, comment string
	yes                       bool
}

func registerApprove(app *kingpin.Application) map[string]command {
	c := &approveCommand{}
	clause := app.Command("approve", "Let fettle do what an episode waits for, as long as the world is as it is shown.").
		HelpLong("It shows what would be done and what that rests on, and asks. The approval is for one run, expires\n(approval_valid), and is void when anything of what was shown changes. A script says which premise\nit has read: fettle episodes --open --output=json has it.\n\nExamples:\n  fettle approve 0199a2b4-7c31-7e02-9a55-0d6f3f1e8a10\n  fettle approve 0199a2b4-7c31-7e02-9a55-0d6f3f1e8a10 --yes --premise=sha256:9f1c02abd34e --comment=\"seen with the DBA\"")
	clause.Arg("episode", "The episode's ID: fettle episodes prints it.").Required().StringVar(&c.episode)
	clause.Flag("premise", "Approve this premise and no other. With --yes it has to be said.").StringVar(&c.premise)
	clause.Flag("comment", "For those who read the journal.").StringVar(&c.comment)
	clause.Flag("yes", "Do not ask.").BoolVar(&c.yes)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"approve": c}
}

func (c *approveCommand) run(ctx context.Context, _ *slog.Logger) error {
	if c.yes && c.premise == "" {
		return usageError{errors.New("--yes without --premise would approve what nobody has read: say which premise")}
	}
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	ep, err := server.client.Episode(ctx, c.episode)
	if err != nil {
		return server.explained(err)
	}
	premise := c.premise
	if premise == "" && ep.Approval == nil {
		return fmt.Errorf("episode %s waits for no approval; it waits for %s", ep.ID, orElse(ep.WaitsFor, "nothing"))
	}
	if ep.Approval != nil {
		if premise == "" {
			premise = ep.Approval.Premise
		}
		if !c.output.json() {
			if err := showApproval(ep); err != nil {
				return err
			}
		}
	}
	if err := confirm("Approve it?", c.yes); err != nil {
		return err
	}
	done, err := server.client.Approve(ctx, api.Word{Episode: ep.ID, Premise: premise, Comment: c.comment})
	if err != nil {
		return server.explained(err)
	}
	if c.output.json() {
		return printJSON(done)
	}
	if len(done.By) < done.Needed {
		return say("approved by %s, %d of %s: another person has to", strings.Join(done.By, " and "), len(done.By), people(done.Needed))
	}
	return say("approved by %s. It is looked at again at once: fettle explain %s", strings.Join(done.By, " and "), ep.ID)
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// showApproval says what would be done, why that has to be approved, and what it rests on.
func showApproval(ep api.Episode) error {
	a := ep.Approval
	lines := []string{fmt.Sprintf("Episode %s: %s on %s, open since %s.", ep.ID, ep.Alertname, orElse(ep.Target, "no target"), clock(ep.Opened)), "A person has to approve it:"}
	for _, v := range a.Asks {
		lines = append(lines, fmt.Sprintf("  %s: %s", v.Guard, v.Detail))
	}
	lines = append(lines, "What would be done:")
	for _, s := range a.Steps {
		lines = append(lines, "  "+s)
	}
	lines = append(lines, "As long as all of this is so:")
	for _, w := range a.Words {
		if !strings.HasPrefix(w, "step ") {
			lines = append(lines, "  "+w)
		}
	}
	if len(a.Also) > 0 {
		lines = append(lines, "Refused now as well, which no approval releases:")
	}
	for _, v := range a.Also {
		lines = append(lines, fmt.Sprintf("  %s(%s): %s", v.Guard, v.Reason, v.Detail))
	}
	lines = append(lines, fmt.Sprintf("Approved by %d of %s; an approval counts for %s unless it is used.",
		len(a.Given), people(a.Needed), seconds(a.ValidSeconds)))
	for _, g := range a.Given {
		lines = append(lines, fmt.Sprintf("  %s at %s, for another %s %s", g.By, clock(g.At), seconds(g.LeftSeconds), g.Comment))
	}
	lines = append(lines, "Premise: "+a.Premise)
	for _, line := range lines {
		if err := say("%s", strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

func seconds(s float64) time.Duration {
	return (time.Duration(s) * time.Second).Round(time.Second)
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
