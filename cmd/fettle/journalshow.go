package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/journal"
)

// journalShow prints records.
type journalShow struct {
	journal journalDir
	pick    selection
	limit   uint64
	output  output
}

func registerJournalShow(parent *kingpin.CmdClause) command {
	c := &journalShow{}
	clause := parent.Command("show", "Print a journal's records, one a line.").
		HelpLong("With --output=json they are the lines as they stand in the journal. Where old segments went to\nan archive, it begins with the first record that is there, unless --archive says where.\n\nExample:\n  fettle journal show --type='run.*' --since=2h --limit=20")
	c.pick.flags(clause)
	clause.Flag("limit", "At most so many; 0 is all.").Uint64Var(&c.limit)
	c.journal.flags(clause)
	c.journal.archived(clause)
	c.output.flag(clause)
	return c
}

// errEnough ends a reading at the limit.
var errEnough = errors.New("enough")

func (c *journalShow) run(ctx context.Context, _ *slog.Logger) error {
	out, shown := newLines(c.output), uint64(0)
	err := c.pick.read(ctx, &c.journal, func(r journal.Record) error {
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
	return err
}

// selection is which records are wanted.
type selection struct {
	from, to     uint64
	fromIs, toIs bool // said

	kind, subject, runID, episode, alert string
	since, until                         string
}

func (s *selection) flags(clause *kingpin.CmdClause) {
	clause.Flag("from", "Begin with this sequence number.").PlaceHolder("SEQ").IsSetByUser(&s.fromIs).Uint64Var(&s.from)
	clause.Flag("to", "End with this sequence number.").PlaceHolder("SEQ").IsSetByUser(&s.toIs).Uint64Var(&s.to)
	clause.Flag("since", "Not before this time (2026-11-21, 2026-11-21T02:34:00Z), or so long ago (90m, 2h).").PlaceHolder("TIME").StringVar(&s.since)
	clause.Flag("until", "Before this time, likewise.").PlaceHolder("TIME").StringVar(&s.until)
	clause.Flag("type", "Only this type; one that ends in * stands for all that begin so.").StringVar(&s.kind)
	clause.Flag("subject", "Only this subject, such as run/ID, episode/ID or alert/FINGERPRINT.").StringVar(&s.subject)
	clause.Flag("run", "Only what is about this run.").PlaceHolder("ID").StringVar(&s.runID)
	clause.Flag("episode", "Only what is about this episode.").PlaceHolder("ID").StringVar(&s.episode)
	clause.Flag("alert", "Only what is about this alert.").PlaceHolder("FINGERPRINT").StringVar(&s.alert)
}

// read calls fn with the wanted records of a journal.
func (s *selection) read(ctx context.Context, j *journalDir, fn func(journal.Record) error) error {
	since, err := moment("--since", s.since, time.Now())
	if err != nil {
		return err
	}
	until, err := moment("--until", s.until, time.Now())
	if err != nil {
		return err
	}
	var from *uint64
	if s.fromIs {
		from = &s.from
	}
	err = j.read(from, func(r journal.Record) error {
		switch at := r.At.Wall; {
		case ctx.Err() != nil:
			return errReported
		case s.toIs && r.Seq > s.to:
			return errBehind
		case !since.IsZero() && at.Before(since), !until.IsZero() && !at.Before(until), !s.wants(r):
			return nil
		}
		return fn(r)
	})
	if errors.Is(err, errBehind) {
		return nil
	}
	return err
}

// errBehind ends a reading behind the last wanted record.
var errBehind = errors.New("behind the last one")

// moment is a time as people write it, or a duration ago. Empty: none.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("%s=%q is no time: write 2026-11-21, 2026-11-21T02:34:00Z, or 2h for two hours ago", flag, text)}
}

// wants tells whether a record is about what was asked for.
func (s *selection) wants(r journal.Record) bool {
	if !ofType(s.kind, r.Type) || s.subject != "" && r.Subject != s.subject {
		return false
	}
	return about(r, "run", s.runID, func(n names) string { return n.Run }) &&
		about(r, "episode", s.episode, func(n names) string { return n.Episode }) &&
		about(r, "alert", s.alert, func(n names) string { return n.Fingerprint })
}

// names are the things that the data of a record names.
type names struct {
	Run         string `json:"run"`
	Episode     string `json:"episode"`
	Fingerprint string `json:"fingerprint"`
}

// about tells whether the subject or the data of a record names id.
func about(r journal.Record, kind, id string, of func(names) string) bool {
	if id == "" || r.Subject == kind+"/"+id {
		return true
	}
	if !strings.Contains(string(r.Data), id) {
		return false
	}
	var n names
	return json.Unmarshal(r.Data, &n) == nil && of(n) == id
}

// ofType tells whether a record's type is the wanted one.
func ofType(want, have string) bool {
	if prefix, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(have, prefix)
	}
	return want == "" || want == have
}
