package etcd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// What ReadDataDir fails with, for errors.Is.
var (
	// ErrNoDataDir: the directory is not there.
	ErrNoDataDir = errors.New("no data directory")
	// ErrEmptyDataDir: it is there and holds no member.
	ErrEmptyDataDir = errors.New("empty data directory")
	// ErrNotReadable: it may not be read, or reading failed.
	ErrNotReadable = errors.New("data directory not readable")
	// ErrDamaged: what is in it is not what etcd writes.
	ErrDamaged = errors.New("data directory damaged")
)

// DataDir says whose a data directory is.
type DataDir struct {
	Empty     bool              `json:"empty,omitempty"`      // with ErrEmptyDataDir
	NodeID    string            `json:"node_id,omitempty"`    // the member's ID, hex
	ClusterID string            `json:"cluster_id,omitempty"` // hex
	Names     map[string]string `json:"names,omitempty"`      // member names by ID, as far as the database could be read
}

// ReadDataDir reads, without etcd, which member of which cluster a data directory
// belongs to: from the newest segment of its log, and, best effort, the members'
// names from its database. It changes nothing, and works while etcd is running;
// Names is then empty. A log kept elsewhere by --wal-dir is not found.
func ReadDataDir(dir string) (DataDir, error) {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return DataDir{}, dirError(dir, err)
	case !info.IsDir():
		return DataDir{}, fmt.Errorf("%w: %s is no directory", ErrDamaged, dir)
	}
	segment, err := newestSegment(filepath.Join(dir, "member", "wal"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return DataDir{}, dirError(dir, err)
	}
	if segment == "" {
		return withoutLog(dir)
	}
	owner, err := readOwner(segment)
	if err != nil {
		return DataDir{}, dirError(segment, err)
	}
	return DataDir{
		NodeID:    hexID(owner.nodeID),
		ClusterID: hexID(owner.clusterID),
		Names:     readNames(filepath.Join(dir, "member", "snap", "db")),
	}, nil
}

func dirError(path string, err error) error {
	switch {
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("%w (%s)", err, path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s", ErrNoDataDir, path)
	}
	return fmt.Errorf("%w: %w", ErrNotReadable, err)
}

// newestSegment is the last *.wal file, by name as etcd orders them; "" for none.
func newestSegment(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range slices.Backward(entries) {
		if strings.HasSuffix(e.Name(), ".wal") {
			return filepath.Join(dir, e.Name()), nil
		}
	}
	return "", nil
}

// withoutLog tells a directory without a log apart: etcd would start a new member
// in either, but one with a database has lost something.
func withoutLog(dir string) (DataDir, error) {
	lost := ""
	err := filepath.WalkDir(filepath.Join(dir, "member"), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// An unfinished start leaves its preallocated *.tmp files.
		if !e.IsDir() && !strings.HasSuffix(e.Name(), ".tmp") {
			lost = path
			return fs.SkipAll
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return DataDir{}, dirError(dir, err)
	case lost != "":
		return DataDir{}, fmt.Errorf("%w: %s is there, but no log", ErrDamaged, lost)
	}
	return DataDir{Empty: true}, fmt.Errorf("%w: %s", ErrEmptyDataDir, dir)
}

// readNames reads the members' names by ID from a database, or nothing: a missing
// or damaged one, or one that a running etcd holds, is no error here.
func readNames(path string) (names map[string]string) {
	// The database is mapped into memory: where its file is cut short, reading
	// faults, and bbolt panics on pages that it cannot understand.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			names = nil
		}
	}()
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, Timeout: 50 * time.Millisecond})
	if err != nil {
		return nil
	}
	defer db.Close()
	found := map[string]string{}
	err = db.View(func(tx *bolt.Tx) error {
		bucket := tx.Bucket([]byte("members"))
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(id, value []byte) error {
			var m struct {
				Name string `json:"name"`
			}
			if err := json.Unmarshal(value, &m); err != nil {
				return err
			}
			found[string(id)] = m.Name
			return nil
		})
	})
	if err != nil {
		return nil
	}
	return found
}
