package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// Member is what one server says of itself. Positions are the bytes of the log before
// them; times are seconds since 1970 by the server's clock; nil is what it does not
// know, or what its role does not have.
type Member struct {
	Allowed    bool     `json:"allowed"`   // it may read what others do
	Version    int      `json:"version"`   // 150018 is 15.18
	System     string   `json:"system"`    // identifier: that of the server it was once copied from
	Now        float64  `json:"now"`       // its clock
	Started    float64  `json:"started"`   // when
	Recovery   bool     `json:"recovery"`  // it is a standby
	ReadOnly   bool     `json:"read_only"` // by its configuration it takes no writes
	Segment    string   `json:"segment"`   // the log file that a primary writes, the newest of a standby without a receiver: begins with its timeline
	Timelines  []uint32 `json:"timelines"` // of a standby: of its last restart point, and of what it has replayed at least
	Current    *uint64  `json:"current"`   // of a primary: what it has written
	Received   *uint64  `json:"received"`  // of a standby: what is safely on its disk
	Replayed   *uint64  `json:"replayed"`  // and what can be read from it
	ReplayedAt *float64 `json:"replayed_commit"`
	Paused     bool     `json:"paused"` // its replay, by somebody's order
	// ReceiverTimeout is after how many seconds of silence a standby gives its link up; 0: never.
	ReceiverTimeout float64   `json:"receiver_timeout"`
	Receiver        *Receiver `json:"receiver"` // nil: none runs

	StandbysConnected int            `json:"standbys"`
	StandbyRows       []Standby      `json:"standby"`
	SlotCount         int            `json:"slots"`
	Slots             []Slot         `json:"slot"` // the first 64
	SubscriptionCount int            `json:"subscriptions"`
	Subscriptions     []Subscription `json:"subscription"` // the first 64

	Archives        bool     `json:"archives"` // it is to archive its log
	Archiver        Archiver `json:"archiver"`
	MostConnections int      `json:"most_connections"`
	Sessions        Sessions `json:"sessions"`
	Prepared        *float64 `json:"prepared"` // age of the oldest prepared transaction, seconds
	TransactionIDs  int64    `json:"transaction_ids"`
	MultixactIDs    int64    `json:"multixact_ids"`

	// What follows was found out with what the others said.

	Timeline uint32             `json:"-"` // 0: not known
	Standbys map[string]Standby `json:"-"` // by the inventory's name
	Unlisted int                `json:"-"` // how many of StandbyRows are not in the inventory
	// PositionAge and CommitAge are the two bounds of a standby's lag, seconds: how long
	// ago the primary was seen to have no more than the standby has, and how long ago
	// the standby's last transaction was committed, by the clock of the primary.
	PositionAge *float64 `json:"-"`
	CommitAge   *float64 `json:"-"`
}

// Receiver is a standby's end of the link to its source.
type Receiver struct {
	Status   string   `json:"status"`
	Timeline uint32   `json:"timeline"`
	Slot     string   `json:"slot"`
	Host     string   `json:"host"`
	Port     int      `json:"port"`
	Silent   *float64 `json:"silent"` // seconds since the last message
}

// Standby is the other end: a row of pg_stat_replication. Lags are seconds, as the
// server measured them last; view.go takes away those that are of an earlier time.
type Standby struct {
	PID       int      `json:"pid"`
	Name      string   `json:"name"`
	Address   string   `json:"address"`
	Slot      string   `json:"slot"`
	State     string   `json:"state"`
	Sync      string   `json:"sync"`
	Sent      *uint64  `json:"sent"`
	Written   *uint64  `json:"written"`
	Flushed   *uint64  `json:"flushed"`
	Replayed  *uint64  `json:"replayed"`
	WriteLag  *float64 `json:"write_lag"`
	FlushLag  *float64 `json:"flush_lag"`
	ReplayLag *float64 `json:"replay_lag"`
	Replied   *float64 `json:"replied"` // when, by the clock of the standby
}

// Slot is a replication slot: the log that is kept for somebody.
type Slot struct {
	Name          string   `json:"name"`
	Logical       bool     `json:"logical"`
	Active        bool     `json:"active"`
	Status        string   `json:"status"` // reserved, extended, unreserved, lost
	Safe          *int64   `json:"safe"`   // bytes until it is lost; nil: there is no limit
	Restart       *uint64  `json:"restart"`
	Confirmed     *uint64  `json:"confirmed"`
	InactiveSince *float64 `json:"inactive_since"` // PostgreSQL 17 and later
	Invalidated   *bool    `json:"invalidated"`    // PostgreSQL 17 and later
}

