package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Open takes the journal in dir for writing: it locks it, checks the newest
// segment against the newest checkpoint, and recovers from an unclean end. What
// stands in older segments is for Scrub and Verify. An error that is
// fs.ErrNotExist means that there is no journal in dir; ErrLocked that another
// process has it; a *DamageError that its lines are not what was written. In
// all these cases nothing was changed.
func Open(dir, keyFile string, o Options) (*Journal, error) {
	if o.Now == nil || o.NewID == nil {
		return nil, errors.New("open journal: Options.Now and Options.NewID are needed")
	}
	if _, err := segmentsIn(dir); err != nil {
		return nil, err
	}
	held, err := lock(dir)
	if err != nil {
		return nil, err
	}
	j, err := open(dir, keyFile, o)
	if err != nil {
		return nil, errors.Join(err, unlock(held))
	}
	j.lock = held
	return j, nil
}

func open(dir, keyFile string, o Options) (*Journal, error) {
	segments, err := segmentsIn(dir)
	if err != nil {
		return nil, err
	}
	from, err := newestStart(segments)
	if err != nil {
		return nil, err
	}
	j := &Journal{dir: dir, options: o.withDefaults(), identity: from.identity, keys: from.keys, tree: from.tree}
	if o.PinnedID != "" && j.identity.ID != o.PinnedID {
		return nil, fmt.Errorf("%s holds the journal %s, but the configuration pins %s: check the path", dir, j.identity.ID, o.PinnedID)
	}
	if o.Host == "" {
		j.options.Host = j.identity.Host
	} else if !hostName.MatchString(o.Host) {
		return nil, fmt.Errorf("open journal: %q is not the name of a host", o.Host)
	}
	if j.lines, err = newLineMaker("//" + origin(j.options.Host, j.identity.ID)); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if j.signer, err = readKey(dir, keyFile); err != nil {
		return nil, err
	}
	found, err := j.survey(segments[from.index:])
	if err != nil {
		return nil, err
	}
	if err := keyFits(j.signer, j.keys); err != nil {
		return nil, err
	}
	if found.unclean() {
		if err := j.recover(found); err != nil {
			return nil, fmt.Errorf("recover journal in %s: %w", dir, err)
		}
	}
	if err := j.measure(); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return j, j.begin()
}

// begin opens the newest segment for appending and notes it.
func (j *Journal) begin() error {
	segments, err := segmentsIn(j.dir)
	if err != nil {
		return err
	}
	newest := segments[len(segments)-1]
	now := j.options.Now()
	j.checkpointedAt = now.Since
	err = j.addMark(now, mark{Mark: "opened", Records: j.tree.size, Segment: filepath.Base(newest.path)})
	if err == nil && j.checkpointed < j.tree.size {
		err = j.checkpoint(now)
	}
	if err == nil {
		err = j.appendTo(newest.path)
	}
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	j.reserve(now)
	return nil
}

// appendTo makes path the segment that records go to.
func (j *Journal) appendTo(path string) error {
	f, err := j.options.disk.OpenFile(path, 0, 0)
	if err != nil {
		return err
	}
	j.reservation = reservation{file: f}
	j.file = segmentFile{f}
	if j.options.WrapFile != nil {
		j.file = j.options.WrapFile(j.file)
	}
	return nil
}

// measure counts the bytes of all segments, and of the newest one with what
// continues it.
func (j *Journal) measure() error {
	segments, err := segmentsIn(j.dir)
	if err != nil {
		return err
	}
	j.bytes, j.open = 0, 0
	for _, seg := range segments {
		if seg.path == "" {
			continue
		}
		info, err := os.Stat(seg.path)
		if err != nil {
			return err
		}
		j.bytes += info.Size()
		if seg.first >= j.opened {
			j.open += info.Size()
		}
	}
	return nil
}
