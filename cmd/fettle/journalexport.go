package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/internal/story"
	"github.com/fettle-io/fettle/journal"
)

// journalExport writes records for other programs.
type journalExport struct {
	journal journalDir
	pick    selection
	form    string
}

func registerJournalExport(parent *kingpin.CmdClause) command {
	c := &journalExport{}
	clause := parent.Command("export", "Write a journal's records for other programs, as JSON lines or CSV.").
		HelpLong("JSON lines are the lines as they stand in the journal, and can be verified. CSV has one header,\nwhich does not change, the data as JSON in the last column, and no cell that a spreadsheet takes\nfor a formula: before = + - @ and tab comes a '.\n\nExample:\n  fettle journal export --format=csv --since=2026-11-01 --type='run.*' > runs.csv")
	clause.Flag("format", "jsonl or csv.").Default("jsonl").EnumVar(&c.form, "jsonl", "csv", "json")
	clause.Flag("output", "The same, as other commands call it: json is jsonl.").Short('o').EnumVar(&c.form, "jsonl", "csv", "json")
	c.pick.flags(clause)
	c.journal.flags(clause)
	c.journal.archived(clause)
	return c
}

func (c *journalExport) run(ctx context.Context, _ *slog.Logger) error {
	if c.form != "csv" {
		out := newLines(output{form: "json"})
		return c.pick.read(ctx, &c.journal, out.print)
	}
	file := bufio.NewWriter(os.Stdout)
	out := csv.NewWriter(file)
	err := out.Write(header())
	if err == nil {
		err = c.pick.read(ctx, &c.journal, func(r journal.Record) error { return out.Write(cells(r)) })
	}
	out.Flush()
	return errors.Join(err, out.Error(), file.Flush())
}

// header names the columns of the CSV. It is public: it grows at its end only.
func header() []string {
	return []string{"seq", "time", "type", "subject", "id", "boot", "boottime_ns", "critical", "data"}
}

// cells are a record as a row. What cannot be printed is written as an escape.
func cells(r journal.Record) []string {
	row := []string{
		strconv.FormatUint(r.Seq, 10), r.At.Wall.UTC().Format(time.RFC3339Nano), r.Type, r.Subject, r.ID,
		r.At.Boot, strconv.FormatInt(int64(r.At.Since), 10), strconv.FormatBool(r.Critical),
	}
	for i := range row {
		row[i] = noFormula(story.Clean(row[i]))
	}
	return append(row, noFormula(string(story.EscapeJSON(r.Data))))
}

// noFormula keeps a spreadsheet from running a cell: alerts are written by others.
func noFormula(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
