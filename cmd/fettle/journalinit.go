package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"

	"github.com/alecthomas/kingpin/v2"
	"github.com/google/uuid"

	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/journal"
)

// journalInit creates a journal and its key.
type journalInit struct {
	dir, keyFile, host string
	output             output
}

func registerJournalInit(parent *kingpin.CmdClause) command {
	c := &journalInit{}
	clause := parent.Command("init", "Create a journal and its signing key, and print the key that verifies it.").
		HelpLong("Run it as fettle's user. Keep the verifier key elsewhere: with it anybody can check a copy\nof the journal.\n\nExample:\n  sudo -u fettle fettle journal init /var/lib/fettle/journal --key-file=/etc/fettle/journal.key")
	clause.Arg("dir", "The journal's directory.").Required().StringVar(&c.dir)
	clause.Flag("key-file", "Where the private key goes, outside of the journal's directory.").Default(config.DefaultKeyFile).StringVar(&c.keyFile)
	clause.Flag("host", "The host's name in the journal. Default: this host's.").StringVar(&c.host)
	c.output.flag(clause)
	return c
}

func (c *journalInit) run(context.Context, *slog.Logger) error {
	host := c.host
	if host == "" {
		var err error
		if host, err = os.Hostname(); err != nil {
			return fmt.Errorf("this host's name (give it with --host): %w", err)
		}
	}
	now, err := journal.SystemClock()
	if err != nil {
		return err
	}
	id, err := journal.Init(c.dir, c.keyFile, journal.InitOptions{
		Host: host, Now: now(), Rand: rand.Reader,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() },
	})
	if err != nil {
		return err
	}
	if c.output.json() {
		return printJSON(id)
	}
	for _, row := range [][2]string{
		{"journal", id.ID}, {"directory", c.dir}, {"key file", c.keyFile}, {"verifier key", id.VerifierKey},
	} {
		if err := say("%-13s %s", row[0], row[1]); err != nil {
			return err
		}
	}
	return nil
}
