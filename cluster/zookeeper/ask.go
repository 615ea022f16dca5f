package zookeeper

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// look is what one server answered.
type look struct {
	answered bool
	mode     string // leader, follower, observer, standalone, read-only; "": it serves nobody now
	version  string
	zxid     uint64
	counts   map[string]uint64 // mntr's; nil: not allowed, or it serves nobody
	err      error             // why it could not be asked
}

// notServing is what a server says that has no quorum.
const notServing = "This ZooKeeper instance is not currently serving requests"

func ask(ctx context.Context, l *line.Line[*line.Once]) look {
	var seen look
	seen.err = l.Do(ctx, func(ctx context.Context, o *line.Once) error {
		answer, err := o.Ask(ctx, "srvr")
		if err != nil {
			return err
		}
		if err := seen.srvr(answer); err != nil || seen.mode == "" {
			return err
		}
		// What mntr does not tell is absent: srvr has answered.
		if answer, err = o.Ask(ctx, "mntr"); err == nil {
			seen.counts = counts(answer)
		}
		return nil
	})
	return seen
}

// srvr reads the answer to srvr: lines of "Name: value".
func (s *look) srvr(answer []byte) error {
	if bytes.HasPrefix(answer, []byte(notServing)) {
		s.answered = true
		return nil
	}
	said := map[string]string{}
	for text := range strings.Lines(string(answer)) {
		if key, value, ok := strings.Cut(text, ":"); ok {
			said[key] = strings.TrimSpace(value)
		}
	}
	version, _, _ := strings.Cut(said["Zookeeper version"], "-")
	version, _, _ = strings.Cut(version, ",")
	zxid, err := strconv.ParseUint(strings.TrimPrefix(said["Zxid"], "0x"), 16, 64)
	if version == "" || err != nil || said["Mode"] == "" {
		return line.Because(cluster.BadProtocol, errors.New("the answer to srvr is not that of a ZooKeeper server"))
	}
	s.answered, s.mode, s.version, s.zxid = true, said["Mode"], version, zxid
	return nil
}

// counts reads the whole numbers of an answer to mntr: lines of "name<TAB>value". One
// that is refused has none.
func counts(answer []byte) map[string]uint64 {
	found := map[string]uint64{}
	for text := range strings.Lines(string(answer)) {
		key, value, ok := strings.Cut(strings.TrimSpace(text), "\t")
		if n, err := strconv.ParseUint(value, 10, 64); ok && err == nil && strings.HasPrefix(key, "zk_") {
			found[key] = n
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}
