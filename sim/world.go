package sim

import (
	"fmt"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// world is everything around the engine, and the engine's process in it.
type world struct {
	kit    *Kit
	dice   dice
	now    time.Duration // since the seed began: the time that no clock here can change
	agenda agenda

	hosts     []*host // the first is fettle's
	rings     []*ring
	units     []*unit // all of them, members and services, in the inventory's order
	named     map[string]*unit
	inventory cluster.Inventory
	prom      *prometheus
	alarms    []*alertmanager
	mutations []*mutation
	fettle    *process
	watch     *watcher
	// agents: what looks and acts does so on each member's own host; otherwise a hang
	// on another host than fettle's cannot be told from a partition.
	agents bool
	polls  bool          // the Alertmanagers are configured to be polled
	sample time.Duration // between two samples at least, to save looks

	terms    terms            // what is declared now
	digest   string           // of the configuration that says so
	declared map[string]terms // by digest

	rolls      bool // plain services get new configurations, one after the other
	systemd    bool // commands outlive fettle
	executions map[string]*execution
	actions    map[string]repair.ActionSpec
	bound      map[string]repair.PlannedStep // by what they see

	persons bool // the calm has lasted, and people see to what waits for them

	stats Stats
	story *story
	serial
}

// serial numbers what needs a name.
type serial struct{ pids, ids, messages int }

// host is a machine: its clocks, and what is up on it.
type host struct {
	name     string
	up       bool
	boot     int
	booted   time.Duration
	wall     time.Duration // how far its wall clock is off
	uptime   time.Duration // before this boot
	unasked  bool          // its service manager cannot be asked
	shutting bool
}

// epoch is what the wall clocks show when a seed begins.
func epoch() time.Time { return time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC) }

// beforeSeed is how long fettle's host is up when a seed begins.
const beforeSeed = time.Hour

func (h *host) reading(now time.Duration) journal.Reading {
	return journal.Reading{Wall: epoch().Add(now + h.wall), Boot: fmt.Sprintf("%s-boot-%d", h.name, h.boot), Since: now - h.booted}
}

// ran is how long the host has been up, all its boots together.
func (h *host) ran(now time.Duration) time.Duration {
	if !h.up {
		return h.uptime
	}
	return h.uptime + now - h.booted
}

func (w *world) at(t time.Duration, do func())         { w.agenda.put(max(t, w.now), do) }
func (w *world) in(d time.Duration, do func())         { w.agenda.put(w.now+max(d, 0), do) }
func (w *world) home() *host                           { return w.hosts[0] }
func (w *world) reading() journal.Reading              { return w.home().reading(w.now) }
func (w *world) say(who, format string, args ...any)   { w.story.say(w.now, who, format, args...) }
func (w *world) stopped() bool                         { return w.watch.broken != nil }
func (w *world) unit(t cluster.Target) (*unit, bool)   { u, ok := w.named[t.String()]; return u, ok }
func (w *world) mustNot(rule, format string, a ...any) { w.watch.report(rule, format, a...) }

// maxTurns bounds what may happen in one part of a seed: more is an engine that spins.
const maxTurns = 3_000_000

// run lets d pass, and what happens in it; it ends early when enough, which is asked
// every few seconds, says so.
func (w *world) run(d time.Duration, enough func() bool) {
	end, ask := w.now+d, w.now
	for turns := 0; !w.stopped(); turns++ {
		e, ok := w.agenda.next(end)
		if !ok {
			break
		}
		if turns > maxTurns {
			w.mustNot(ruleSpin, "%d things happened within %s", maxTurns, d)
			return
		}
		w.now = e.at
		e.do()
		if enough == nil || w.now < ask {
			continue
		}
		if ask = w.now + 5*time.Second; enough() {
			return
		}
	}
	if !w.stopped() {
		w.now = end
	}
}

// changed is to be called after whatever may change who serves.
func (w *world) changed() {
	for _, r := range w.rings {
		r.update()
	}
	for _, u := range w.units {
		u.noteOrder()
	}
	w.prom.noteAll()
}

// newID makes IDs of UUIDv7's form that sort as they were made.
func (w *world) newID() string {
	w.ids++
	return fmt.Sprintf("%08x-%04x-7000-8000-%012x", w.ids>>16, w.ids&0xffff, w.ids)
}
