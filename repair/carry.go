package repair

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
)

// Carried is the data of TypeCarried: a part of the open state, with which a segment
// of the journal opens, so that a start folds the newest segment alone (rule 18). The
// same state gives the same parts, byte for byte: that is how DeepVerify compares.
//
// What is not carried is not state: fingerprints without an open episode (but for
// those that a person closed, and those whose end was not told), ended runs and episodes.
type Carried struct {
	// Clock stands in the first part alone: what was folded before it is replaced.
	Clock     *CarriedClock    `json:"clock,omitempty"`
	Episodes  []carriedEpisode `json:"episodes,omitempty"`
	Runs      []carriedRun     `json:"runs,omitempty"`
	Pauses    []carriedPause   `json:"pauses,omitempty"`
	Cooldowns []carriedTime    `json:"cooldowns,omitempty"`
	Attempts  []carriedAttempt `json:"attempts,omitempty"`
	Circuits  []string         `json:"circuits,omitempty"`
	Held      []carriedHolder  `json:"held,omitempty"`
	Approvals []carriedGiven   `json:"approvals,omitempty"`
	Told      []carriedTold    `json:"told,omitempty"`
	Closed    []carriedClosed  `json:"closed,omitempty"`
	Untold    []carriedTime    `json:"untold,omitempty"` // by fingerprint
	Owed      []Owed           `json:"owed,omitempty"`
}

// CarriedClock is the fold's clock when the state was carried: nanoseconds of
// CLOCK_BOOTTIME, over all boots.
type CarriedClock struct {
	Total time.Duration `json:"total"`
}

// carriedEpisode is what appendCarried writes.
type carriedEpisode struct {
	ID          string            `json:"id"`
	Fingerprint alert.Fingerprint `json:"fingerprint"`
	Playbook    string            `json:"playbook"`
	Labels      map[string]string `json:"labels,omitempty"`
	Opened      time.Duration     `json:"opened"`
	OpenedWall  time.Time         `json:"openedWall"`
	Firing      bool              `json:"firing"` // the fingerprint's last status
	At          time.Duration     `json:"at"`     // when that was
	Active      bool              `json:"active"`
	Mutated     bool              `json:"mutated,omitempty"`
	Run         string            `json:"run,omitempty"`
	Runs        []string          `json:"runs,omitempty"`
	Last        *Refusal          `json:"last,omitempty"`
	LastWall    time.Time         `json:"lastWall,omitzero"`
	LastOutcome Outcome           `json:"lastOutcome,omitempty"`
	LastEnded   time.Duration     `json:"lastEnded,omitempty"`
	Asked       []askedAt         `json:"asked,omitempty"`
	Escalated   []string          `json:"escalated,omitempty"`
	Acked       []string          `json:"acked,omitempty"`
	Sought      string            `json:"sought,omitempty"`
}

type carriedRun struct {
	Planned    Planned       `json:"planned"`
	Opened     time.Duration `json:"opened"`
	OpenedWall time.Time     `json:"openedWall"`
	Attempt    int           `json:"attempt"`
	Next       int           `json:"next"`
	Intent     *IntentData   `json:"intent,omitempty"`
	Intents    int           `json:"intents"`
	Mutating   int           `json:"mutating"`
	Verified   bool          `json:"verified,omitempty"`
	Begun      []Begun       `json:"begun,omitempty"`
	Trail      []Trail       `json:"trail,omitempty"`
}

type carriedPause struct {
	PauseData
	At   time.Duration `json:"at"`
	Wall time.Time     `json:"wall"`
}

type carriedTime struct {
	Key string        `json:"key"`
	At  time.Duration `json:"at"`
}

type carriedAttempt struct {
	Key    string        `json:"key"`
	Intent string        `json:"intent"`
	At     time.Duration `json:"at"`
}

type carriedHolder struct {
	Resource string `json:"resource"`
	Episode  string `json:"episode"`
	Target   string `json:"target"`
	Undo     bool   `json:"undo,omitempty"`
}

type carriedClosed struct {
	Fingerprint alert.Fingerprint `json:"fingerprint"`
	At          time.Duration     `json:"at"`
	ClosedAt    time.Duration     `json:"closedAt"`
}

// maxWindow is longer than any window in which attempts count.
const maxWindow = 7 * 24 * time.Hour

// maxUntold is longer than an alert is looked for that ended untold.
const maxUntold = 24 * time.Hour

// carriedSize is about how long the data of one carried record is, in bytes.
const carriedSize = 32 << 10

