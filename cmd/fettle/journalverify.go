package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/journal"
)

// journalVerify checks a journal with its files and a public key.
type journalVerify struct {
	journal     journalDir
	key, anchor string
	output      output
}

func registerJournalVerify(parent *kingpin.CmdClause) command {
	c := &journalVerify{}
	clause := parent.Command("verify", "Check that a journal is what was written, and say up to where that is proven.").
		HelpLong("Exit code 1 if anything is damaged, with file, line, byte and record. It changes nothing and\nworks beside a running fettle.\n\nExample:\n  fettle journal verify /var/lib/fettle/journal --key=verifier.key --anchor=checkpoint.kept")
	clause.Flag("key", "The verifier key that `fettle journal init` printed, or a file that has it. Default: the one in the journal itself, which proves that it is whole, but not whose it is.").StringVar(&c.key)
	clause.Flag("anchor", "A signed checkpoint that was kept elsewhere: the journal must contain it.").PlaceHolder("FILE").StringVar(&c.anchor)
	c.journal.flags(clause)
	c.output.flag(clause)
	return c
}

// verified is a verification for programs.
type verified struct {
	OK bool `json:"ok"`
	// Origin says that the key came from outside: then it is proven whose it is.
	Origin      bool   `json:"origin_proven"`
	Journal     string `json:"journal"`
	VerifierKey string `json:"verifier_key"`
	Records     uint64 `json:"records"`
	Proven      uint64 `json:"proven"`
	Root        string `json:"root"`
	Checkpoints int    `json:"checkpoints"`
	Bytes       int64  `json:"bytes"`
	TornTail    string `json:"torn_tail,omitempty"`
	Damage      string `json:"damage,omitempty"`
}

func (c *journalVerify) run(context.Context, *slog.Logger) error {
	dir, err := c.journal.find()
	if err != nil {
		return err
	}
	key, err := c.verifierKey(dir)
	if err != nil {
		return err
	}
	var o journal.VerifyOptions
	if c.anchor != "" {
		if o.Anchor, err = os.ReadFile(c.anchor); err != nil {
			return fmt.Errorf("--anchor: %w", err)
		}
	}
	r, err := journal.Verify(dir, key, o)
	if errors.Is(err, fs.ErrNotExist) {
		return noJournal(dir, err)
	}
	v := verified{
		OK: err == nil, Origin: c.key != "", Journal: r.Identity.ID, VerifierKey: key,
		Records: r.Records, Proven: r.Proven, Root: r.Root, Checkpoints: r.Checkpoints, Bytes: r.Bytes,
	}
	if r.Tail != nil {
		v.TornTail = fmt.Sprintf("%s:%d (byte %d): %d bytes: %s", r.Tail.File, r.Tail.Line, r.Tail.Offset, r.Tail.Bytes, r.Tail.Reason)
	}
	if err != nil {
		v.Damage = err.Error()
	}
	if c.output.json() {
		if err := printJSON(v); err != nil || v.OK {
			return err
		}
		return errReported
	}
	if printed := v.print(dir); printed != nil {
		return printed
	}
	return err
}

func (v verified) print(dir string) error {
	var rows [][2]string
	if v.OK {
		rows = append(rows, [2]string{"verified", fmt.Sprintf("%s, journal %s", dir, v.Journal)})
	}
	switch {
	case v.Proven > 0:
		rows = append(rows, [2]string{"proven", fmt.Sprintf("seq 0 to %d (%s)", v.Proven-1, plural(v.Proven, "record"))},
			[2]string{"root", v.Root})
	default:
		rows = append(rows, [2]string{"proven", "nothing"})
	}
	if v.Records > v.Proven && v.OK {
		rows = append(rows, [2]string{"not yet", fmt.Sprintf("seq %d to %d: readable, and no checkpoint covers them", v.Proven, v.Records-1)})
	}
	if v.TornTail != "" {
		rows = append(rows, [2]string{"torn tail", v.TornTail + "; it was never acknowledged, the next start cuts it"})
	}
	if v.OK && !v.Origin {
		rows = append(rows, [2]string{"origin", "not proven: the key is the journal's own. Give the one that was kept elsewhere with --key"})
	}
	for _, row := range rows {
		if err := say("%-10s %s", row[0], row[1]); err != nil {
			return err
		}
	}
	return nil
}

// verifierKey is --key, as text or as a file, else the journal's own.
func (c *journalVerify) verifierKey(dir string) (string, error) {
	if c.key == "" {
		return ownKey(dir)
	}
	b, err := os.ReadFile(c.key)
	switch {
	case err == nil && bytes.HasPrefix(b, []byte("PRIVATE+KEY+")):
		return "", fmt.Errorf("--key: %s is the private key, which is not needed here: give the verifier key", c.key)
	case err == nil:
		return strings.TrimSpace(string(b)), nil
	case strings.Count(c.key, "+") >= 2:
		return c.key, nil
	}
	return "", fmt.Errorf("--key is neither a verifier key (HOST/fettle/ID+HASH+KEY) nor a file that can be read: %w", err)
}

// errFirst ends a reading after the first record.
var errFirst = errors.New("first record")

// ownKey is the key in the genesis record.
func ownKey(dir string) (string, error) {
	var id journal.Identity
	err := journal.Read(dir, 0, func(r journal.Record) error {
		if err := json.Unmarshal(r.Data, &id); err != nil {
			return fmt.Errorf("the genesis record: %w", err)
		}
		return errFirst
	})
	switch {
	case err == nil:
		return "", fmt.Errorf("the journal in %s is empty", dir)
	case !errors.Is(err, errFirst):
		return "", noJournal(dir, err)
	}
	return id.VerifierKey, nil
}
