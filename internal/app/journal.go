package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// journalDir is where the journal is.
func (a *App) journalDir() string {
	now, _ := a.running()
	return now.Journal.Dir
}

// openJournal opens the journal, or creates it where that is safe: a wrong path
// must not erase cooldowns, so that with any autonomy above observe a journal has
// to be made by a person (rule 18).
func (a *App) openJournal() error {
	j := &a.cfg.Journal
	if a.cfg.file == "" {
		if err := ownJournal(j); err != nil {
			return err
		}
		if j.Dir != config.DefaultJournalDir {
			a.o.Log.Info("no configuration, and the default journal cannot be written: journal and key go to this user's own folders", "default", config.DefaultJournalDir, "journal", j.Dir, "key", j.KeyFile)
		}
	}
	open := func() error {
		a.state = repair.NewState()
		opened, err := journal.Open(j.Dir, j.KeyFile, journal.Options{
			Host: host(), Now: a.clock, NewID: newID, KnownTypes: repair.KnownType, PinnedID: j.ID,
			Each:         func(r journal.Record) error { return a.state.Fold(r.Draft) },
			SegmentBytes: int64(j.SegmentSize), Ahead: int64(j.Reserve),
		})
		a.journal = opened
		return err
	}
	err := open()
	if errors.Is(err, fs.ErrNotExist) {
		if a.cfg.aboveObserve() {
			return fmt.Errorf("there is no journal in %s, and autonomy is above observe: a wrong path would forget every cooldown. If this is the first start: fettle journal init %s --key-file %s", j.Dir, j.Dir, j.KeyFile)
		}
		if err := makeJournal(*j, a.clock()); err != nil {
			return err
		}
		a.o.Log.Info("journal created", "dir", j.Dir, "key", j.KeyFile)
		err = open()
	}
	if err != nil {
		return err
	}
	if err := a.openAnchors(); err != nil {
		return errors.Join(err, a.journal.Close())
	}
	a.onStop = append(a.onStop, a.stopAnchors, a.journal.Close)
	a.meters.watchJournal(a.journal)
	return nil
}

func makeJournal(j config.Journal, now journal.Reading) error {
	for _, dir := range []string{filepath.Dir(j.Dir), filepath.Dir(j.KeyFile)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("create the journal: %w", err)
		}
	}
	_, err := journal.Init(j.Dir, j.KeyFile, journal.InitOptions{Host: host(), Now: now, NewID: newID, Rand: rand.Reader})
	return err
}

// ownJournal moves journal and key to the user's own folders (XDG) where the
// default ones cannot be written and the installation has not made them.
func ownJournal(j *config.Journal) error {
	if mayWrite(j.Dir) && exists(j.KeyFile) || writable(filepath.Dir(j.Dir)) && writable(filepath.Dir(j.KeyFile)) {
		return nil
	}
	own, err := config.OwnJournal()
	if err != nil {
		return fmt.Errorf("%s cannot be written, and there is no place for a journal of your own: write journal.dir into a configuration: %w", filepath.Dir(j.Dir), err)
	}
	j.Dir, j.KeyFile = own.Dir, own.KeyFile
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// writable tells whether this user can make files in dir, or make dir.
func writable(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
			continue
		}
		return err == nil && info.IsDir() && mayWrite(dir)
	}
}

func host() string {
	if h, err := os.Hostname(); err == nil && h != "" {
		return h
	}
	return "localhost"
}