// carry calls each with the data of the open state's parts, at now on the fold's clock.
func (s *State) carry(now time.Duration, each func([]byte) error) error {
	first, err := json.Marshal(Carried{Clock: &CarriedClock{Total: now}})
	if err != nil {
		return err
	}
	if err := each(first); err != nil {
		return err
	}
	p := parts{each: each}
	p.kind("episodes")
	var one []byte
	for _, ep := range s.openEpisodes() {
		if one, err = s.appendCarried(one[:0], ep); err != nil {
			return fmt.Errorf("encode carried episode %s: %w", ep.ID, err)
		}
		p.put(one)
	}
	p.kind("runs")
	for _, r := range s.runsInOrder() {
		p.add(carriedRun{
			Planned: r.Planned, Opened: r.Opened, OpenedWall: r.OpenedWall.UTC(), Attempt: r.Attempt, Next: r.Next,
			Intent: r.Intent, Intents: r.Intents, Mutating: r.Mutating, Verified: r.Verified, Begun: r.Begun, Trail: r.Trail,
		})
	}
	p.kind("pauses")
	for _, one := range s.Pauses() {
		p.add(carriedPause{one.PauseData, one.At, one.Wall.UTC()})
	}
	p.kind("cooldowns")
	for _, key := range slices.Sorted(maps.Keys(s.cooldowns)) {
		p.add(carriedTime{key, s.cooldowns[key]}) // few, and a cooldown may be weeks
	}
	p.kind("attempts")
	for _, key := range slices.Sorted(maps.Keys(s.attempts)) {
		for _, a := range s.attempts[key] {
			if now-a.at <= maxWindow {
				p.add(carriedAttempt{key, a.intent, a.at})
			}
		}
	}
	p.kind("circuits")
	for _, key := range slices.Sorted(maps.Keys(s.circuits)) {
		p.add(key)
	}
	p.kind("held")
	for _, res := range slices.Sorted(maps.Keys(s.held)) {
		p.add(carriedHolder{res, s.held[res].episode, s.held[res].target, s.held[res].undo})
	}
	p.kind("owed")
	for _, run := range slices.Sorted(maps.Keys(s.owed)) {
		p.add(s.owed[run])
	}
	s.carryPeople(&p)
	p.kind("closed")
	var closed []alert.Fingerprint
	for f := range s.byPerson { // few; those that are known may be millions
		closed = append(closed, alert.Fingerprint(f.String()))
	}
	slices.Sort(closed)
	for _, fp := range closed {
		k := s.fingerprints[fingerprintOf(fp)]
		p.add(carriedClosed{fp, k.at, k.closedAt})
	}
	p.kind("untold")
	var untold []carriedTime
	for f, at := range s.untold {
		if now-at <= maxUntold {
			untold = append(untold, carriedTime{f.String(), at})
		}
	}
	slices.SortFunc(untold, func(a, b carriedTime) int { return strings.Compare(a.Key, b.Key) })
	for _, one := range untold {
		p.add(one)
	}
	p.flush()
	return p.err
}

// parts makes records' data of about carriedSize out of many things of a kind.
type parts struct {
	each func([]byte) error
	name string
	buf  bytes.Buffer
	err  error
}

func (p *parts) kind(name string) {
	p.flush()
	p.name = name
}

func (p *parts) add(v any) {
	if p.err != nil {
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		p.err = fmt.Errorf("encode carried %s: %w", p.name, err)
		return
	}
	p.put(b)
}

func (p *parts) put(b []byte) {
	if p.buf.Len() > 0 && p.buf.Len()+len(b) > carriedSize {
		p.flush()
	}
	if p.buf.Len() == 0 {
		p.buf.WriteString(`{"` + p.name + `":[`)
	} else {
		p.buf.WriteByte(',')
	}
	p.buf.Write(b)
}

func (p *parts) flush() {
	if p.err != nil || p.buf.Len() == 0 {
		return
	}
	p.buf.WriteString("]}")
	p.err = p.each(bytes.Clone(p.buf.Bytes()))
	p.buf.Reset()
}

