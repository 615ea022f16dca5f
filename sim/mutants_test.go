//go:build mutants

package sim_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/sim"
)

// seedsForMutant is within how many seeds each switched-off rule has to be noticed.
const seedsForMutant = 500

// A simulation that cannot fail proves nothing: each invariant notices at least one
// engine without the rule that it is from. A guard is switched off by its name, and
// a record's type is folded and not written.
func TestMutantsAreCaught(t *testing.T) {
	k := newKit(t)
	for _, m := range []struct{ name, rule string }{
		{"step.intent", "no mutation without a durable intent"},
		{"slots are free", "at most one mutation in flight per resource"},
		{"an answer is not waited for", "at most one mutation in flight per resource"},
		{"late is in time", "no mutation is begun too late"},
		{"old views do", "guards see a fresh View"},
		{"once is not once", "no once-step twice"},
		{"pause", "no mutation while paused"},
		{"cooldown", "cooldowns hold"},
		{"wall clock", "cooldowns hold"},
		{"attempts", "attempts are bounded"},
		{"quorum", "no mutation breaks the quorum"},
		{"proof", "no start on wrong data"},
		{"one of several is meant", "only who is meant is changed"},
		{"who was meant is meant for ever", "only who is meant is changed"},
		{"an alert that is over means another", "an alert that is over means nobody else"},
		{"one look does", "no mutation that is not needed"},
		{"on-purpose", "what was stopped on purpose stays stopped"},
		{"settled is in order", "never repaired while not in order"},
		{"verified is repaired", "repaired only after the settle time"},
		{"resolved is repaired", "an episode closes only in order"},
		{"known is handled", "every acknowledged alert has its episode"},
		{"an outcome says nothing", "an open episode says why"},
		{"step.finished", "the same journal folds to the same state"},
		{"run.relapsed", "the same journal folds to the same state"},
		{"asked no more", "no open episode is left unasked"},
		{"every answer is a record", "a blocked state writes few records"},
		{"window", "nothing is changed outside its window"},
		{"blast-radius", "no more is down by fettle's hand than was declared"},
		{"what is in flight is not counted", "no more is down by fettle's hand than was declared"},
		{"an undo is not planned", "every step undone was journaled before it was done"},
		{"undo without looking", "an undo changes only what its run has set"},
		{"returned while ill", "nothing is returned to service while it is ill"},
		{"first begun is undone first", "what was begun last is undone first"},
		{"what is owed is forgotten", "what is owed is put back, or a person is told"},
		{"a repair is undone for an earlier run", "nothing is put back that is owed no more"},
		{"a used approval is used again", "what needs approval is done under one that counts"},
		{"an expired approval counts", "what needs approval is done under one that counts"},
		{"one person counts twice", "what needs approval is done under one that counts"},
		{"an approval outlives a reboot", "what needs approval is done under one that counts"},
		{"the premise is not compared", "what is done is what was approved"},
		{"escalation is told per episode", "people are told once per cluster and reason"},
		{"what is told is not told again", "what people are told is told until it is over"},
		{"nobody is told at the deadline", "people are told at the tier's deadline"},
		{"an acknowledgement is forgotten", "what is over or acknowledged is told no more"},
		{"what is told never ends", "what is over or acknowledged is told no more"},
		{"a flood is not held", "a flood of refusals is few runs"},
		{"a refusal is for ever", "every dead member with intact data runs again"},
		{"open for ever", "every episode is closed without a person"},
	} {
		t.Run(m.name, func(t *testing.T) {
			repair.Mutate(m.name)
			defer repair.Mutate("")
			seed, caught := hunt(k, m.rule)
			if !caught {
				t.Fatalf("without its rule %q holds in %d seeds", m.rule, seedsForMutant)
			}
			t.Logf("caught at seed %d: %s", seed, m.rule)
		})
	}
}

// hunt is the first seed that breaks a rule.
func hunt(k *sim.Kit, rule string) (first uint64, caught bool) {
	var mu sync.Mutex
	var all sync.WaitGroup
	next := uint64(0)
	take := func() (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= seedsForMutant && !caught
	}
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for seed, ok := take(); ok; seed, ok = take() {
				if r := k.Run(seed, sim.Options{}); r.Broken != nil && r.Broken.Rule == rule {
					mu.Lock()
					if !caught || seed < first {
						first, caught = seed, true
					}
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return first, caught
}
