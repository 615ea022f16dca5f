package sim

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// Profile is what a seed is about.
type Profile string

const (
	// Mixed has every fault, close together.
	Mixed Profile = "mixed"
	// Clocks has days with few faults and many clocks that jump.
	Clocks Profile = "clocks"
)

// Options say how a seed is played.
type Options struct {
	Profile Profile // empty: Mixed
	// Journal is an empty directory for a real journal, which is then opened, folded
	// and verified; empty: records are kept in memory only.
	Journal string
	// Story has the timeline told; a seed plays the same with and without it.
	Story bool
}

// Stats count what happened in a seed.
type Stats struct {
	Simulated                                time.Duration
	Faults, Crashes, Jumps, Persons          int
	Messages, Alerts                         int
	Looks, Runs, Intents, Applied            int
	Started, Ended                           int // members started, hung processes ended
	Records, Folds, Segments                 int
	Repaired, Noop, Blocked, Failed, Unknown int
}

func (s *Stats) count(f repair.FinishedData) {
	switch f.Outcome {
	case repair.Repaired:
		s.Repaired++
	case repair.Noop:
		s.Noop++
	case repair.Blocked, repair.ObservedOnly:
		s.Blocked++
	case repair.Failed:
		s.Failed++
	case repair.Unknown:
		s.Unknown++
	}
}

// Add sums two seeds' counts up.
func (s *Stats) Add(o Stats) {
	s.Simulated += o.Simulated
	for _, p := range []struct{ to, from *int }{
		{&s.Faults, &o.Faults}, {&s.Crashes, &o.Crashes}, {&s.Jumps, &o.Jumps}, {&s.Persons, &o.Persons},
		{&s.Messages, &o.Messages}, {&s.Alerts, &o.Alerts}, {&s.Looks, &o.Looks}, {&s.Runs, &o.Runs},
		{&s.Intents, &o.Intents}, {&s.Applied, &o.Applied}, {&s.Started, &o.Started}, {&s.Ended, &o.Ended},
		{&s.Records, &o.Records}, {&s.Folds, &o.Folds}, {&s.Segments, &o.Segments}, {&s.Repaired, &o.Repaired}, {&s.Noop, &o.Noop},
		{&s.Blocked, &o.Blocked}, {&s.Failed, &o.Failed}, {&s.Unknown, &o.Unknown},
	} {
		*p.to += *p.from
	}
}

// Result is how a seed went.
type Result struct {
	Seed uint64
	// Broken is the invariant that did not hold; nil: all did.
	Broken *Violation
	// Story is the timeline, where it was asked for.
	Story []string
	Stats Stats
}

// Run plays one seed. It is deterministic: the same seed, options and program give
// the same result, whatever else runs.
func (k *Kit) Run(seed uint64, o Options) Result {
	d := newDice(seed)
	plain := maxPlain
	if o.Profile == Clocks {
		plain = fewStorm
	}
	w := k.build(d, pick(d, 1, 3, 3, 3, 3, 5, 5), plain)
	w.prom.rename(newDice(seed ^ namesSeed))
	w.fettle.disk.dir = o.Journal
	if o.Profile == Clocks {
		w.declare(w.terms.wide())
		w.fettle.cfg = k.config(w)
	}
	if o.Story {
		w.story = &story{}
	}
	w.say("world", "seed %d: %s", seed, w.describe())
	w.inOrderFirst()
	if o.Profile == Clocks {
		w.playClocks()
	} else {
		w.play()
	}
	if !w.stopped() {
		w.calm()
	}
	w.end()
	w.stats.Simulated = w.now
	r := Result{Seed: seed, Broken: w.watch.broken, Stats: w.stats}
	if w.story != nil {
		r.Story = w.story.lines
	}
	return r
}

func (w *world) describe() string {
	s := fmt.Sprintf("%d hosts, %d Alertmanagers, agents %v", len(w.hosts), len(w.alarms), w.agents)
	for _, u := range w.units {
		s += fmt.Sprintf("; %s on %s", u.name(), u.host.name)
		if u.notify {
			s += fmt.Sprintf(" (notify, start time-out %s)", u.startTimeout)
		}
		if u.restartIn > 0 {
			s += fmt.Sprintf(" (restarted after %s)", u.restartIn)
		}
	}
	return s
}

// inOrderFirst is a world in order, and fettle in it.
func (w *world) inOrderFirst() {
	w.changed()
	w.run(5*time.Second, nil)
	w.fettle.start()
	w.run(10*time.Second, nil)
	var audit func()
	audit = func() {
		w.watch.everyEpisodeAsked()
		w.watch.saysWhy()
		w.watch.auditTold()
		w.watch.auditDeadlines()
		w.in(20*time.Second, audit)
	}
	w.in(20*time.Second, audit)
	w.in(w.dice.span(10*time.Second, 2*time.Minute), w.approvers)
}

// end checks what holds at the end of every seed.
func (w *world) end() {
	if w.stopped() {
		_ = w.fettle.disk.verify()
		return
	}
	if w.fettle.up && !w.fettle.writing {
		w.watch.saysWhy()
		w.watch.sameFold(w.fettle.engine.State(), w.fettle.disk)
	}
	if err := w.fettle.disk.deepVerify(); err != nil {
		w.mustNot(ruleSameFold, "%v", err)
	}
	if err := w.fettle.disk.verify(); err != nil {
		w.mustNot(ruleVerifies, "%v", err)
	}
}
