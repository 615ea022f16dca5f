package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// journalVerify checks a journal with its files and a public key.
type journalVerify struct {
	journal journalDir
	key     string
	anchors anchors
	deep    bool
	output  output
}

func registerJournalVerify(parent *kingpin.CmdClause) command {
	c := &journalVerify{}
	clause := parent.Command("verify", "Check that a journal is what was written, and say up to where that is proven.").
		HelpLong("Exit code 1 if anything is damaged, with file, line, byte and record. It changes nothing and\nworks beside a running fettle.\n\nExample:\n  fettle journal verify /var/lib/fettle/journal --key=verifier.key --anchor=checkpoint.kept")
	clause.Flag("key", "The verifier key that `fettle journal init` printed, or a file that has it. Default: the one in the journal itself, which proves that it is whole, but not whose it is.").StringVar(&c.key)
	c.anchors.flags(clause, "Checkpoints that were kept elsewhere: the journal must contain them all.")
	clause.Flag("deep", "Also fold all records, and demand that each segment opens with exactly the state that those before it come to.").BoolVar(&c.deep)
	c.journal.flags(clause)
	c.journal.archived(clause)
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
	Keys        int    `json:"keys"`
	Records     uint64 `json:"records"`
	Archived    uint64 `json:"archived"` // of which only the hash was looked at
	Proven      uint64 `json:"proven"`
	Root        string `json:"root"`
	Checkpoints int    `json:"checkpoints"`
	Anchors     int    `json:"anchors"`
	// Deep is how many records were folded.
	Deep     uint64 `json:"deep,omitempty"`
	Bytes    int64  `json:"bytes"`
	TornTail string `json:"torn_tail,omitempty"`
	Damage   string `json:"damage,omitempty"`
}

func (c *journalVerify) run(ctx context.Context, _ *slog.Logger) error {
	s, err := c.journal.settings()
	if err != nil {
		return err
	}
	key, err := c.verifierKey(s.Dir)
	if err != nil {
		return err
	}
	notes, err := c.anchors.read(ctx)
	if err != nil {
		return err
	}
	v, err := c.verify(s, key, notes)
	if errors.Is(err, fs.ErrNotExist) {
		return noJournal(s.Dir, err)
	}
	if v.OK = err == nil; err != nil {
		v.Damage = err.Error()
	}
	if c.output.json() {
		if err := printJSON(v); err != nil || v.OK {
			return err
		}
		return errReported
	}
	if printed := v.print(s.Dir); printed != nil {
		return printed
	}
	return err
}

func (c *journalVerify) verify(s config.Journal, key string, notes [][]byte) (verified, error) {
	deep := c.fold()
	r, err := journal.Verify(s.Dir, key, journal.VerifyOptions{Anchor: latest(notes), Archive: s.Archive.Dir})
	v := verified{
		Origin: c.key != "", Journal: r.Identity.ID, VerifierKey: key, Keys: r.Keys,
		Records: r.Records, Archived: r.Archived, Proven: r.Proven, Root: r.Root, Checkpoints: r.Checkpoints, Bytes: r.Bytes,
	}
	if r.Tail != nil {
		v.TornTail = fmt.Sprintf("%s:%d (byte %d): %d bytes: %s", r.Tail.File, r.Tail.Line, r.Tail.Offset, r.Tail.Bytes, r.Tail.Reason)
	}
	if err == nil && len(notes) > 1 {
		err = contained(s.Dir, key, notes)
	}
	if err == nil {
		v.Anchors = len(notes)
	}
	folded := <-deep
	if err == nil && folded.err != nil {
		err = fmt.Errorf("deep: %w", folded.err)
	}
	if err == nil {
		v.Deep = folded.records
	}
	return v, err
}

// folded is what folding all records came to.
type folded struct {
	records uint64
	err     error
}

// fold folds all records where that was asked for, beside the check of the lines:
// what it says counts only when they are sound.
func (c *journalVerify) fold() <-chan folded {
	done := make(chan folded, 1)
	if !c.deep {
		done <- folded{}
		return done
	}
	debug.SetGCPercent(400) // the state grows and grows, and little of it is garbage
	go func() {
		n, err := repair.DeepVerify(func(fn func(journal.Record) error) error { return c.journal.read(nil, fn) })
		done <- folded{n, err}
	}()
	return done
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
	if v.OK && v.Archived > 0 {
		rows = append(rows, [2]string{"archived", fmt.Sprintf("%s: only their hashes were looked at; say with --archive where the lines are", plural(v.Archived, "record"))})
	}
	if v.Keys > 1 {
		rows = append(rows, [2]string{"keys", fmt.Sprintf("%d, each signed by the one before it", v.Keys)})
	}
	if v.Anchors > 0 {
		rows = append(rows, [2]string{"anchors", fmt.Sprintf("all %d are contained", v.Anchors)})
	}
	if v.OK && v.Deep > 0 {
		rows = append(rows, [2]string{"deep", fmt.Sprintf("%s folded: every carried state is what those before it come to", plural(v.Deep, "record"))})
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
func (c *journalVerify) verifierKey(dir string) (string, error) { return verifierKey(c.key, dir) }

func verifierKey(given, dir string) (string, error) {
	if given == "" {
		return ownKey(dir)
	}
	b, err := os.ReadFile(given)
	switch {
	case err == nil && bytes.HasPrefix(b, []byte("PRIVATE+KEY+")):
		return "", fmt.Errorf("--key: %s is the private key, which is not needed here: give the verifier key", given)
	case err == nil:
		return strings.TrimSpace(string(b)), nil
	case strings.Count(given, "+") >= 2:
		return given, nil
	}
	return "", fmt.Errorf("--key is neither a verifier key (HOST/fettle/ID+HASH+KEY) nor a file that can be read: %w", err)
}

// errFirst ends a reading after the first record.
var errFirst = errors.New("first record")

// ownKey is the first key that the journal itself names: in its genesis record, or
// where that went to an archive, in the opening of the first segment that is there.
func ownKey(dir string) (string, error) {
	var named struct {
		VerifierKey string     `json:"verifier_key"`
		Keys        []proofKey `json:"keys"`
	}
	begin, err := journal.First(dir)
	if err == nil {
		err = journal.Read(dir, begin, func(r journal.Record) error {
			if err := json.Unmarshal(r.Data, &named); err != nil {
				return fmt.Errorf("the first record: %w", err)
			}
			return errFirst
		})
	}
	switch {
	case err == nil:
		return "", fmt.Errorf("the journal in %s is empty", dir)
	case !errors.Is(err, errFirst):
		return "", noJournal(dir, err)
	case len(named.Keys) > 0:
		return named.Keys[0].Key, nil
	}
	return named.VerifierKey, nil
}
