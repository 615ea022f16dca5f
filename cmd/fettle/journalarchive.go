package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"github.com/alecthomas/kingpin/v2"
	"github.com/google/uuid"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// writing is what a command needs that writes a journal which no fettle has open.
func writing() (journal.Options, error) {
	now, err := journal.SystemClock()
	return journal.Options{
		Now: now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, KnownTypes: repair.KnownType,
	}, err
}

// inUse says what to do while a server has the journal.
func inUse(err error) error {
	if errors.Is(err, journal.ErrLocked) {
		return fmt.Errorf("%w: stop fettle first (a running one archives by itself: journal.archive in the configuration)", err)
	}
	return err
}

// journalArchive moves old segments away.
type journalArchive struct {
	journal journalDir
	keyFile string
	keep    int
	output  output
}

func registerJournalArchive(parent *kingpin.CmdClause) command {
	c := &journalArchive{}
	clause := parent.Command("archive", "Move a journal's old segments to a folder; their hashes stay, so that it still verifies.").
		HelpLong("fettle must not be running: it does this by itself, with journal.archive in its configuration.\n\nExample:\n  sudo -u fettle fettle journal archive /var/lib/fettle/journal --archive=/srv/archive --keep=4")
	clause.Flag("key-file", "The private key. Default: the configuration's.").StringVar(&c.keyFile)
	clause.Flag("keep", "So many segments stay, the newest among them. Default: the configuration's.").IntVar(&c.keep)
	clause.Flag("archive", "Where they go. Default: the configuration's.").PlaceHolder("DIR").StringVar(&c.journal.archive)
	c.journal.flags(clause)
	c.output.flag(clause)
	return c
}

func (c *journalArchive) run(context.Context, *slog.Logger) error {
	s, err := c.journal.settings()
	if err != nil {
		return err
	}
	if s.Archive.Dir == "" {
		return usageError{errors.New("say where old segments go, with --archive")}
	}
	if c.keyFile != "" {
		s.KeyFile = c.keyFile
	}
	if c.keep > 0 {
		s.Archive.Keep = c.keep
	}
	options, err := writing()
	if err != nil {
		return err
	}
	j, err := journal.Open(s.Dir, s.KeyFile, options)
	if err != nil {
		return inUse(noJournal(s.Dir, err))
	}
	moved, err := j.Archive(s.Archive.Dir, s.Archive.Keep)
	if err = errors.Join(err, j.Close()); err != nil {
		return err
	}
	if c.output.json() {
		return printJSON(struct {
			Moved   int    `json:"moved"`
			Archive string `json:"archive"`
		}{moved, s.Archive.Dir})
	}
	return say("%s moved to %s", plural(uint64(moved), "segment"), s.Archive.Dir) //nolint:gosec // a count
}

// journalRekey changes the signing key.
type journalRekey struct {
	journal          journalDir
	keyFile, newFile string
	output           output
}

func registerJournalRekey(parent *kingpin.CmdClause) command {
	c := &journalRekey{}
	clause := parent.Command("rekey", "Change a journal's signing key: the old one signs the new one, in a record.").
		HelpLong("fettle must not be running. Afterwards name the new file in journal.key_file, and remove the old\none. The first verifier key goes on to verify all of the journal. If it is interrupted: again.\n\nExample:\n  sudo -u fettle fettle journal rekey --new-key-file=/etc/fettle/journal-2.key")
	clause.Flag("key-file", "The private key until now. Default: the configuration's.").StringVar(&c.keyFile)
	clause.Flag("new-key-file", "Where the new private key goes, outside of the journal's directory.").Required().StringVar(&c.newFile)
	c.journal.flags(clause)
	c.output.flag(clause)
	return c
}

func (c *journalRekey) run(context.Context, *slog.Logger) error {
	s, err := c.journal.settings()
	if err != nil {
		return err
	}
	if c.keyFile != "" {
		s.KeyFile = c.keyFile
	}
	options, err := writing()
	if err != nil {
		return err
	}
	key, err := journal.Rekey(s.Dir, s.KeyFile, c.newFile, options, rand.Reader)
	if err != nil {
		return inUse(noJournal(s.Dir, err))
	}
	if c.output.json() {
		return printJSON(struct {
			KeyFile     string `json:"key_file"`
			VerifierKey string `json:"verifier_key"`
		}{c.newFile, key})
	}
	if err := say("%-16s %s", "key file", c.newFile); err != nil {
		return err
	}
	if err := say("%-16s %s", "new verifier key", key); err != nil {
		return err
	}
	return say("Name the key file in journal.key_file, and remove %s. The first verifier key still verifies all of the journal.", s.KeyFile)
}
