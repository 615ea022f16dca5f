package repair

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fettle-io/fettle/journal"
)

// ErrJournal is what everybody learns once the journal could not be written: no
// repair goes on, and nothing more is acknowledged, until fettle is restarted.
var ErrJournal = errors.New("the journal cannot be written: repairs have stopped")

// ErrFull is the answer to a message while the disk is full: what room the journal has
// left is for outcomes (rule 17).
var ErrFull = errors.New("the journal has no room for messages: the disk is full")

// ErrStopped is the answer after Stop.
var ErrStopped = errors.New("fettle is stopping")

// Journal is where the sequencer writes: a group of records, durable when Append
// returns.
type Journal interface {
	Append([]journal.Draft) ([]journal.Record, error)
	MaybeCheckpoint(now journal.Reading) error
	// RotateDue says that the open segment is long enough, and Rotate begins the next
	// one with the open state.
	RotateDue() bool
	Rotate(carried []journal.Draft) ([]journal.Record, error)
	// Full is why there is room for outcomes only; nil: there is enough.
	Full() error
}

// Edges are the sequencer's ways to the world.
type Edges struct {
	Journal Journal
	Clock   func() journal.Reading
	// Brake tells whether the brake file is there, or cannot be told not to be.
	Brake func() bool
	// Damaged is why nothing new may begin, though the journal can be written: an older
	// part of it was found damaged. Empty, and nil: it was not.
	Damaged func() string
	// Poll asks every configured Alertmanager for its active alerts.
	Poll func(ctx context.Context, fetch bool) []PollSource
	// Verify asks Prometheus whether an expression holds, by samples younger than
	// since; nil: nothing that a playbook's `verify` says is believed.
	Verify func(ctx context.Context, expr string, since time.Duration) VerifyResult
	// Survey looks at the whole inventory, for the storm guard; nil: it cannot be told.
	Survey func(ctx context.Context) Fleet
	// Escalate tells people, through every configured Alertmanager; nil: nobody is told.
	Escalate func(ctx context.Context, alerts []Escalation)
	// Keep keeps what a program said when it failed (rule 19): an error of Apply with
	// a method Output. Nil: only the error's own text is recorded.
	Keep    func(ctx context.Context, output []byte) (Evidence, error)
	Metrics *Metrics
	Logger  *slog.Logger
}

// Sequencer drives the engine and owns the journal: one goroutine takes events,
// writes what they made as one group, and begins effects when it is on disk.
type Sequencer struct {
	edges  Edges
	engine *Engine

	inbox    chan envelope
	failure  error // the journal's; the loop's own
	failed   atomic.Pointer[error]
	unsigned bool          // the last checkpoint could not be put in place; the loop's own
	full     error         // no room but for outcomes; the loop's own
	rotate   time.Duration // when a change of segment may be tried again; the loop's own

	ctx    context.Context // of the effects
	cancel context.CancelFunc
	done   chan struct{}
	work   sync.WaitGroup
}

type envelope struct {
	event Event
	read  func(*Engine) // instead of an event: between two Steps
	reply chan reply    // nil: nobody waits
}

type reply struct {
	answer Answer
	seq    uint64
	err    error
}

// batch is how many events are stepped before their records are written as one group.
const batch = 256

// NewSequencer starts from an engine that was made from the folded journal.
func NewSequencer(e *Engine, edges Edges) *Sequencer {
	ctx, cancel := context.WithCancel(context.Background())
	return &Sequencer{
		edges: edges, engine: e, inbox: make(chan envelope, batch),
		ctx: ctx, cancel: cancel, done: make(chan struct{}),
	}
}

// Start resumes what the journal says was live, and runs until Stop.
func (s *Sequencer) Start() {
	s.edges.Metrics.begin(s.engine)
	go s.loop()
}

// Stop ends the loop and waits for it. What was in flight is resumed by the next Start.
func (s *Sequencer) Stop() {
	s.cancel()
	<-s.done
	s.work.Wait()
}

// Submit hands an event over and waits until its records are on disk. seq is the
// sequence number of the last record written with it.
func (s *Sequencer) Submit(ctx context.Context, ev Event) (a Answer, seq uint64, err error) {
	r, err := s.send(ctx, envelope{event: ev})
	if err != nil {
		return Answer{}, 0, err
	}
	if r.err != nil {
		return Answer{}, 0, r.err
	}
	return r.answer, r.seq, r.answer.Err
}

// Read calls fn between two Steps. fn must copy what it keeps, and be quick.
func (s *Sequencer) Read(ctx context.Context, fn func(*Engine)) error {
	_, err := s.send(ctx, envelope{read: fn})
	return err
}

func (s *Sequencer) send(ctx context.Context, env envelope) (reply, error) {
	env.reply = make(chan reply, 1)
	select {
	case s.inbox <- env:
	case <-ctx.Done():
		return reply{}, ctx.Err()
	case <-s.done:
		return reply{}, ErrStopped
	}
	select {
	case r := <-env.reply:
		return r, nil
	case <-ctx.Done():
		return reply{}, ctx.Err()
	case <-s.done:
		return reply{}, ErrStopped
	}
}

// post is how effects answer; an answer after Stop is nobody's.
func (s *Sequencer) post(ev Event) {
	select {
	case s.inbox <- envelope{event: ev}:
	case <-s.ctx.Done():
	}
}

