package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/journal"
)

// journalProve makes a proof, or checks one.
type journalProve struct {
	journal journalDir
	seq     string
	anchors anchors
	growth  bool
	verify  string
	key     string
	output  output
}

func registerJournalProve(parent *kingpin.CmdClause) command {
	c := &journalProve{}
	clause := parent.Command("prove", "Prove one record, or that a journal goes on from what it was, to whoever has its verifier key.").
		HelpLong("Prints JSON: the record, the hashes on the way to the root, and the signed checkpoint with that\nroot: the newest one, or one that was kept elsewhere. With --growth and --anchor it is proven that\nthe journal of the newest checkpoint begins as the kept one says. --verify checks such a file.\n\nExample:\n  fettle journal prove 1042 > proof.json\n  fettle journal prove --verify=proof.json --key=verifier.key")
	clause.Arg("seq", "The record's sequence number; - with --growth and a directory.").StringVar(&c.seq)
	c.anchors.flags(clause, "Prove it against the newest of these checkpoints, which were kept elsewhere.")
	clause.Flag("growth", "Prove that nothing of what the --anchor covers has changed since.").BoolVar(&c.growth)
	clause.Flag("verify", "Check a proof that stands in this file.").PlaceHolder("FILE").StringVar(&c.verify)
	clause.Flag("key", "To check with: the verifier key that `fettle journal init` printed, or a file that has it.").StringVar(&c.key)
	c.journal.flags(clause)
	c.journal.archived(clause)
	c.output.flag(clause)
	return c
}

func (c *journalProve) run(ctx context.Context, _ *slog.Logger) error {
	if c.verify != "" {
		return c.check()
	}
	seq, err := strconv.ParseUint(c.seq, 10, 63)
	switch {
	case c.growth && c.anchors.place == "":
		return usageError{errors.New("--growth needs --anchor: the checkpoint that the journal has grown from")}
	case !c.growth && err != nil:
		return usageError{fmt.Errorf("%q is no sequence number: say which record", c.seq)}
	}
	s, err := c.journal.settings()
	if err != nil {
		return err
	}
	newest, err := os.ReadFile(filepath.Join(s.Dir, "checkpoint"))
	if err != nil {
		return noJournal(s.Dir, err)
	}
	notes, err := c.anchors.read(ctx)
	if err != nil {
		return err
	}
	tree, err := journal.ReadTree(s.Dir)
	if err != nil {
		return err
	}
	keys, err := keysOf(s.Dir)
	if err != nil {
		return err
	}
	p := proof{Kind: "growth", Keys: keys, Checkpoint: string(newest)}
	if !c.growth {
		p.Kind, p.Seq = "record", &seq
		if notes != nil {
			p.Checkpoint = string(latest(notes))
		}
	} else {
		p.Old = string(latest(notes))
	}
	if err := p.complete(tree, c.line); err != nil {
		return err
	}
	return printJSON(p)
}

// complete adds the hashes to a proof, and checks it: what does not hold is not
// handed out.
func (p *proof) complete(tree *journal.Tree, line func(seq uint64) (string, error)) error {
	keys, err := chain(p.Keys, p.Keys[0].Key)
	if err != nil {
		return err
	}
	c, err := keys.open(p.Checkpoint)
	if err != nil {
		return err
	}
	p.Size, p.Root = c.Size, c.Root
	if p.Kind == "growth" {
		old, err := keys.open(p.Old)
		if err != nil {
			return fmt.Errorf("anchor: %w", err)
		}
		p.OldSize = old.Size
		if p.Consistency, err = tree.ProveTree(old.Size, c.Size); err != nil {
			return fmt.Errorf("anchor: %w", err)
		}
	} else {
		if *p.Seq >= c.Size {
			return fmt.Errorf("the checkpoint covers %d records, and not record %d: a newer one is signed every second while there are new records", c.Size, *p.Seq)
		}
		if p.Record, err = line(*p.Seq); err != nil {
			return err
		}
		if p.Path, err = tree.ProveRecord(*p.Seq, c.Size); err != nil {
			return err
		}
	}
	if err := p.check(p.Keys[0].Key); err != nil {
		return fmt.Errorf("the journal is not what was signed (fettle journal verify says where): %w", err)
	}
	return nil
}

// line is a record's line.
func (c *journalProve) line(seq uint64) (string, error) {
	text := ""
	err := c.journal.read(&seq, func(r journal.Record) error {
		text = string(r.Line)
		return errFirst
	})
	if err == nil {
		return "", fmt.Errorf("there is no record %d", seq)
	}
	if !errors.Is(err, errFirst) {
		return "", err
	}
	return text, nil
}

// proved is what a proof says, for programs.
type proved struct {
	OK     bool    `json:"ok"`
	Kind   string  `json:"kind"`
	Origin string  `json:"origin"`
	Size   uint64  `json:"size"`
	Seq    *uint64 `json:"seq,omitempty"`
	Record string  `json:"record,omitempty"`
	Old    uint64  `json:"old_size,omitempty"`
}

func (c *journalProve) check() error {
	if c.key == "" {
		return usageError{errors.New("--verify needs --key: a proof that brings its own key proves nothing")}
	}
	key, err := verifierKey(c.key, "")
	if err != nil {
		return err
	}
	b, err := os.ReadFile(c.verify)
	if err != nil {
		return err
	}
	var p proof
	if err := json.Unmarshal(b, &p); err != nil {
		return fmt.Errorf("%s is no proof: %w", c.verify, err)
	}
	if err := p.check(key); err != nil {
		return fmt.Errorf("%s: %w", c.verify, err)
	}
	keys, err := chain(p.Keys, key)
	if err != nil {
		return err
	}
	if c.output.json() {
		return printJSON(proved{OK: true, Kind: p.Kind, Origin: keys.origin, Size: p.Size, Seq: p.Seq, Record: p.Record, Old: p.OldSize})
	}
	if p.Kind == "growth" {
		return say("proven: the journal %s of %d records begins with the %d that it had then", keys.origin, p.Size, p.OldSize)
	}
	if err := say("proven: this is record %d of the journal %s, signed with %d records", *p.Seq, keys.origin, p.Size); err != nil {
		return err
	}
	return say("%s", p.Record)
}
