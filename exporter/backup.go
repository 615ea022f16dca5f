package exporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fettle-io/fettle/exporter/backup"
	"github.com/fettle-io/fettle/exporter/value"
)

// Backup is a backup whose copies lie in a directory of this machine, or whose end
// somebody writes into a file.
type Backup struct {
	Name, Cluster string // its labels; Cluster may be empty
	Source        backup.Source
	// Every is how often one is to be made; 0: not told.
	Every time.Duration
	// Keep is how many copies there have to be at least, and Retain how old the oldest has
	// to be; 0: not asked for.
	Keep   int
	Retain time.Duration
}

type backupCollector struct {
	host     Host
	backups  []*backedUp
	patience time.Duration
	now      func() time.Time

	present, readable, unread, retention, interval *Metric // state
	success, verified, oldest                      *Metric // measured
	size, previous, copies, empty                  *Metric
}

// backedUp is one backup, the calls to it, and what came of the last one.
type backedUp struct {
	Backup
	labels []string
	flight flight[backup.State]
	failed string
}

func newBackup(h Host) Collector {
	l := []string{"backup", "cluster"}
	c := &backupCollector{
		host: h, patience: patience, now: time.Now,
		present:   gauge("fettle_backup_present", "1 if there is a backup: a copy that is not empty and has come to rest, or a report of success.", l...),
		readable:  gauge("fettle_backup_read", "1 if the backup's directory or report could be read.", l...),
		unread:    gauge("fettle_backup_unread", "1 for the reason why it could not: absent, permission, no_file, outside, too_large, no_number, late or other. Absent if it could.", "backup", "cluster", "reason"),
		retention: gauge("fettle_backup_retention_ok", "1 if as many copies are kept, and for as long, as declared. Only where that is declared.", l...),
		interval:  gauge("fettle_backup_interval_seconds", "How often a backup is to be made, as declared. Only where that is declared.", l...),
		success:   gauge("fettle_backup_last_success_timestamp_seconds", "When the newest backup was written, as a Unix time.", l...),
		verified:  gauge("fettle_backup_last_verified_timestamp_seconds", "When a restore was last shown to work, as a Unix time. Absent if nobody wrote that down.", l...),
		oldest:    gauge("fettle_backup_oldest_timestamp_seconds", "When the oldest copy was written, as a Unix time.", l...),
		size:      gauge("fettle_backup_size_bytes", "How large the newest backup is.", l...),
		previous:  gauge("fettle_backup_previous_size_bytes", "How large the one before it is: a backup that shrinks has lost something. Absent if there is none.", l...),
		copies:    gauge("fettle_backup_copies", "Copies that are not empty and have come to rest.", l...),
		empty:     gauge("fettle_backup_copies_empty", "Copies that have nothing in them, or less than declared.", l...),
	}
	for _, b := range h.Declared.Backups {
		b.Source.Dir, b.Source.Report, b.Source.Verified = rooted(h, b.Source.Dir), rooted(h, b.Source.Report), rooted(h, b.Source.Verified)
		c.backups = append(c.backups, &backedUp{Backup: b, labels: []string{b.Name, b.Cluster}})
	}
	return c
}

// rooted is a path of the machine as it is seen from here; none stays none.
func rooted(h Host, path string) string {
	if path == "" {
		return ""
	}
	return h.path(path)
}

func (c *backupCollector) Metrics() []*Metric {
	return []*Metric{
		c.present, c.readable, c.unread, c.retention, c.interval, c.success, c.verified, c.oldest,
		c.size, c.previous, c.copies, c.empty,
	}
}

// Collect looks at every backup anew. One that cannot be read says so itself, and is no
// failure of the collector.
func (c *backupCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	states, errs := make([]backup.State, len(c.backups)), make([]error, len(c.backups))
	var reads sync.WaitGroup
	for i, b := range c.backups {
		reads.Go(func() {
			states[i], errs[i] = b.flight.do(ctx, func(context.Context) (backup.State, error) { return b.Source.Read(c.now()) })
		})
	}
	reads.Wait()
	for i, b := range c.backups {
		if errors.Is(errs[i], errLate) {
			errs[i] = value.Refuse(value.Late, "its file system does not answer")
		}
		c.tell(b, states[i], errs[i], emit)
	}
	return nil
}

func (c *backupCollector) tell(b *backedUp, s backup.State, err error, emit Emit) {
	reason := ""
	if err != nil {
		s, reason = backup.State{}, string(value.ReasonOf(err))
		emit(c.unread, 1, append(b.labels[:2:2], reason)...)
	}
	c.note(b, reason, err)
	emit(c.readable, boolean(err == nil), b.labels...)
	emit(c.present, boolean(!s.Newest.IsZero()), b.labels...)
	if b.Every > 0 {
		emit(c.interval, b.Every.Seconds(), b.labels...)
	}
	if b.Keep > 0 || b.Retain > 0 {
		kept := s.Copies >= b.Keep && !s.Oldest.IsZero() && c.now().Sub(s.Oldest) >= b.Retain
		emit(c.retention, boolean(err == nil && kept), b.labels...)
	}
	if err != nil {
		return
	}
	for i, at := range []time.Time{s.Newest, s.Oldest, s.Verified} {
		if !at.IsZero() {
			emit([]*Metric{c.success, c.oldest, c.verified}[i], unixTime(at), b.labels...)
		}
	}
	for i, n := range []*int64{s.Size, s.Previous} {
		if n != nil {
			emit([]*Metric{c.size, c.previous}[i], float64(*n), b.labels...)
		}
	}
	if s.Listed {
		emit(c.copies, float64(s.Copies), b.labels...)
		emit(c.empty, float64(s.Empty), b.labels...)
	}
}

func (c *backupCollector) note(b *backedUp, failed string, err error) {
	if failed == b.failed {
		return
	}
	b.failed = failed
	log := c.host.logger().With("backup", b.Name, "cluster", b.Cluster)
	if failed == "" {
		log.Info("A backup can be looked at again")
		return
	}
	log.Warn("A backup cannot be looked at", "reason", failed, "err", fmt.Sprint(err))
}
