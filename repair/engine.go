package repair

import (
	"errors"
	"fmt"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
)

// Config is what the engine is given and may be given anew (a reload).
type Config struct {
	Inventory cluster.Inventory
	Playbooks []*Playbook // in the order in which they are matched
	Actions   map[string]ActionSpec
	Guards    []Guard // in the order in which they are asked
	Autonomy  func(playbook, cluster string, tier Tier) Autonomy
	Settings  func(tier Tier, cluster, playbook string) Settings
	Version   string // of this program
	Digest    string // of the configuration, for the record of a reload
	// Alertmanagers tells whether any is configured to be polled.
	Alertmanagers bool
	// Asking is how many targets are looked at at the same time; 0 is 64.
	Asking int
}

// Engine is the state machine of ENGINE.md: Step takes what happened, Ready gives
// the records to write and the effects to begin when they are on disk. It has no
// goroutine, no clock and no I/O, and it is not for concurrent use.
type Engine struct {
	cfg   Config
	newID func() string
	st    *State

	stamp   Stamp
	now     time.Duration // of the fold's clock
	started time.Time     // of this process, by the wall

	live       map[string]*live            // by run
	onTarget   map[string]map[string]*live // by target, then by run
	slots      map[string]string
	freed      map[string]time.Duration // resource: when a run that may have changed it gave it back
	leftAt     map[string]time.Duration // and likewise, by target
	asks       map[string]*ask          // by target and what is seen
	asking     int                      // asks that look
	turns      []*ask                   // that wait to look
	queued     map[string]bool          // asks with an episode that waits for slots
	looks      map[uint64]func(Looked)
	lookSeq    uint64
	alone      map[string]bool  // cluster/member: seen to be the only one down, and not to answer since
	debts      map[string]*debt // by the run that owes
	owing      int              // debts that look at their target's health
	timers     timers
	silent     map[alert.Fingerprint]bool
	sources    map[string]time.Duration // Alertmanager: since when it does not answer
	pollDue    time.Duration
	pollAt     time.Duration // when the last poll was asked for
	polling    bool
	fetch      bool                                // a message left alerts out: the next poll brings them
	fetching   bool                                // the poll under way is to bring them
	unfetched  map[string]bool                     // Alertmanagers that were left out of it: once they answer again
	back       map[alert.Fingerprint]time.Duration // closed ones that may come back untold: until when
	purged     time.Duration
	braked     time.Duration // since when the brake file has been seen
	brakedWall time.Time

	books    map[string]*Playbook // of the running configuration, as all of these
	uses     map[*Playbook][]string
	places   map[string]*aim
	index    cluster.Index
	digest   map[string]string // of a cluster's entry
	generals Settings          // those that belong to no playbook

	fleet     *Fleet              // the last look at the whole inventory
	fleetCame time.Duration       // when its answer came
	surveyed  []func()            // who waits for the next one
	holdings  map[string]*holding // by guard/reason
	telling   telling

	ready Ready
	err   error
}

// NewEngine starts from a folded journal. newID makes record and run IDs (UUIDv7).
func NewEngine(cfg Config, st *State, newID func() string) *Engine {
	e := &Engine{
		newID: newID, st: st,
		live: map[string]*live{}, onTarget: map[string]map[string]*live{}, slots: map[string]string{}, freed: map[string]time.Duration{}, leftAt: map[string]time.Duration{}, asks: map[string]*ask{},
		queued: map[string]bool{}, debts: map[string]*debt{}, alone: map[string]bool{}, looks: map[uint64]func(Looked){},
		silent: map[alert.Fingerprint]bool{}, sources: map[string]time.Duration{}, unfetched: map[string]bool{}, back: map[alert.Fingerprint]time.Duration{}, holdings: map[string]*holding{},
	}
	e.telling = telling{e: e, due: -1, last: -tellGap}
	e.configure(cfg)
	return e
}

