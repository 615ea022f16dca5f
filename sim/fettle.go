package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// process is fettle: the real engine, driven as the sequencer drives it. What has
// gathered is stepped, its records are written as one group, and only then its
// effects begin and its senders are answered. It dies between any two of these.
type process struct {
	w         *world
	cfg       repair.Config
	engine    *repair.Engine
	up        bool
	life      int // an earlier life's answers are nobody's
	startedAt time.Duration
	inbox     []delivery
	waking    bool
	writing   bool
	wakeGen   int
	tickDue   bool

	disk    *disk
	heard   map[*unit]hush
	crashIn int // opportunities until it dies; 0: it does not

	brake        bool
	blind        bool // looks do not answer
	slowLooks    bool
	slowDisk     bool
	late         time.Duration // executors begin so late
	commandTakes time.Duration
	answersLate  time.Duration
	answersNever bool
	answersError bool
	commandsFail float64 // so often a declared command does
	notAfter     time.Duration
	readings     []boot
	changedAt    time.Duration   // when it was last given another configuration
	group        []journal.Draft // being written
}

// boot is when which boot began, in true time.
type boot struct {
	name string
	at   time.Duration
}

type delivery struct {
	event repair.Event
	acked func() // when its records are on disk
}

// post hands an event over; where fettle is down nobody hears of it.
func (p *process) post(ev repair.Event, acked func()) {
	if !p.up {
		return
	}
	p.inbox = append(p.inbox, delivery{ev, acked})
	p.wake()
}

// wake has what has gathered stepped.
func (p *process) wake() {
	if p.waking || p.writing {
		return
	}
	p.waking = true
	p.inLife(0, func() { p.waking = false; p.round() })
}

// inLife does something later, unless fettle died meanwhile.
func (p *process) inLife(d time.Duration, do func()) {
	life := p.life
	p.w.in(d, func() {
		if p.life == life && p.up {
			do()
		}
	})
}

func (p *process) start() {
	w := p.w
	p.life++
	p.up, p.startedAt, p.inbox, p.waking, p.writing, p.tickDue = true, w.now, nil, false, false, false
	p.heard = map[*unit]hush{}
	st, err := p.disk.open(w)
	if err != nil {
		w.mustNot(ruleVerifies, "the journal does not open: %v", err)
		return
	}
	p.engine = repair.NewEngine(p.cfg, st, w.newID)
	w.watch.started()
	w.say("fettle", "starts")
	p.inbox = []delivery{{event: repair.Started{}}}
	p.wake()
}

// die is kill -9: what is not on disk is lost, or only a part of it is.
func (p *process) die(unwritten []journal.Draft) {
	w := p.w
	w.stats.Crashes++
	w.say("fettle", "is killed (%d records of its last group not yet synced)", len(unwritten))
	survive := 0
	if len(unwritten) > 0 && w.dice.chance(0.5) {
		survive = w.dice.IntN(len(unwritten) + 1)
	}
	p.disk.append(w, unwritten[:survive])
	if len(unwritten) == 0 {
		w.watch.sameFold(p.engine.State(), p.disk)
	}
	p.down()
	w.in(w.dice.mostly(3*time.Second, time.Minute, 0.2), func() {
		if !p.up && w.home().up {
			p.start()
		}
	})
}

// killNow is kill -9 at a moment that nobody chose.
func (p *process) killNow() {
	if p.up {
		p.die(p.group)
	}
}

// lose is its host that goes down: what was being written is lost.
func (p *process) lose() {
	if p.up {
		p.down()
	}
}

// down ends this life: its commands die with it, and its executors, but for agents
// that have not begun; what a manager was told to do goes on.
func (p *process) down() {
	p.up = false
	p.life++
	p.group = nil
	p.disk.crash()
	p.w.endExecutions(false)
	for _, m := range p.w.mutations {
		if m.begun && !m.commanded || !m.begun && !p.w.agents {
			m.finish()
		}
	}
}

// dies tells that fettle dies now, between two things it does.
func (p *process) dies() bool {
	if p.crashIn == 0 {
		return false
	}
	p.crashIn--
	return p.crashIn == 0
}

// round is one round of the sequencer.
func (p *process) round() {
	w := p.w
	batch := p.inbox
	if p.tickDue {
		p.tickDue = false
		batch = append(batch, delivery{event: repair.Ticked{}})
	}
	p.inbox = nil
	if len(batch) == 0 {
		return
	}
	stamp := repair.Stamp{Now: w.reading(), Brake: p.brake}
	var ready repair.Ready
	for _, d := range batch {
		w.watch.event(d.event)
		p.engine.Step(stamp, d.event)
		r, err := p.engine.Ready()
		if err != nil {
			w.mustNot(ruleSameFold, "the engine could not take its own record: %v", err)
		}
		for _, d := range r.Drafts {
			w.watch.made(d, stamp)
		}
		ready.Drafts, ready.Effects = append(ready.Drafts, r.Drafts...), append(ready.Effects, r.Effects...)
	}
	if w.stopped() {
		return
	}
	began := w.now
	if len(ready.Drafts) == 0 {
		p.after(ready, batch, began)
		return
	}
	if p.dies() {
		p.die(ready.Drafts)
		return
	}
	p.writing, p.group = true, ready.Drafts
	took := w.dice.span(100*time.Microsecond, 2*time.Millisecond)
	if p.slowDisk {
		took = w.dice.span(time.Millisecond, 4*time.Second)
	}
	p.inLife(took, func() {
		p.writing, p.group = false, nil
		p.disk.append(w, ready.Drafts)
		if w.dice.chance(0.01) {
			p.carry()
		}
		p.after(ready, batch, began)
	})
}

