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
	parent := app.Command("journal", "Create, verify, show, prove, export or archive a journal. It needs its files only, and no server.").
		HelpLong("Example:\n  fettle journal verify /var/lib/fettle/journal --key=verifier.key")
	blobs := parent.Command("blobs", "List, show or remove what is kept beside the journal: what failed commands printed.").
		HelpLong("Example:\n  fettle journal blobs list")
	return map[string]command{
		"journal init":         registerJournalInit(parent),
		"journal verify":       registerJournalVerify(parent),
		"journal show":         registerJournalShow(parent),
		"journal tail":         registerJournalTail(parent),
		"journal prove":        registerJournalProve(parent),
		"journal export":       registerJournalExport(parent),
		"journal archive":      registerJournalArchive(parent),
		"journal rekey":        registerJournalRekey(parent),
		"journal blobs list":   registerBlobsList(blobs),
		"journal blobs show":   registerBlobsShow(blobs),
		"journal blobs remove": registerBlobsRemove(blobs),
	}
}

// journalDir is the journal that a command is about.
type journalDir struct {
	dir, archive string
	config       configFile
}

func (j *journalDir) flags(clause *kingpin.CmdClause) {
	clause.Arg("dir", "The journal's directory. Default: the configuration's.").StringVar(&j.dir)
	j.config.flag(clause)
}

// archived is the flag of a command that reads archived lines, too.
func (j *journalDir) archived(clause *kingpin.CmdClause) {
	clause.Flag("archive", "Where old segments went. Default: the configuration's, if it is the configuration's journal.").PlaceHolder("DIR").StringVar(&j.archive)
}

// find is the directory that was named, else the configuration's; without a
// configuration the default one, or where a fettle that a user runs keeps it.
func (j *journalDir) find() (string, error) {
	found, err := j.settings()
	return found.Dir, err
}

// settings is the journal's section of the configuration, with the directory that
// was named.
func (j *journalDir) settings() (config.Journal, error) {
	if j.dir != "" && !j.config.set {
		return config.Journal{Dir: j.dir, KeyFile: config.DefaultKeyFile, Archive: config.Archive{Dir: j.archive, Keep: 1}}, nil
	}
	conf, err := j.config.load()
	if err != nil {
		return config.Journal{}, fmt.Errorf("name the journal's directory: the configuration that says it cannot be read: %w", err)
	}
	found := conf.Journal
	switch {
	case j.dir != "" && j.dir != found.Dir:
		found = config.Journal{Dir: j.dir, KeyFile: found.KeyFile, Archive: config.Archive{Keep: found.Archive.Keep}}
	case conf.Digest == "":
		if own, ok := ownJournal(found.Dir); ok {
			found.Dir, found.KeyFile = own.Dir, own.KeyFile
		}
	}
	if j.archive != "" {
		found.Archive.Dir = j.archive
	}
	return found, nil
}

// read calls fn with the records from a sequence number on. Without a number it
// begins with the first one whose line is there.
func (j *journalDir) read(from *uint64, fn func(journal.Record) error) error {
	found, err := j.settings()
	if err != nil {
		return err
	}
	begin := uint64(0)
	switch {
	case from != nil:
		begin = *from
	case found.Archive.Dir == "":
		if begin, err = journal.First(found.Dir); err != nil {
			return noJournal(found.Dir, err)
		}
	}
	return noJournal(found.Dir, journal.ReadArchived(found.Dir, found.Archive.Dir, begin, fn))
}

// ownJournal is the journal of a fettle that was started without a configuration
// and without the right to write to the default place.
func ownJournal(otherwise string) (config.Journal, bool) {
	if exists(otherwise) {
		return config.Journal{}, false
	}
	own, err := config.OwnJournal()
	return own, err == nil && exists(own.Dir)
}

// noJournal says what to do where there is none.
func noJournal(dir string, err error) error {
	if _, none := journal.First(dir); errors.Is(err, fs.ErrNotExist) && errors.Is(none, fs.ErrNotExist) {
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