// configure takes a configuration, and forgets what was known by another one.
func (e *Engine) configure(cfg Config) {
	e.cfg = cfg
	e.books = make(map[string]*Playbook, len(cfg.Playbooks))
	for _, p := range cfg.Playbooks {
		if e.books[p.Name] == nil {
			e.books[p.Name] = p
		}
	}
	e.uses, e.places = map[*Playbook][]string{}, map[string]*aim{}
	e.index, e.digest = cfg.Inventory.Index(), map[string]string{}
	e.generals = cfg.Settings(P1, "", "")
}

// State is the fold, for reading between two Steps.
func (e *Engine) State() *State { return e.st }

// ErrNotFound is the answer to an operator's word about nothing.
var ErrNotFound = errors.New("not found")

// Answer is what an event's sender learns when its records are on disk.
type Answer struct {
	Message  MessageEnd // for the last Alerts of a message
	Pause    PauseData  // for SetPause
	Approval ApprovedBy // for GiveApproval
	Run      string     // for Undo: the run that was opened
	Err      error      // an operator's word that could not be taken: nothing was recorded
}

// Step takes one event. Its records and effects wait in Ready.
func (e *Engine) Step(s Stamp, ev Event) Answer {
	now := e.st.clock.at(s.Now)
	if s.Brake && !e.stamp.Brake {
		e.braked, e.brakedWall = now, s.Now.Wall
	}
	e.stamp, e.now = s, now
	var a Answer
	switch ev := ev.(type) {
	case Started:
		e.started = s.Now.Wall
		e.recordConfig()
		e.start()
	case Ticked:
	case Alerts:
		a.Message = e.onAlerts(ev)
	case Fetched:
		e.fetched(ev.Source)
	case Looked:
		e.noteDown(ev)
		if fn := e.looks[ev.Look]; fn != nil {
			delete(e.looks, ev.Look)
			fn(ev)
		}
	case Applied:
		e.onApplied(ev)
	case Polled:
		e.onPolled(ev)
	case Surveyed:
		e.onSurveyed(ev)
	case Reloaded:
		e.reload(ev.Config)
	case SetPause:
		a.Pause, a.Err = e.pause(ev)
	case ClearPause:
		a.Err = e.unpause(ev)
	case Release:
		a.Err = e.release(ev)
	case CloseEpisode:
		a.Err = e.closeByPerson(ev)
	case Undo:
		a.Run, a.Err = e.undo(ev)
	case LeaveUndo:
		a.Err = e.leave(ev)
	case GiveApproval:
		a.Approval, a.Err = e.giveApproval(ev)
	case Acknowledge:
		a.Err = e.acknowledge(ev)
	}
	e.purge()
	e.due()
	return a
}

// Ready hands over what the Steps since the last Ready left to do.
func (e *Engine) Ready() (Ready, error) {
	r := e.ready
	e.ready = Ready{}
	return r, e.err
}

// record makes a record: it is folded now, and written before any effect begins.
func (e *Engine) record(typ, subject string, data any) {
	b, err := encode(data)
	if err != nil {
		e.err = errors.Join(e.err, fmt.Errorf("encode %s: %w", typ, err))
		return
	}
	e.st.apply(typ, e.stamp.Now, data)
	if mutant(typ) { // folded, and not written
		return
	}
	e.ready.Drafts = append(e.ready.Drafts, journal.Draft{
		Type: typ, Subject: subject, Critical: typ == TypeIntent, At: e.stamp.Now, ID: e.newID(), Data: b, Encoded: true,
	})
	e.ready.made = append(e.ready.made, data)
}

func (e *Engine) effect(f Effect) { e.ready.Effects = append(e.ready.Effects, f) }

func (e *Engine) note(n Note) { e.ready.Notes = append(e.ready.Notes, n) }

// look asks for one look and remembers who wants the answer.
func (e *Engine) look(spec ActionSpec, t cluster.Target, then func(Looked)) {
	e.lookWith(Look{Spec: spec, Target: t}, then)
}

