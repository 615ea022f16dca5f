package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/alecthomas/kingpin/v2"
	"golang.org/x/term"

	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/story"
	"github.com/fettle-io/fettle/journal"
)

func registerJournal(app *kingpin.Application) map[string]command {
	parent := app.Command("journal", "Create, verify, show or follow a journal. It needs its files only, and no server.").
		HelpLong("Example:\n  fettle journal verify /var/lib/fettle/journal --key=verifier.key")
	return map[string]command{
		"journal init":   registerJournalInit(parent),
		"journal verify": registerJournalVerify(parent),
		"journal show":   registerJournalShow(parent),
		"journal tail":   registerJournalTail(parent),
	}
}

// journalDir is the journal that a command is about.
type journalDir struct {
	dir    string
	config configFile
}

func (j *journalDir) flags(clause *kingpin.CmdClause) {
	clause.Arg("dir", "The journal's directory. Default: the configuration's.").StringVar(&j.dir)
	j.config.flag(clause)
}

// find is the directory that was named, else the configuration's; without a
// configuration the default one, or where a fettle that a user runs keeps it.
func (j *journalDir) find() (string, error) {
	if j.dir != "" {
		return j.dir, nil
	}
	conf, err := j.config.load()
	if err != nil {
		return "", fmt.Errorf("name the journal's directory: the configuration that says it cannot be read: %w", err)
	}
	if conf.Digest == "" {
		if own, ok := ownJournal(conf.Journal.Dir); ok {
			return own, nil
		}
	}
	return conf.Journal.Dir, nil
}

// ownJournal is the journal of a fettle that was started without a configuration
// and without the right to write to the default place.
func ownJournal(otherwise string) (string, bool) {
	if exists(otherwise) {
		return "", false
	}
	own, err := config.OwnJournal()
	return own.Dir, err == nil && exists(own.Dir)
}

// noJournal says what to do where there is none.
func noJournal(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no journal in %s: name its directory, or create one with fettle journal init %s --key-file=%s", dir, dir, config.DefaultKeyFile)
	}
	return err
}

// lines prints records, one a line.
type lines struct {
	output output
	raw    bool // byte by byte, for a program that reads them
}

func newLines(o output) lines {
	return lines{output: o, raw: !term.IsTerminal(int(os.Stdout.Fd()))}
}

func (l lines) print(r journal.Record) error {
	if !l.output.json() {
		return say("%d  %s  %-15s  %s  %s", r.Seq, clock(r.At.Wall), r.Type, r.Subject, story.Line(r))
	}
	line := r.Line
	if !l.raw {
		line = story.EscapeJSON(line)
	}
	_, err := os.Stdout.Write(append(line[:len(line):len(line)], '\n'))
	return err
}
