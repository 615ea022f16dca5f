package exporter

import (
	"context"

	"github.com/fettle-io/fettle/cluster"
)

type syncCollector struct {
	host                    Host
	up, running, primary    *Metric // state
	seconds, bytes, entries *Metric // measured
}

func newSync(h Host) Collector {
	labels := []string{"cluster", "member"}
	return &syncCollector{
		host:    h,
		up:      gauge("fettle_sync_up", "1 if the member can be asked how far it is.", labels...),
		running: gauge("fettle_sync_running", "1 if the member's link to its source is there and everything replays; of a primary or leader, if it takes writes.", labels...),
		primary: gauge("fettle_sync_primary", "1 if the member is the primary or leader.", labels...),
		seconds: gauge("fettle_sync_lag_seconds", "How old what the member has is, beside what its source has. Absent while either cannot be read, and of a primary.", labels...),
		bytes:   gauge("fettle_sync_lag_bytes", "Bytes that the source has and the member has not. Absent while either cannot be read, and of a primary.", labels...),
		entries: gauge("fettle_sync_lag_entries", "Entries (Raft entries, transactions, messages) that the source has and the member has not. Absent while either cannot be read.", labels...),
	}
}

func (c *syncCollector) Metrics() []*Metric {
	return []*Metric{c.up, c.running, c.primary, c.seconds, c.bytes, c.entries}
}

// Collect tells of every cluster of a kind whose members follow one another, and of the
// file trees whose source is on this machine. A member of which nothing is known, because
// the look at its cluster did not come back, has its state all the same.
func (c *syncCollector) Collect(ctx context.Context, s *Scrape, emit Emit) error {
	views, err := s.Views(replicated()...)
	for _, v := range views {
		for _, m := range v.Members {
			seen := cluster.Sync{}
			if m.Sync != nil {
				seen = *m.Sync
			}
			c.tell(seen, emit, v.Cluster, m.Name)
		}
	}
	for _, f := range follow(c.host.Declared.Trees.look(ctx, c.host.logger())) {
		c.tell(f.Sync, emit, f.labels...)
	}
	return err
}

func (c *syncCollector) tell(seen cluster.Sync, emit Emit, labels ...string) {
	emit(c.up, boolean(seen.Up), labels...)
	emit(c.running, boolean(seen.Running), labels...)
	emit(c.primary, boolean(seen.Role == cluster.Primary), labels...)
	// Always in the same order: only then is a page filled again, and not made anew.
	for i, lag := range []*float64{seen.Seconds, seen.Bytes, seen.Entries} {
		if lag != nil {
			emit([]*Metric{c.seconds, c.bytes, c.entries}[i], *lag, labels...)
		}
	}
}
