package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/journal"
)

// journalShow prints records.
type journalShow struct {
	journal       journalDir
	from, limit   uint64
	kind, subject string
	output        output
}

func registerJournalShow(parent *kingpin.CmdClause) command {
	c := &journalShow{}
	clause := parent.Command("show", "Print a journal's records, one a line.").
		HelpLong("With --output=json they are the lines as they stand in the journal.\n\nExample:\n  fettle journal show --type='run.*' --from=100 --limit=20")
	clause.Flag("from", "Begin with this sequence number.").PlaceHolder("SEQ").Uint64Var(&c.from)
	clause.Flag("type", "Only this type; one that ends in * stands for all that begin so.").StringVar(&c.kind)
	clause.Flag("subject", "Only this subject, such as run/ID, episode/ID or alert/FINGERPRINT.").StringVar(&c.subject)
	clause.Flag("limit", "At most so many; 0 is all.").Uint64Var(&c.limit)
	c.journal.flags(clause)
	c.output.flag(clause)
	return c
}

// errEnough ends a reading at the limit.
var errEnough = errors.New("enough")

func (c *journalShow) run(ctx context.Context, _ *slog.Logger) error {
	dir, err := c.journal.find()
	if err != nil {
		return err
	}
	out, shown := newLines(c.output), uint64(0)
	err = journal.Read(dir, c.from, func(r journal.Record) error {
		if err := ctx.Err(); err != nil {
			return errReported
		}
		if !ofType(c.kind, r.Type) || c.subject != "" && r.Subject != c.subject {
			return nil
		}
		if err := out.print(r); err != nil {
			return err
		}
		if shown++; shown == c.limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return noJournal(dir, err)
}

// ofType tells whether a record's type is the wanted one.
func ofType(want, have string) bool {
	if prefix, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(have, prefix)
	}
	return want == "" || want == have
}

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
	err = journal.Read(dir, 0, func(r journal.Record) error {
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
		return noJournal(dir, err)
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
