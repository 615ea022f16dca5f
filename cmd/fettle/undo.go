package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
)

// undoCommand takes back what a run did.
type undoCommand struct {
	connection connection
	output     output
	of, reason string
	yes        bool
	leave      bool
}

func registerUndo(app *kingpin.Application) map[string]command {
	c := &undoCommand{}
	clause := app.Command("undo", "Take back what a run did, through the same guards, or say why that cannot be.").
		HelpLong("It shows what would be put back and asks, then waits for the outcome. Without RUN it lists\nwhat fettle still has to take back by itself, and why it has not.\n\nExamples:\n  fettle undo\n  fettle undo 0199a2b4-7c31-7e02-9a55-0d6f3f1e8a10 --reason=\"the old setting was right\"")
	clause.Arg("run", "The run's ID: fettle runs prints it.").StringVar(&c.of)
	clause.Flag("reason", "Why, for those who read the journal.").Default("no reason given").StringVar(&c.reason)
	clause.Flag("yes", "Do not ask.").BoolVar(&c.yes)
	clause.Flag("leave", "Leave it as it is: fettle takes it back by itself no more.").BoolVar(&c.leave)
	c.output.flag(clause)
	c.connection.flags(clause)
	return map[string]command{"undo": c}
}

func (c *undoCommand) run(ctx context.Context, _ *slog.Logger) error {
	server, err := c.connection.dial()
	if err != nil {
		return err
	}
	switch {
	case c.of == "" && c.leave:
		return usageError{errors.New("--leave: say which run")}
	case c.of == "":
		return c.list(ctx, server)
	}
	if c.leave {
		if err := server.client.LeaveUndo(ctx, c.of, ""); err != nil {
			return server.explained(err)
		}
		if c.output.json() {
			return printJSON(map[string]string{"left": c.of})
		}
		return say("left as it is: run %s", c.of)
	}
	u, err := server.client.Undo(ctx, c.of)
	if err != nil {
		return server.explained(err)
	}
	if !c.output.json() {
		if err := show(u); err != nil {
			return err
		}
	}
	if err := confirm("Take it back?", c.yes); err != nil {
		return err
	}
	if u, err = server.client.TakeBack(ctx, c.of, "", c.reason); err != nil {
		return server.explained(err)
	}
	r, err := ended(ctx, server.client, u.Opened)
	if err != nil {
		return server.explained(err)
	}
	if c.output.json() {
		if err := printJSON(r); err != nil {
			return err
		}
	} else if err := tellUndone(u, r); err != nil {
		return err
	}
	if r.Outcome != "" && r.Outcome != "repaired" && r.Outcome != "noop" {
		return errReported
	}
	return nil
}

// show says what would be put back.
func show(u api.Undo) error {
	if err := say("To take back run %s (%s on %s):", u.Run, u.Playbook, u.Target); err != nil {
		return err
	}
	for _, s := range u.Steps {
		was := ""
		if s.Was != nil {
			was = fmt.Sprintf(", which puts back %q", *s.Was)
		}
		if err := say("  %s: %s%s", s.Name, s.Does, was); err != nil {
			return err
		}
	}
	for _, why := range u.Left {
		if err := say("  left as it is: %s", why); err != nil {
			return err
		}
	}
	return say("Only what is still as that run set it is changed.")
}

func tellUndone(u api.Undo, r api.Run) error {
	switch r.Outcome {
	case "":
		return say("under way: fettle explain %s", u.Opened)
	case "repaired":
		return say("taken back: run %s, by run %s", u.Run, u.Opened)
	case "noop":
		return say("it was put back already: nothing was done")
	}
	return say("not taken back: run %s ended %s: %s", u.Opened, outcome(r), r.Detail)
}

// undoPatience is how long an undo is waited for; it goes on after that.
const undoPatience = 2 * time.Minute

// ended waits for a run's outcome; the run is without one where that takes too long.
func ended(ctx context.Context, client *api.Client, run string) (api.Run, error) {
	give := time.NewTimer(undoPatience)
	defer give.Stop()
	for {
		r, err := client.Run(ctx, run)
		if err != nil || r.Outcome != "" {
			return r, err
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-give.C:
			return r, nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// list shows what fettle takes back by itself.
func (c *undoCommand) list(ctx context.Context, server *caller) error {
	undos, err := server.client.Undos(ctx)
	if err != nil {
		return server.explained(err)
	}
	if c.output.json() {
		return printJSON(map[string]any{"undos": orEmpty(undos)})
	}
	if len(undos) == 0 {
		return say("nothing is to be taken back")
	}
	rows := make([][]string, len(undos))
	for i, u := range undos {
		next := ""
		if len(u.Steps) > 0 {
			next = u.Steps[0].Name
		}
		rows[i] = []string{clock(u.Since), u.Run, u.Target, next, u.Waits}
	}
	return table([]string{"SINCE", "RUN", "TARGET", "NEXT", "WAITS FOR"}, rows)
}
