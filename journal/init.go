package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"github.com/fettle-io/fettle/internal/durable"
)

// InitOptions is what Init cannot know. All fields are needed.
type InitOptions struct {
	// Host names this host, as in //host/fettle/….
	Host string
	// Now is the time of the genesis record.
	Now Reading
	// NewID makes a UUIDv7.
	NewID func() string
	// Rand is where the key comes from: crypto/rand.Reader.
	Rand io.Reader

	disk durable.Disk // tests see each step here
}

// Init creates a journal in dir (mode 0700) and its Ed25519 key in keyFile
// (mode 0600, outside of dir), and writes the genesis record and the first
// checkpoint. It refuses where a journal or a key file is already there: a
// second journal in the place of the first would forget every cooldown.
func Init(dir, keyFile string, o InitOptions) (Identity, error) {
	id, err := initialize(dir, keyFile, o)
	if err != nil {
		return Identity{}, fmt.Errorf("init journal in %s: %w", dir, err)
	}
	return id, nil
}

func initialize(dir, keyFile string, o InitOptions) (_ Identity, err error) {
	if !hostName.MatchString(o.Host) {
		return Identity{}, fmt.Errorf("%q is not the name of a host", o.Host)
	}
	if o.NewID == nil || o.Rand == nil {
		return Identity{}, errors.New("InitOptions.NewID and InitOptions.Rand are needed")
	}
	if err := apart(dir, keyFile); err != nil {
		return Identity{}, err
	}
	if err := vacant(dir, keyFile); err != nil {
		return Identity{}, err
	}
	if err := o.disk.MkdirAll(dir, 0o700); err != nil {
		return Identity{}, err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return Identity{}, err
	}
	held, err := lock(dir)
	if err != nil {
		return Identity{}, err
	}
	defer func() { err = errors.Join(err, unlock(held)) }()
	if err := vacant(dir, keyFile); err != nil { // now that nobody else can
		return Identity{}, err
	}

	id := Identity{ID: o.NewID(), Host: o.Host}
	id.Origin = origin(id.Host, id.ID)
	var key string
	if key, id.VerifierKey, err = note.GenerateKey(o.Rand, id.Origin); err != nil {
		return Identity{}, err
	}
	signer, err := note.NewSigner(key)
	if err != nil {
		return Identity{}, err
	}
	group, line, err := genesisGroup(id, o)
	if err != nil {
		return Identity{}, err
	}

	// The checkpoint comes last: a directory without one is no journal yet.
	// What this call made, it takes away again if it fails.
	if err := o.disk.MkdirAll(filepath.Dir(keyFile), 0o700); err != nil {
		return Identity{}, err
	}
	if err := o.disk.CreateFile(keyFile, []byte(key+"\n"), 0o600); err != nil {
		return Identity{}, err
	}
	first := segmentPath(dir, 0)
	defer func() {
		if err != nil {
			for _, path := range []string{filepath.Join(dir, checkpointFile), filepath.Join(dir, checkpointsFile), first, keyFile} {
				os.Remove(path)
			}
		}
	}()
	if err := o.disk.CreateFile(first, group, 0o600); err != nil {
		return Identity{}, err
	}
	var tree frontier
	tree.add(line)
	c := checkpoint{tree.size, tree.root()}
	msg, err := c.put(o.disk, dir, id.Origin, signer)
	if err != nil {
		return Identity{}, err
	}
	_, err = keepCheckpoint(o.disk, dir, c.size, msg, o.Now)
	return id, err
}

// genesisGroup returns the first group of a journal, and the line in it.
func genesisGroup(id Identity, o InitOptions) (group, line []byte, err error) {
	data, err := json.Marshal(id)
	if err != nil {
		return nil, nil, err
	}
	m, err := newLineMaker("//" + id.Origin)
	if err != nil {
		return nil, nil, err
	}
	line, err = m.append(nil, 0, &Draft{
		Type: genesis, Subject: "journal/" + id.ID, Critical: true, At: o.Now, ID: o.NewID(), Data: data,
	})
	if err != nil {
		return nil, nil, err
	}
	return append(append([]byte("\n"), line...), '\n'), line, nil
}

// vacant refuses where a journal or a key is.
func vacant(dir, keyFile string) error {
	switch _, err := segmentsIn(dir); {
	case err == nil:
		return fmt.Errorf("there is a journal already: %w", fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if _, err := os.Lstat(keyFile); err == nil {
		return fmt.Errorf("%s is there already, and may be the key of another journal; if no journal uses it, remove it: %w", keyFile, fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
