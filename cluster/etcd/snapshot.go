package etcd

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Snapshot is a snapshot of Raft's log on a member's disk: what comes after it is
// replayed when the member starts.
type Snapshot struct {
	Index uint64    // the last entry that it holds
	Time  time.Time // when it was written
}

// readSnapshot finds the newest snapshot in a data directory, which must be the one of
// the member with that ID: without it, a directory of the same name on another host
// would be taken for the member's. nil: there is none, or it may not be read from here.
func readSnapshot(dir, id string) *Snapshot {
	if dir == "" || id == "" {
		return nil
	}
	segment, err := newestSegment(filepath.Join(dir, "member", "wal"))
	if err != nil || segment == "" {
		return nil
	}
	if owner, err := readOwner(segment); err != nil || hexID(owner.nodeID) != id {
		return nil
	}
	snaps := filepath.Join(dir, "member", "snap")
	entries, err := os.ReadDir(snaps)
	if err != nil {
		return nil
	}
	for _, e := range slices.Backward(entries) { // TERM-INDEX.snap, in 16 hexadecimal digits each
		name, ok := strings.CutSuffix(e.Name(), ".snap")
		_, index, dash := strings.Cut(name, "-")
		if !ok || !dash {
			continue
		}
		n, err := strconv.ParseUint(index, 16, 64)
		info, serr := e.Info()
		if err == nil && serr == nil {
			return &Snapshot{Index: n, Time: info.ModTime()}
		}
	}
	return nil
}
