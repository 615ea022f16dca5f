// Simulate plays seeds of the simulation until one breaks an invariant, and then
// prints that seed's story. See docs/simulation.md.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/fettle-io/fettle/sim"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(1)
	}
}

type settings struct {
	seeds, start uint64
	profile      string
	all, story   bool
	every        uint64
}

func run(args []string, out io.Writer) error {
	var set settings
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	flags.Uint64Var(&set.seeds, "seeds", 500, "how many seeds")
	flags.Uint64Var(&set.start, "start", 0, "the first seed")
	flags.StringVar(&set.profile, "profile", string(sim.Mixed), "mixed, or clocks: days in which clocks jump")
	flags.BoolVar(&set.all, "all", false, "go on after a seed that broke an invariant, and list them")
	flags.BoolVar(&set.story, "story", false, "print the story of the first seed, whatever comes of it")
	flags.Uint64Var(&set.every, "journal", 10, "every so many seeds write a real journal; 0: none")
	if err := flags.Parse(args); err != nil {
		return err
	}
	kit, err := sim.NewKit()
	if err != nil {
		return err
	}
	if set.story {
		set.seeds, set.all = 1, true
	}
	p := player{kit: kit, set: set, out: out}
	if set.story {
		p.tell(set.start)
	}
	return p.play()
}

// player plays seeds on all processors; which one plays a seed changes nothing in it.
type player struct {
	kit *sim.Kit
	set settings
	out io.Writer

	mu     sync.Mutex
	next   uint64
	done   uint64
	sum    sim.Stats
	broken []sim.Result
}

func (p *player) play() error {
	began := time.Now()
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for seed, ok := p.take(); ok; seed, ok = p.take() {
				p.took(p.one(seed, false))
			}
		})
	}
	all.Wait()
	s := p.sum
	fmt.Fprintf(p.out, "%d seeds in %s: %s simulated, %d faults, %d kills of fettle, %d clock jumps, %d alerts acknowledged, %d looks, %d runs, %d mutations, %d records, %d segments\n",
		p.done, time.Since(began).Round(time.Millisecond), s.Simulated.Round(time.Hour), s.Faults, s.Crashes, s.Jumps, s.Alerts, s.Looks, s.Runs, s.Applied, s.Records, s.Segments)
	if len(p.broken) == 0 {
		return nil
	}
	for _, r := range p.broken {
		fmt.Fprintf(p.out, "seed %d: %v\n", r.Seed, r.Broken)
	}
	if !p.set.all {
		p.tell(p.broken[0].Seed)
	}
	return fmt.Errorf("%d of %d seeds broke an invariant; replay one with -start=SEED -story", len(p.broken), p.done)
}

// take is the next seed to play.
func (p *player) take() (uint64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next >= p.set.seeds || len(p.broken) > 0 && !p.set.all {
		return 0, false
	}
	p.next++
	return p.set.start + p.next - 1, true
}

func (p *player) took(r sim.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.sum.Add(r.Stats)
	if r.Broken != nil {
		p.broken = append(p.broken, r)
	}
	if p.done%1000 == 0 {
		fmt.Fprintf(p.out, "%d of %d seeds, %d mutations, %s simulated\n", p.done, p.set.seeds, p.sum.Applied, p.sum.Simulated.Round(time.Hour))
	}
}

func (p *player) one(seed uint64, story bool) sim.Result {
	o := sim.Options{Profile: sim.Profile(p.set.profile), Story: story}
	if p.set.every > 0 && seed%p.set.every == 0 {
		dir, err := os.MkdirTemp("", "fettle-sim")
		if err != nil {
			return sim.Result{Seed: seed, Broken: &sim.Violation{Rule: "a directory for the journal", Text: err.Error()}}
		}
		defer os.RemoveAll(dir)
		o.Journal = dir
	}
	return p.kit.Run(seed, o)
}

func (p *player) tell(seed uint64) {
	for _, line := range p.one(seed, true).Story {
		fmt.Fprintln(p.out, line)
	}
}
