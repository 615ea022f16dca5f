package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/journal"
)

// journalTail prints the last records, and those that come.
type journalTail struct {
	journal journalDir
	lines   int
	follow  bool
	output  output
}

func registerJournalTail(parent *kingpin.CmdClause) command {
	c := &journalTail{}
	clause := parent.Command("tail", "Print a journal's last records, and follow it.").
		HelpLong("Example:\n  fettle journal tail -f")
	clause.Flag("lines", "So many of the last.").Short('n').Default("10").IntVar(&c.lines)
	clause.Flag("follow", "Go on with those that come, until interrupted.").Short('f').BoolVar(&c.follow)
	c.journal.flags(clause)
	c.output.flag(clause)
	return c
}

func (c *journalTail) run(ctx context.Context, _ *slog.Logger) error {
	dir, err := c.journal.find()
	if err != nil {
		return err
	}
	out, last, next := newLines(c.output), []journal.Record{}, uint64(0)
	err = c.journal.read(nil, func(r journal.Record) error {
		next = r.Seq + 1
		if c.lines <= 0 {
			return nil
		}
		if len(last) == c.lines {
			last = last[1:]
		}
		r.Data, r.Line = slices.Clone(r.Data), slices.Clone(r.Line)
		last = append(last, r)
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range last {
		if err := out.print(r); err != nil {
			return err
		}
	}
	if !c.follow {
		return nil
	}
	err = journal.Follow(ctx, dir, next, out.print)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
