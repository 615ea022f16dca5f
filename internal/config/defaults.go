package config

import (
	"fmt"
	"reflect"
	"time"

	"github.com/prometheus/common/model"

	"github.com/fettle-io/fettle/repair"
)

// Number is one number of the engine's rules.
type Number struct {
	// Key is its name under `tiers` and `overrides`; empty: it cannot be set.
	Key string
	// Field is its name in [repair.Settings] and [Override]; empty: it is fixed.
	Field string
	// Default is a time.Duration, int, uint64 or, where it is fixed, also text;
	// ByTier, where it is set instead, has P0, P1 and P2.
	Default any
	ByTier  []time.Duration
	// Zero says what 0 means; empty: 0 is refused.
	Zero string
	// Most is the largest value, of a duration in nanoseconds; 0: any.
	Most int64
	// Fleet: there is one for everything, it is set under overrides.all.
	Fleet bool
	Rule  string // of ENGINE.md
	Help  string
}

// Numbers is the table of every number of the engine, from which the defaults and
// docs/configuration.md are made.
func Numbers() []Number {
	const s, m, h = time.Second, time.Minute, time.Hour
	return []Number{
		{Key: "look", Field: "Look", ByTier: []time.Duration{5 * s, 30 * s, 300 * s}, Rule: "5, 21", Help: "how often an open episode is asked"},
		{Key: "deadline", Field: "Deadline", ByTier: []time.Duration{60 * s, 300 * s, 1800 * s}, Rule: "10, 21", Help: "verified within this time of received, else it escalates; also a step's deadline"},
		{Key: "sample", Field: "Sample", ByTier: []time.Duration{100 * time.Millisecond, s, s}, Rule: "10", Help: "between two observations after a mutation"},
		{Key: "settle", Field: "Settle", Default: 60 * s, Rule: "4, section 3", Help: "how long it must stay in order to count as repaired"},
		{Key: "cooldown", Field: "Cooldown", Default: 10 * m, Zero: "off", Rule: "section 5", Help: "between two mutating runs of one playbook on one target"},
		{Key: "attempts", Field: "Attempts", Default: 3, Zero: "off", Rule: "section 5", Help: "attempts on one (action, target) before only `fettle release` lets it go on"},
		{Key: "attempts_within", Field: "AttemptsWithin", Default: 15 * m, Most: int64(7 * 24 * h), Rule: "section 5", Help: "the time in which those attempts are counted, a week at most"},
		{Key: "step_attempts", Field: "StepAttempts", Default: 2, Rule: "10", Help: "attempts of one step within one run"},
		{Key: "eager_looks", Field: "EagerLooks", Default: 3, Rule: "9", Help: "observations that must say \"not in order\" before a mutation, unless the service manager says that the process is gone"},
		{Key: "eager_gap", Field: "EagerGap", Default: 2 * s, Rule: "9", Help: "between those observations"},
		{Key: "not_after", Field: "NotAfter", Default: 5 * s, Rule: "8", Help: "a mutation may not begin later than this after the view that its guards saw"},
		{Key: "view_age", Field: "ViewAge", Default: 5 * s, Rule: "section 5", Help: "guards refuse on a view that was asked for longer ago"},
		{Key: "commit_lag", Field: "CommitLag", Default: uint64(1000), Zero: "none", Rule: "14", Help: "entries that a voter may be behind and still count for the quorum"},
		{Key: "live_runs", Field: "LiveRuns", Default: 10, Fleet: true, Rule: "section 5", Help: "live runs at a time"},
		{Key: "still_active", Field: "StillActive", Default: 5 * m, Rule: "4", Help: "an alert still active this long after repaired or noop escalates"},
		{Key: "quiet_in_order", Field: "QuietInOrder", Default: 10 * m, Rule: "4", Help: "with no Alertmanager configured: in order for this long counts as no longer active"},
		{Key: "forget", Field: "Forget", Default: 24 * h, Fleet: true, Rule: "2", Help: "an inactive fingerprint without an episode is forgotten"},
		{Key: "reopen_closed", Field: "ReopenClosed", Default: 4 * h, Rule: "2", Help: "after a person closed an episode, a still firing alert opens a new one"},
		{Key: "poll_every", Field: "PollEvery", Default: 30 * s, Fleet: true, Rule: "4", Help: "between two polls of Alertmanager's active alerts"},
		{Key: "poll_closed", Field: "PollClosed", Default: 1 * h, Most: int64(24 * h), Fleet: true, Rule: "4", Help: "an alert whose episode closed before a message said that it ended is looked for this long, a day at most: give it more than Alertmanager's group_interval"},
		{Key: "poll_left_out", Field: "PollLeftOut", Default: 10 * m, Fleet: true, Rule: "4", Help: "an Alertmanager that has not answered for this long is left out"},
		{Key: "reasons_record", Field: "ReasonsRecord", Default: h, Rule: "section 5", Help: "the same refusal of an episode is a record once in this time, and counted otherwise"},
		{Key: "refusal_runs", Field: "RefusalRuns", Default: 10, Fleet: true, Zero: "none", Rule: "5, section 5", Help: "episodes that get a run of their own in an hour for the same passing refusal; the others are recorded together"},
		{Key: "approvers", Field: "Approvers", Default: 1, Most: 2, Rule: "23", Help: "people who have to approve, each another one"},
		{Key: "approval_valid", Field: "ApprovalValid", Default: 15 * m, Rule: "23", Help: "an approval that was not used within this time is void"},
		{Key: "escalate_every", Field: "EscalateEvery", Default: m, Fleet: true, Rule: "22", Help: "between two posts of what people are told"},

		{Default: "1MiB", Rule: "1", Help: "of a message that is kept in memory, the rest goes to an unlinked file"},
		{Default: "64KiB", Rule: "1", Help: "largest record of an alert: longer annotations are cut, with length and digest"},
		{Default: "32KiB", Rule: "1", Help: "an alert whose labels are larger is recorded by fingerprint and digest, and never matched"},
		{Default: 10 * s, Rule: "10", Help: "added to a unit's own stop and start time-outs for its step's deadline (infinity counts as 10m)"},
		{Default: 2, Rule: "section 3", Help: "samples that must say done before a step is verified"},
		{Default: 5 * s, Rule: "13", Help: "a start without a quorum counts as started when its process has lived this long"},
		{Default: 90 * s, Rule: "14", Help: "a process that was never seen serving is not taken for hung before this age"},
		{Default: 6 * s, Rule: "14", Help: "how long a hung member's ports and its leader must hear nothing"},
		{Default: "4 × escalate_every", Rule: "22", Help: "how far ahead what people are told ends, unless it is posted again"},
		{Default: m, Rule: "section 5", Help: "between two records of episodes that the same refusal holds"},
		{Default: 10 * time.Millisecond, Rule: "5", Help: "for each target that is out of order, the least time between two looks at it"},
		{Default: "2 × scrape_interval", Rule: "section 5", Help: "Prometheus' last scrape is a vantage point while younger"},
	}
}

// defaults are the settings that hold for a tier before anything is overridden. A
// tier that is none has the slowest.
func defaults(tier repair.Tier) repair.Settings {
	i := map[repair.Tier]int{repair.P0: 0, repair.P1: 1}
	at, ok := i[tier]
	if !ok {
		at = 2
	}
	var s repair.Settings
	v := reflect.ValueOf(&s).Elem()
	for _, n := range Numbers() {
		switch {
		case n.Field == "":
		case n.ByTier != nil:
			v.FieldByName(n.Field).Set(reflect.ValueOf(n.ByTier[at]))
		default:
			v.FieldByName(n.Field).Set(reflect.ValueOf(n.Default))
		}
	}
	return s
}

// DefaultText is the default as a person writes it.
func (n Number) DefaultText() string {
	if n.ByTier != nil {
		return fmt.Sprintf("P0 %s, P1 %s, P2 %s", model.Duration(n.ByTier[0]), model.Duration(n.ByTier[1]), model.Duration(n.ByTier[2]))
	}
	if d, ok := n.Default.(time.Duration); ok {
		return model.Duration(d).String()
	}
	return fmt.Sprint(n.Default)
}