// Subscription is the receiving end of logical replication.
type Subscription struct {
	Name        string   `json:"name"`
	Database    string   `json:"database"`
	Enabled     bool     `json:"enabled"`
	Running     bool     `json:"running"`
	Received    *uint64  `json:"received"`
	Reported    *uint64  `json:"reported"`
	Silent      *float64 `json:"silent"`       // seconds since the last message
	ApplyErrors *int64   `json:"apply_errors"` // PostgreSQL 15 and later
	SyncErrors  *int64   `json:"sync_errors"`
}

// Archiver is what pg_stat_archiver counts.
type Archiver struct {
	Archived   int64    `json:"archived"`
	Failed     int64    `json:"failed"`
	ArchivedAt *float64 `json:"archived_at"`
	FailedAt   *float64 `json:"failed_at"`
}

// Failing tells that the last attempt to archive failed.
func (a Archiver) Failing() bool {
	return a.FailedAt != nil && (a.ArchivedAt == nil || *a.FailedAt > *a.ArchivedAt)
}

// Sessions are the clients.
type Sessions struct {
	Connections int      `json:"connections"`
	Waiting     int      `json:"waiting"`     // for a synchronous standby
	Transaction *float64 `json:"transaction"` // age of the oldest, seconds
}

// Position is how far the server's data is: what a primary has written, what a standby
// has replayed.
func (m *Member) Position() *uint64 {
	if m.Recovery {
		return m.Replayed
	}
	return m.Current
}

// Release is the version as people write it.
func (m *Member) Release() string { return fmt.Sprintf("%d.%d", m.Version/10000, m.Version%10000) }

// SilenceLimit is after how many seconds without a message the link to the source is
// not running; 0: never. A receiver that heard nothing for half of its timeout asks for
// an answer, so three quarters of it do not pass in silence while anybody is there.
func (m *Member) SilenceLimit() float64 { return m.ReceiverTimeout * 3 / 4 }

// Streaming tells that the link to the source is there.
func (m *Member) Streaming() bool {
	r := m.Receiver
	return m.Recovery && r != nil && r.Status == "streaming" &&
		(m.SilenceLimit() <= 0 || r.Silent == nil || *r.Silent <= m.SilenceLimit())
}

// mostElements of the answer: an empty row has three bytes, and what is made of it two
// hundred. All that is asked for has some 3000.
const mostElements = 1 << 14

// parse reads the answer to the question.
func parse(text []byte) (*Member, error) {
	if bytes.Count(text, []byte(",")) > mostElements {
		return nil, line.Because(cluster.TooLarge, errors.New("the answer has more in it than was asked for"))
	}
	m := &Member{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, line.Because(cluster.BadProtocol, fmt.Errorf("the answer is not understood: %w", err))
	}
	switch {
	case m.Version < oldest*10000:
		return nil, line.Because(cluster.BadVersion, fmt.Errorf("version number %d: %d is the oldest version that is understood", m.Version, oldest))
	case !m.Allowed:
		return nil, line.Because(cluster.BadAuth, errors.New("the user may not see what other users do: GRANT pg_monitor TO the user"))
	case len(m.StandbyRows) > mostRows || len(m.Slots) > mostRows || len(m.Subscriptions) > mostRows || len(m.Timelines) > 2:
		return nil, line.Because(cluster.BadProtocol, errors.New("the answer has more rows than were asked for"))
	}
	if err := m.names(); err != nil {
		return nil, err
	}
	m.Timeline = m.timeline()
	return m, nil
}

// mostName of a name: PostgreSQL's have 63 bytes, unless it was built for more.
const mostName = 255

// names refuses names that cannot be PostgreSQL's: they become labels.
func (m *Member) names() error {
	var slots, subscriptions []string
	for _, s := range m.Slots {
		slots = append(slots, s.Name)
	}
	for _, s := range m.Subscriptions {
		subscriptions = append(subscriptions, s.Database+"\x00"+s.Name)
	}
	for _, names := range [][]string{slots, subscriptions} {
		slices.Sort(names)
		if len(slices.Compact(slices.Clone(names))) != len(names) || slices.ContainsFunc(names, func(n string) bool { return len(n) > 2*mostName }) {
			return line.Because(cluster.BadProtocol, errors.New("the answer has a name twice, or one that is too long"))
		}
	}
	return nil
}

// timeline is the newest that anything tells: the control file is written now and then
// only.
func (m *Member) timeline() uint32 {
	newest := uint32(0)
	if len(m.Segment) >= 8 {
		if n, err := strconv.ParseUint(m.Segment[:8], 16, 32); err == nil {
			newest = uint32(n)
		}
	}
	if m.Recovery && m.Receiver != nil {
		newest = max(newest, m.Receiver.Timeline)
	}
	for _, t := range m.Timelines {
		newest = max(newest, t)
	}
	return newest
}