// after begins the effects and answers the senders, once all is on disk.
func (p *process) after(ready repair.Ready, batch []delivery, began time.Duration) {
	for _, f := range ready.Effects {
		if p.dies() {
			p.die(nil)
			return
		}
		p.begin(f)
	}
	if p.dies() {
		p.die(nil)
		return
	}
	for _, d := range batch {
		if d.acked != nil {
			p.w.watch.acknowledged(d.event, began)
			d.acked()
		}
	}
	p.plan()
}

// plan has the engine woken when it wants to be.
func (p *process) plan() {
	if len(p.inbox) > 0 {
		p.wake()
	}
	p.wakeGen++
	gen := p.wakeGen
	if in, ok := p.engine.Wake(p.w.reading()); ok {
		p.inLife(in, func() {
			if p.wakeGen == gen {
				p.tickDue = true
				p.wake()
			}
		})
	}
}

// begin begins one effect; each answers with an event.
func (p *process) begin(f repair.Effect) {
	w, life := p.w, p.life
	answer := func(ev repair.Event) {
		if p.life == life {
			p.post(ev, nil)
		}
	}
	w.watch.effect(f)
	switch f := f.(type) {
	case repair.Look:
		w.look(f, func(l *looking, seen repair.Sighting, err error) {
			if p.life != life {
				return
			}
			w.stats.Looks++
			w.watch.looked(l, err)
			ev := repair.Looked{Look: f.ID, Seen: seen, Err: err}
			if f.Verify != nil && err == nil {
				v := w.prom.verify(l.unit, *f.Verify)
				ev.Verified = &v
			}
			answer(ev)
		})
	case repair.Apply:
		w.forget()
		w.apply(f, func(err error) { answer(repair.Applied{Run: f.Intent.Run, Intent: f.Intent.ID, Err: err}) })
	case repair.Poll:
		w.in(w.dice.mostly(100*time.Millisecond, 20*time.Second, 0.02), func() {
			var all []repair.PollSource
			for _, m := range w.alarms {
				all = append(all, m.poll(f.Fetch))
			}
			answer(repair.Polled{Sources: all})
		})
	case repair.Survey:
		asked := w.reading()
		w.in(w.dice.span(0, time.Second), func() { answer(repair.Surveyed{Fleet: w.survey(asked)}) })
	}
}

// survey is a look at the whole inventory.
func (w *world) survey(asked journal.Reading) repair.Fleet {
	f := repair.Fleet{Asked: asked, Available: map[string]bool{}}
	for _, u := range w.units {
		f.Available[u.name()] = u.available()
		if u.purpose != "" && u.pid == 0 {
			continue
		}
		f.Running++
		if !w.reaches(u) {
			f.Failing++
		}
	}
	if !w.prom.alive {
		f.Suspect = "Prometheus does not answer"
	}
	return f
}

func (p *process) lookTook() time.Duration {
	if p.slowLooks {
		return p.w.dice.span(0, 12*time.Second)
	}
	return p.w.dice.mostly(20*time.Millisecond, 2*time.Second, 0.02)
}

func (p *process) executorLate() time.Duration {
	if p.late > 0 {
		return p.w.dice.span(0, p.late)
	}
	return p.w.dice.span(0, 3*time.Millisecond)
}

// trueTime is when fettle's boot clock showed since, in this boot.
func (p *process) trueTime(since time.Duration) time.Duration { return p.w.home().booted + since }

// matched tells that a playbook is for an alert.
func (p *process) matched(labels map[string]string) bool {
	return slices.ContainsFunc(p.cfg.Playbooks, func(b *repair.Playbook) bool { return b.On.Matches(labels) })
}

// has tells that a playbook is in the running configuration.
func (p *process) has(playbook string) bool {
	return slices.ContainsFunc(p.cfg.Playbooks, func(b *repair.Playbook) bool { return b.Name == playbook })
}

// resolves tells that a target is in the running inventory.
func (p *process) resolves(target string) bool {
	for _, c := range p.cfg.Inventory.Clusters {
		for _, m := range c.Members {
			if (cluster.Target{Cluster: c, Member: m}).String() == target {
				return true
			}
		}
	}
	return false
}

// holds tells that a run which ended unknown keeps a unit's slots.
func (p *process) holds(u *unit) bool { return p.heldFor(u) != "" }

// heldFor is that run's episode, as a refusal names it; empty: there is none.
func (p *process) heldFor(u *unit) string {
	if p.engine == nil {
		return ""
	}
	disturbs := cluster.DisturbsUnit
	if u.ring != nil {
		disturbs = cluster.DisturbsCluster
	}
	holder, taken := p.engine.SlotHolder(p.w.inventory.Resources(u.target, disturbs), "")
	rest, held := strings.CutPrefix(holder, "episode ")
	if !taken || !held {
		return ""
	}
	episode, _, _ := strings.Cut(rest, " ")
	return episode
}
