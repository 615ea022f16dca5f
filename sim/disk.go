package sim

import (
	"crypto/rand"
	"fmt"
	"path/filepath"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// disk holds what is durable: in memory, and for a share of the seeds also in a
// real journal, which is opened, folded and verified at every start of fettle.
type disk struct {
	lines []journal.Draft
	// segment is where the newest one begins, with the state carried into it.
	segment int
	dir     string // of a real journal; empty: none
	file    *journal.Journal
	id      journal.Identity
	err     error
	dice    dice // its own: a seed plays the same with and without a real journal
	ids     int
}

func (d *disk) newID() string {
	d.ids++
	return fmt.Sprintf("ffffffff-ffff-7000-8000-%012x", d.ids)
}

func (d *disk) key() string  { return filepath.Join(d.dir, "journal.key") }
func (d *disk) path() string { return filepath.Join(d.dir, "journal") }

// append makes drafts durable, as one group.
func (d *disk) append(w *world, drafts []journal.Draft) {
	if len(drafts) == 0 {
		return
	}
	for _, r := range drafts {
		d.lines = append(d.lines, r)
		w.stats.Records++
	}
	if d.file == nil {
		return
	}
	if _, err := d.file.Append(drafts); err != nil {
		w.mustNot(ruleVerifies, "append: %v", err)
	}
	if d.dice.chance(0.1) {
		if err := d.file.Checkpoint(); err != nil {
			w.mustNot(ruleVerifies, "checkpoint: %v", err)
		}
	}
}

// crash closes nothing in order: what was written stays as it is.
func (d *disk) crash() {
	if d.file != nil {
		d.err = d.file.Close()
		d.file = nil
	}
}

// open is the state that the lines fold to; a real journal's are compared with it.
func (d *disk) open(w *world) (*repair.State, error) {
	_, st, err := d.fold()
	if err != nil || d.dir == "" {
		return st, err
	}
	if d.id.ID == "" {
		id, err := journal.Init(d.path(), d.key(), journal.InitOptions{Host: "sim", Now: w.reading(), NewID: d.newID, Rand: rand.Reader})
		if err != nil {
			return nil, err
		}
		d.id = id
	}
	if d.err != nil {
		return nil, d.err
	}
	file, err := journal.Open(d.path(), d.key(), journal.Options{Now: w.reading, NewID: d.newID, KnownTypes: repair.KnownType, WrapFile: unsynced})
	if err != nil {
		return nil, err
	}
	d.file = file
	read, err := repair.Replay(file.Replay)
	if err != nil {
		return nil, err
	}
	again, err := repair.Replay(file.Replay)
	if err != nil {
		return nil, err
	}
	if diff := difference(st, again, w.reading()); diff != "" {
		w.mustNot(ruleSameFold, "the records that were written, and what the journal's lines fold to: %s", diff)
	}
	return read, nil
}

// verify checks the real journal as an auditor does.
func (d *disk) verify() error {
	if d.dir == "" || d.id.ID == "" {
		return nil
	}
	if d.file != nil {
		if err := d.file.Close(); err != nil {
			return err
		}
		d.file = nil
	}
	report, err := journal.Verify(d.path(), d.id.VerifierKey, journal.VerifyOptions{})
	if err != nil {
		return err
	}
	if want := uint64(len(d.lines)) + 1; report.Records != want { // and the genesis record
		return fmt.Errorf("it has %d records, %d were written", report.Records, want)
	}
	return nil
}

// unsynced leaves fdatasync out: a simulated crash loses no page cache, and the
// journal's own tests are about that.
func unsynced(f journal.File) journal.File { return nosync{f} }

type nosync struct{ journal.File }

func (nosync) Sync() error { return nil }
