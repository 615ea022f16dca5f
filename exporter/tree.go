package exporter

import (
	"context"
	"time"
)

type treeCollector struct {
	host                                           Host
	up, unread, source, walked                     *Metric // state
	files, size, newest, settledFiles, settledSize *Metric // measured, by the last walk
	end, duration, cutoff                          *Metric
	names, sample, sampleFiles                     *Metric
	missed, sampleMissed                           *Metric
}

func newTree(h Host) Collector {
	m := []string{"cluster", "member"}
	return &treeCollector{
		host:         h,
		up:           gauge("fettle_tree_up", "1 if the directory that holds the member's copy can be read.", m...),
		unread:       gauge("fettle_tree_unread", "1 for the reason why it cannot: absent, permission, late or other. Absent if it can.", "cluster", "member", "reason"),
		source:       gauge("fettle_tree_source", "1 if the others follow the member's copy.", m...),
		walked:       gauge("fettle_tree_walked", "1 if there is a whole walk through the copy, not older than three intervals. The other values are that walk's, and absent without it.", m...),
		files:        gauge("fettle_tree_files", "Regular files, of the last walk.", m...),
		size:         gauge("fettle_tree_size_bytes", "What they hold together, of the last walk.", m...),
		newest:       gauge("fettle_tree_newest_change_timestamp_seconds", "The newest change of a file, as a Unix time, of the last walk. Absent without files.", m...),
		settledFiles: gauge("fettle_tree_settled_files", "Files that were last changed before the cutoff.", m...),
		settledSize:  gauge("fettle_tree_settled_size_bytes", "What they hold together.", m...),
		end:          gauge("fettle_tree_walk_timestamp_seconds", "When the last walk came to its end, as a Unix time.", m...),
		duration:     gauge("fettle_tree_walk_duration_seconds", "How long the last walk took, the time between scrapes included.", m...),
		cutoff:       gauge("fettle_tree_cutoff_timestamp_seconds", "Files changed later are not compared. Only digests with the same cutoff say something of each other.", m...),
		names:        gauge("fettle_tree_names_digest", "A digest of the names and sizes of the settled files. Absent if not all could be read.", m...),
		sample:       gauge("fettle_tree_sample_digest", "A digest of what a sample of the settled files holds: the same files in every copy. Absent if one of them could not be read, or changed meanwhile.", m...),
		sampleFiles:  gauge("fettle_tree_sample_files", "Files of the sample that were read.", m...),
		missed:       gauge("fettle_tree_missed", "Files and directories that could not be read, or are too many.", m...),
		sampleMissed: gauge("fettle_tree_sample_missed", "Files of the sample that could not be read, or changed meanwhile.", m...),
	}
}

func (c *treeCollector) Metrics() []*Metric {
	return []*Metric{
		c.up, c.unread, c.source, c.walked, c.files, c.size, c.newest, c.settledFiles, c.settledSize,
		c.end, c.duration, c.cutoff, c.names, c.sample, c.sampleFiles, c.missed, c.sampleMissed,
	}
}

// Collect tells of each copy on this machine. One that cannot be read says so itself, and
// is no failure of the collector.
func (c *treeCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	for _, v := range c.host.Declared.Trees.look(ctx, c.host.logger()) {
		emit(c.up, boolean(v.reason == ""), v.labels...)
		if v.reason != "" {
			emit(c.unread, 1, append(v.labels[:2:2], string(v.reason))...)
		}
		emit(c.source, boolean(v.isSource()), v.labels...)
		emit(c.walked, boolean(len(v.results) > 0), v.labels...)
		if len(v.results) > 0 {
			c.measured(v, emit)
		}
	}
	return nil
}

func (c *treeCollector) measured(v treeView, emit Emit) {
	r := v.results[len(v.results)-1]
	emit(c.files, float64(r.Files), v.labels...)
	emit(c.size, float64(r.Bytes), v.labels...)
	if !r.Newest.IsZero() {
		emit(c.newest, unixTime(r.Newest), v.labels...)
	}
	emit(c.settledFiles, float64(r.SettledFiles), v.labels...)
	emit(c.settledSize, float64(r.SettledBytes), v.labels...)
	emit(c.end, unixTime(r.End), v.labels...)
	emit(c.duration, r.End.Sub(r.Begin).Seconds(), v.labels...)
	emit(c.cutoff, unixTime(r.Cutoff), v.labels...)
	if r.Whole() {
		emit(c.names, float64(r.Names), v.labels...)
	}
	if r.Sampled() {
		emit(c.sample, float64(r.Sample), v.labels...)
	}
	emit(c.sampleFiles, float64(r.SampleFiles), v.labels...)
	emit(c.missed, float64(r.Unread+r.LeftOut), v.labels...)
	emit(c.sampleMissed, float64(r.SampleUnread+r.SampleChanged), v.labels...)
}

// unixTime is a time in seconds since 1970.
func unixTime(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }
