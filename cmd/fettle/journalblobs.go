package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"golang.org/x/term"

	"github.com/fettle-io/fettle/evidence"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/story"
)

// blobStore is the evidence that a command is about.
type blobStore struct {
	dir    string
	config configFile
}

func (b *blobStore) flags(clause *kingpin.CmdClause) {
	clause.Flag("dir", "The directory of the blobs. Default: the configuration's.").PlaceHolder("DIR").StringVar(&b.dir)
	b.config.flag(clause)
}

func (b *blobStore) open() (*evidence.Store, error) {
	if b.dir != "" {
		return evidence.NewStore(b.dir, nil), nil
	}
	at := journalDir{config: b.config}
	var found config.Journal
	found, err := at.settings()
	return evidence.NewStore(found.BlobDir(), nil), err
}

// blobsList lists blobs.
type blobsList struct {
	blobs  blobStore
	output output
}

func registerBlobsList(parent *kingpin.CmdClause) command {
	c := &blobsList{}
	clause := parent.Command("list", "List the blobs. Exit code 1 if one was changed.").
		HelpLong("A blob that was removed is listed as removed; the journal verifies without it.\n\nExample:\n  fettle journal blobs list")
	c.blobs.flags(clause)
	c.output.flag(clause)
	return c
}

func (c *blobsList) run(context.Context, *slog.Logger) error {
	store, err := c.blobs.open()
	if err != nil {
		return err
	}
	entries, err := store.List()
	if err != nil {
		return err
	}
	type blob struct {
		Digest string `json:"digest"`
		Bytes  int64  `json:"bytes"`
		State  string `json:"state"`
	}
	all, rows, changed := []blob{}, [][]string{}, 0
	for _, e := range entries {
		state := "kept"
		switch {
		case errors.Is(e.Err, evidence.ErrRemoved):
			state = "removed"
		case errors.Is(e.Err, evidence.ErrChanged):
			state, changed = "changed", changed+1
		case e.Err != nil:
			state = e.Err.Error()
		}
		all = append(all, blob{e.Digest, e.Bytes, state})
		rows = append(rows, []string{e.Digest, fmt.Sprint(e.Bytes), state})
	}
	if c.output.json() {
		err = printJSON(all)
	} else {
		err = table([]string{"DIGEST", "BYTES", "STATE"}, rows)
	}
	if err == nil && changed > 0 {
		return fmt.Errorf("%s in %s changed: the content does not have the digest", plural(uint64(changed), "blob"), store.Dir()) //nolint:gosec // a count
	}
	return err
}

// blobsShow prints one.
type blobsShow struct {
	blobs  blobStore
	digest string
	output output
}

func registerBlobsShow(parent *kingpin.CmdClause) command {
	c := &blobsShow{}
	clause := parent.Command("show", "Print a blob.").
		HelpLong("Example:\n  fettle journal blobs show sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
	clause.Arg("digest", "As the record in the journal has it.").Required().StringVar(&c.digest)
	c.blobs.flags(clause)
	c.output.flag(clause)
	return c
}

func (c *blobsShow) run(context.Context, *slog.Logger) error {
	store, err := c.blobs.open()
	if err != nil {
		return err
	}
	text, err := store.Get(c.digest)
	if err != nil {
		return fmt.Errorf("%s in %s: %w", c.digest, store.Dir(), err)
	}
	if c.output.json() {
		return printJSON(struct {
			Digest string `json:"digest"`
			Bytes  int    `json:"bytes"`
			Text   string `json:"text"`
		}{c.digest, len(text), strings.ToValidUTF8(string(text), "�")})
	}
	if !term.IsTerminal(int(os.Stdout.Fd())) {
		_, err := os.Stdout.Write(text)
		return err
	}
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Fprintln(os.Stdout, story.Clean(strings.TrimRight(line, "\r\n"))); err != nil {
			return err
		}
	}
	return nil
}

// blobsRemove removes one.
type blobsRemove struct {
	blobs  blobStore
	digest string
	output output
}

func registerBlobsRemove(parent *kingpin.CmdClause) command {
	c := &blobsRemove{}
	clause := parent.Command("remove", "Remove a blob. Its record stays as it is, and the journal verifies.").
		HelpLong("Example:\n  fettle journal blobs remove sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
	clause.Arg("digest", "As the record in the journal has it.").Required().StringVar(&c.digest)
	c.blobs.flags(clause)
	c.output.flag(clause)
	return c
}

func (c *blobsRemove) run(context.Context, *slog.Logger) error {
	store, err := c.blobs.open()
	if err != nil {
		return err
	}
	if err := store.Remove(c.digest); err != nil {
		return fmt.Errorf("%s in %s: %w", c.digest, store.Dir(), err)
	}
	if c.output.json() {
		return printJSON(struct {
			Removed string `json:"removed"`
		}{c.digest})
	}
	return say("removed %s: what it was is not known any more, and the journal still says that it was", c.digest)
}