func (e *Engine) lookWith(f Look, then func(Looked)) {
	e.lookSeq++
	e.looks[e.lookSeq] = then
	f.ID, f.Timeout = e.lookSeq, lookTimeout
	e.effect(f)
}

// lookTimeout bounds one look: a hung member takes 6 s of watching by itself (rule 14).
const lookTimeout = 20 * time.Second

// due does what its time has come for. Nothing is scanned before that time.
func (e *Engine) due() {
	for range maxTurns {
		due := e.timers.take(e.now)
		for _, t := range due {
			if !t.stale() {
				t.who.wake()
			}
		}
		if !e.duePoll() && len(due) == 0 {
			return
		}
	}
}

// maxTurns bounds what one event may set off by itself; the next Wake goes on.
const maxTurns = 16

// Wake is when the engine wants its next Ticked, counted from now; ok is false
// where only another event can move it. What is asked between two Steps does not
// put it off.
func (e *Engine) Wake(now journal.Reading) (in time.Duration, ok bool) {
	next, ok := e.timers.next()
	if e.wantsPoll() && (!ok || e.pollDue < next) { // also where no look would wake it
		next, ok = e.pollDue, true
	}
	if !ok {
		return 0, false
	}
	return max(0, next-e.st.clock.at(now)), true
}

// playbook finds a playbook of the running configuration.
func (e *Engine) playbook(name string) *Playbook { return e.books[name] }

// match is the first playbook whose matchers all hold. What fettle itself sends
// is never matched (rule 22).
func (e *Engine) match(labels map[string]string) *Playbook {
	if labels["origin"] == "fettle" {
		return nil
	}
	for _, p := range e.cfg.Playbooks {
		if p.On.Matches(labels) {
			return p
		}
	}
	return nil
}

func (e *Engine) settings(p *Playbook, cluster string) Settings {
	s := e.cfg.Settings(p.Tier, cluster, p.Name)
	if p.Cooldown != nil {
		s.Cooldown = *p.Cooldown
	}
	if p.Settle != nil {
		s.Settle = *p.Settle
	}
	return s
}

// Paused implements StateView.
func (e *Engine) Paused(cluster string) (string, bool) {
	for _, p := range e.st.Pauses() {
		if p.Cluster == "" || p.Cluster == cluster {
			by := p.Actor
			if p.Reason != "" {
				by += ": " + p.Reason
			}
			return by, true
		}
	}
	return "", false
}

// CooldownLeft implements StateView.
func (e *Engine) CooldownLeft(playbook, target string, cooldown time.Duration) time.Duration {
	at, ok := e.st.cooldowns[playbook+"|"+target]
	if !ok {
		return 0
	}
	return max(0, at+cooldown-e.now)
}

// AttemptsMade implements StateView.
func (e *Engine) AttemptsMade(action, target string, d time.Duration) int {
	n := 0
	for _, a := range e.st.attempts[action+"|"+target] {
		if e.now-a.at < d {
			n++
		}
	}
	return n
}

// CircuitOpen implements StateView.
func (e *Engine) CircuitOpen(action, target string) bool { return e.st.circuits[action+"|"+target] }

// SlotHolder implements StateView.
func (e *Engine) SlotHolder(resources []string, run string) (string, bool) {
	for _, res := range resources {
		if holder, ok := e.slots[res]; ok && holder != run {
			return "run " + holder, true
		}
		if h, ok := e.st.held[res]; ok {
			return "episode " + h.episode + " (its run ended unknown: `fettle release " + h.episode + "` frees it)", true
		}
	}
	return "", false
}

// LiveRuns implements StateView: runs that hold slots.
func (e *Engine) LiveRuns(run string) int {
	holders := map[string]bool{}
	for _, h := range e.slots {
		if h != run {
			holders[h] = true
		}
	}
	return len(holders)
}
