package redis

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/cluster/line"
)

// sentinelOf asks a Sentinel about the cluster's primary and replicas, and whether a
// failover could be agreed on.
func (d *Driver) sentinelOf(ctx context.Context, c *conn) (*Sentinel, error) {
	name := d.cluster.Redis.Master
	replies, err := c.do(ctx, []string{"SENTINEL", "MASTER", name}, []string{"SENTINEL", "REPLICAS", name})
	if err != nil {
		return nil, err
	}
	usable, why, err := quorum(ctx, c, name)
	if err != nil {
		return nil, err
	}
	s := readSentinel(pairs(replies[0]), replies[1].list)
	s.Usable, s.Why = usable, why
	return s, nil
}

// quorum is the answer of CKQUORUM, which says no with an error.
func quorum(ctx context.Context, c *conn, name string) (usable bool, why string, err error) {
	_, err = c.do(ctx, []string{"SENTINEL", "CKQUORUM", name})
	if told, ok := errors.AsType[*replyError](err); ok && strings.HasPrefix(told.text, "NOQUORUM") {
		return false, line.Why(told), nil
	}
	return err == nil, "", err
}

func readSentinel(master info, replicas []reply) *Sentinel {
	flags := strings.Split(master["flags"], ",")
	s := &Sentinel{
		Address:          net.JoinHostPort(master["ip"], master["port"]),
		Epoch:            master.count("config-epoch"),
		Quorum:           master.count("quorum"),
		Others:           master.count("num-other-sentinels"),
		Replicas:         master.count("num-slaves"),
		SubjectivelyDown: slices.Contains(flags, "s_down"),
		ObjectivelyDown:  slices.Contains(flags, "o_down"),
		FailingOver:      slices.Contains(flags, "failover_in_progress"),
	}
	for _, r := range replicas[:min(len(replicas), mostFollowers)] {
		f := pairs(r)
		if slices.Contains(strings.Split(f["flags"], ","), "s_down") {
			s.down = append(s.down, net.JoinHostPort(f["ip"], f["port"]))
		}
	}
	return s
}

// pairs makes fields of a list of names and values.
func pairs(r reply) info {
	f := make(info, len(r.list)/2)
	for i := 0; i+1 < len(r.list); i += 2 {
		f[r.list[i].text] = r.list[i+1].text
	}
	return f
}

// majority is more than half of n.
func majority(votes, n int) bool { return votes > n/2 }