// foldCarried takes a part of the open state; the first replaces all that was known.
func (s *State) foldCarried(v Carried, at journal.Reading) {
	if v.Clock != nil {
		*s = *NewState()
		s.clock = foldClock{boot: at.Boot, since: at.Since, total: v.Clock.Total}
	}
	for _, c := range v.Episodes {
		ep := &Episode{
			ID: c.ID, Fingerprint: c.Fingerprint, Playbook: s.same(c.Playbook), labels: packLabels(c.Labels),
			Opened: c.Opened, OpenedWall: c.OpenedWall, Active: c.Active, Mutated: c.Mutated, Run: c.Run, Runs: c.Runs,
			Last: c.Last, LastWall: c.LastWall, LastOutcome: c.LastOutcome, LastEnded: c.LastEnded, asked: c.Asked,
			sought: s.same(c.Sought), quiet: unknownQuiet(),
		}
		for _, reason := range c.Escalated {
			ep.escalated = set(ep.escalated, reason, true)
		}
		for _, reason := range c.Acked {
			ep.acked = set(ep.acked, reason, true)
		}
		s.episodes[c.ID] = ep
		s.openOf[c.Fingerprint] = ep
		s.fingerprints[fingerprintOf(c.Fingerprint)] = known{firing: c.Firing, at: c.At}
	}
	for _, c := range v.Runs {
		s.runs[c.Planned.Run] = &Run{
			Planned: c.Planned, Opened: c.Opened, OpenedWall: c.OpenedWall, Attempt: c.Attempt, Next: c.Next,
			Intent: c.Intent, Intents: c.Intents, Mutating: c.Mutating, Verified: c.Verified, Begun: c.Begun, Trail: c.Trail,
		}
	}
	for _, c := range v.Pauses {
		s.pauses[c.ID] = &Pause{c.PauseData, c.At, c.Wall}
	}
	for _, c := range v.Cooldowns {
		s.cooldowns[c.Key] = c.At
	}
	for _, c := range v.Attempts {
		s.attempts[c.Key] = append(s.attempts[c.Key], attempt{c.Intent, c.At})
	}
	for _, key := range v.Circuits {
		s.circuits[key] = true
	}
	for _, c := range v.Held {
		s.held[c.Resource] = holder{c.Episode, c.Target, c.Undo}
	}
	for _, o := range v.Owed {
		if o.whole() {
			s.owed[o.Run] = &o
		}
	}
	s.foldCarriedPeople(v)
	for _, c := range v.Closed {
		fp := fingerprintOf(c.Fingerprint)
		s.fingerprints[fp], s.byPerson[fp] = known{firing: true, at: c.At, closedAt: c.ClosedAt}, true
	}
	for _, c := range v.Untold {
		s.untold[fingerprintOf(alert.Fingerprint(c.Key))] = c.At
	}
}

// Carry is the open state as the first records of a new segment, at now. newID makes
// their IDs.
func (s *State) Carry(now journal.Reading, newID func() string) ([]journal.Draft, error) {
	var drafts []journal.Draft
	err := s.carry(s.clock.advance(now), func(data []byte) error {
		drafts = append(drafts, journal.Draft{Type: TypeCarried, At: now, ID: newID(), Data: data, Encoded: true})
		return nil
	})
	return drafts, err
}

// DeepVerify folds every record that read gives, in order, and demands that each
// segment opens with exactly the state that the lines before it fold to. It starts
// from the first record, or from the first carried state where the lines before are
// in an archive. The error names the record that differs.
func DeepVerify(read func(func(journal.Record) error) error) (records uint64, err error) {
	d := deep{State: NewState()}
	err = read(func(r journal.Record) error {
		records++
		if err := d.take(r); err != nil {
			return fmt.Errorf("seq %d: %w", r.Seq, err)
		}
		return nil
	})
	if err == nil {
		err = d.whole()
	}
	return records, err
}

// deep is a fold that knows what the next segment has to open with.
type deep struct {
	*State
	known   bool     // what the lines so far fold to is known
	seeding bool     // in the carried state that it begins with
	want    [][]byte // parts that have to come next
}

func (d *deep) take(r journal.Record) error {
	if r.Type != TypeCarried {
		if err := d.whole(); err != nil {
			return err
		}
		d.seeding = false
		if d.known = d.known || r.Seq == 0; !d.known && !isJournals(r.Type) {
			return errors.New("the lines before it are in an archive, and no carried state tells what they came to")
		}
		return d.Fold(r.Draft)
	}
	first := bytes.HasPrefix(r.Data, []byte(`{"clock":`))
	switch {
	case first && !d.known:
		d.known, d.seeding = true, true
		return d.Fold(r.Draft)
	case d.seeding:
		return d.Fold(r.Draft)
	case first && len(d.want) == 0:
		err := d.carry(d.clock.advance(r.At), func(data []byte) error { d.want = append(d.want, data); return nil })
		if err != nil {
			return err
		}
	}
	if len(d.want) == 0 || !bytes.Equal(d.want[0], r.Data) {
		return errors.New("the carried state is not what the lines before it fold to")
	}
	d.want = d.want[1:]
	return nil
}

// whole tells that nothing of a carried state is missing.
func (d *deep) whole() error {
	if len(d.want) > 0 {
		return fmt.Errorf("%d parts of the state before are not carried into the segment", len(d.want))
	}
	return nil
}

// isJournals tells a record that the journal writes for itself.
func isJournals(typ string) bool { return typ == "genesis" || strings.HasPrefix(typ, "journal.") }