func (s *Sequencer) loop() {
	defer close(s.done)
	s.step([]envelope{{event: Started{}}})
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait := time.Second // a checkpoint may be due
		if in, ok := s.engine.Wake(s.edges.Clock()); ok && s.failure == nil {
			wait = min(wait, in)
		}
		timer.Reset(wait)
		select {
		case <-s.ctx.Done():
			return
		case <-timer.C:
			s.step([]envelope{{event: Ticked{}}})
		case env := <-s.inbox:
			s.step(s.gather(env))
		}
	}
}

// gather takes what else is waiting: one fsync serves all of it.
func (s *Sequencer) gather(first envelope) []envelope {
	envs := []envelope{first}
	for len(envs) < batch {
		select {
		case env := <-s.inbox:
			envs = append(envs, env)
		default:
			return envs
		}
	}
	return envs
}

// step is one round: events in, records on disk, effects begun, senders answered.
func (s *Sequencer) step(envs []envelope) {
	stamp := Stamp{Now: s.edges.Clock(), Brake: s.edges.Brake(), Held: s.damaged(), Full: s.noRoom()}
	replies := make([]reply, len(envs))
	for i, env := range envs {
		switch {
		case env.read != nil:
			env.read(s.engine)
		case s.failure != nil:
			replies[i].err = s.failure
		case s.full != nil && isMessage(env.event):
			replies[i].err = fmt.Errorf("%w: %w", ErrFull, s.full)
		default:
			replies[i].answer = s.engine.Step(stamp, env.event)
		}
	}
	ready, err := s.engine.Ready()
	var seq uint64
	if err == nil && s.failure == nil {
		seq, err = s.write(ready)
	}
	if err != nil {
		s.fail(err)
	}
	if s.failure == nil {
		s.begin(ready.Effects)
		s.checkpoint(stamp.Now)
		s.change(stamp.Now)
	}
	for i, env := range envs {
		if env.reply == nil {
			continue
		}
		if replies[i].err == nil && env.read == nil {
			replies[i].err = s.failure
		}
		replies[i].seq = seq
		env.reply <- replies[i]
	}
}

func (s *Sequencer) write(ready Ready) (seq uint64, err error) {
	s.edges.Metrics.count(ready)
	if len(ready.Drafts) == 0 {
		return 0, nil
	}
	for _, d := range ready.Drafts {
		failpoint("before-append/", d.Type)
	}
	start := time.Now()
	records, err := s.edges.Journal.Append(ready.Drafts)
	if err != nil {
		return 0, err
	}
	s.edges.Metrics.wrote(time.Since(start), ready)
	for _, d := range ready.Drafts {
		failpoint("after-append/", d.Type)
	}
	return records[len(records)-1].Seq, nil
}

// checkpoint signs what is there, when that is due. A checkpoint that cannot be
// put in place, on a full disk, loses nothing: the records are durable, and the
// next one covers them.
func (s *Sequencer) checkpoint(now journal.Reading) {
	err := s.edges.Journal.MaybeCheckpoint(now)
	if errors.Is(err, journal.ErrFailed) {
		s.fail(err)
	} else if (err != nil) != s.unsigned {
		s.unsigned = err != nil
		s.edges.Logger.Warn("checkpoint", "written", err == nil, "err", err)
	}
}

// rotateAgain is how long a change of segment that failed is left alone.
const rotateAgain = 10 * time.Second

// change begins a new segment when the open one is long enough. Where that cannot be
// had, on a full disk, the open one goes on.
func (s *Sequencer) change(now journal.Reading) {
	if s.failure != nil || !s.edges.Journal.RotateDue() || now.Since < s.rotate {
		return
	}
	carried, err := s.engine.st.Carry(now, s.engine.newID)
	if err == nil {
		_, err = s.edges.Journal.Rotate(carried)
	}
	switch {
	case errors.Is(err, journal.ErrFailed):
		s.fail(err)
	case err != nil:
		s.rotate = now.Since + rotateAgain
		s.edges.Logger.Warn("the journal's next segment could not be begun", "err", err)
	}
}

// noRoom is why the journal takes outcomes and compensations only.
func (s *Sequencer) noRoom() string {
	full := s.edges.Journal.Full()
	if (full == nil) != (s.full == nil) {
		s.edges.Logger.Warn("room for the journal", "enough", full == nil, "err", full)
		s.edges.Metrics.room(full == nil)
	}
	s.full = full
	if full == nil {
		return ""
	}
	return full.Error()
}

// damaged is why nothing new may begin.
func (s *Sequencer) damaged() string {
	if s.edges.Damaged != nil {
		return s.edges.Damaged()
	}
	return ""
}

// isMessage tells what comes from outside, and is sent again.
func isMessage(ev Event) bool {
	switch ev.(type) {
	case Alerts, Fetched:
		return true
	}
	return false
}

// fail is final (rule 17).
func (s *Sequencer) fail(err error) {
	if s.failure != nil {
		return
	}
	s.failure = fmt.Errorf("%w: %w", ErrJournal, err)
	s.failed.Store(&s.failure)
	s.edges.Metrics.writable(false)
	s.edges.Logger.Error("journal failed, repairs have stopped", "err", err)
}

// Failed is why nothing can be persisted any more; nil while all is well.
func (s *Sequencer) Failed() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return nil
}
