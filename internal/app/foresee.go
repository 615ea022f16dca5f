package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

const (
	// lookTimeout bounds one look, as the engine's does.
	lookTimeout = 20 * time.Second
	// maxPlans are made at once: their looks run commands and ask members, for whoever
	// may read.
	maxPlans = 4
	// planPatience is how long one waits for its turn.
	planPatience = 10 * time.Second
)

// Foresee implements api.Backend: the engine is asked between two steps, and the looks
// are taken in between, outside.
func (b backend) Foresee(ctx context.Context, in api.PlanRequest) (api.Foresight, error) {
	labels := in.Labels
	if in.ID != "" {
		ep, err := b.Episode(ctx, in.ID)
		if err != nil {
			return api.Foresight{}, err
		}
		labels = ep.Labels
	}
	a := b.app
	select {
	case a.plans <- struct{}{}:
		defer func() { <-a.plans }()
	case <-ctx.Done():
		return api.Foresight{}, ctx.Err()
	case <-time.After(planPatience):
		return api.Foresight{}, &api.Error{Status: http.StatusServiceUnavailable, Message: "too many plans are being made", Hint: "try again"}
	}
	s := seer{
		ask: func(q repair.Foreseen) (f repair.Foresight, err error) {
			err = a.seq.Read(ctx, func(e *repair.Engine) { f = e.Foresee(q) })
			return f, err
		},
		clock: a.clock, brake: a.brake, held: a.held, parts: a.parts, fleet: a.survey(),
	}
	return s.foresee(ctx, labels)
}

// held is why the sequencer begins nothing new, as far as others can tell.
func (a *App) held() string {
	if err := a.journal.Full(); err != nil {
		return err.Error()
	}
	return a.damaged()
}

// survey is the look at the whole inventory.
func (a *App) survey() func(context.Context) repair.Fleet {
	if a.o.Survey != nil {
		return a.o.Survey
	}
	return a.parts.survey
}

// Foresee says what would happen for alerts with these labels by the configuration
// alone: no journal is read, and no server asked. What a guard would ask of the journal
// cannot be told, and is said to be so.
func Foresee(ctx context.Context, o Options, alerts []map[string]string) ([]api.Foresight, error) {
	clock, err := journal.SystemClock()
	if err != nil {
		return nil, fmt.Errorf("read the clocks: %w", err)
	}
	a := &App{o: o, clock: clock, started: clock(), reg: prometheus.NewRegistry()}
	if a.cfg, err = load(o.ConfigFile, a.clock().Wall); err != nil {
		return nil, err
	}
	if err := a.openParts(); err != nil {
		return nil, errors.Join(err, a.cleanup())
	}
	out, err := a.foresee(ctx, alerts)
	return out, errors.Join(err, a.cleanup())
}

func (a *App) foresee(ctx context.Context, alerts []map[string]string) ([]api.Foresight, error) {
	cfg, err := a.engineConfig(a.cfg)
	if err != nil {
		return nil, err
	}
	untold := stateless(cfg.Guards)
	cfg.Guards = untold.guards
	engine := repair.NewEngine(cfg, repair.NewState(), newID)
	s := seer{
		ask:   func(q repair.Foreseen) (repair.Foresight, error) { return engine.Foresee(q), nil },
		clock: a.clock, brake: a.brake, held: func() string { return "" }, parts: a.parts, fleet: a.survey(), untold: untold,
	}
	var out []api.Foresight
	for _, labels := range alerts {
		f, err := s.foresee(ctx, labels)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// seer takes the looks that a foresight wants.
type seer struct {
	ask    func(repair.Foreseen) (repair.Foresight, error)
	clock  func() journal.Reading
	brake  func() bool
	held   func() string
	parts  *parts
	fleet  func(context.Context) repair.Fleet
	untold *untold // nil: everything is told
}

func (s seer) foresee(ctx context.Context, labels map[string]string) (api.Foresight, error) {
	q := repair.Foreseen{Labels: labels, Seen: map[string]repair.Looked{}}
	for range maxAsks {
		q.Stamp = repair.Stamp{Now: s.clock(), Brake: s.brake(), Held: s.held()}
		f, err := s.ask(q)
		if err != nil {
			return api.Foresight{}, err
		}
		switch {
		case f.WantsCluster != nil:
			seen := map[string]repair.Looked{}
			s.look(ctx, f.Target, []repair.ActionSpec{*f.WantsCluster}, seen)
			l := seen[f.WantsCluster.Sees]
			q.Cluster = &l
		case len(f.Wants) > 0:
			s.look(ctx, f.Target, f.Wants, q.Seen)
		case f.WantsVerify:
			r := s.parts.verify(ctx, f.Verify, verifySince)
			q.Verified = &r
		case f.WantsFleet:
			fleet := s.fleet(ctx)
			q.Fleet = &fleet
		default:
			return shapeForesight(labels, f, s.untold), nil
		}
		if err := ctx.Err(); err != nil {
			return api.Foresight{}, err
		}
	}
	return api.Foresight{}, &api.Error{Status: http.StatusServiceUnavailable, Message: "the engine wants to see ever more", Hint: "try again"}
}

const (
	maxAsks     = 8
	verifySince = 5 * time.Minute // as before an Apply
)

// look takes the wanted looks at once, so that they are of one age.
func (s seer) look(ctx context.Context, t cluster.Target, wants []repair.ActionSpec, seen map[string]repair.Looked) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	answers := make([]repair.Looked, len(wants))
	var all sync.WaitGroup
	for i, spec := range wants {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					answers[i].Err = fmt.Errorf("observe %s: panic: %v", t, p)
				}
			}()
			answers[i].Seen, answers[i].Err = spec.Action.Observe(ctx, t)
		})
	}
	all.Wait()
	for i, spec := range wants {
		if answers[i].Err == nil && answers[i].Seen.Observation.Schema != spec.Sees {
			answers[i].Err = fmt.Errorf("action %s saw %s, not %s", spec.Name, answers[i].Seen.Observation.Schema, spec.Sees)
		}
		seen[spec.Sees] = answers[i]
	}
}

// untold notes which guards asked for a state that was not there.
type untold struct {
	guards []repair.Guard
	asked  map[string]bool
}

// stateless lets each guard say go where it asks the fold, and notes that it did.
func stateless(guards []repair.Guard) *untold {
	u := &untold{asked: map[string]bool{}}
	for _, g := range guards {
		ask := g.Ask
		g.Ask = func(q repair.Question) repair.Verdict {
			s := &asked{StateView: q.State}
			q.State = s
			v := ask(q)
			if s.was && v.OK {
				u.asked[g.Name] = true
			}
			return v
		}
		u.guards = append(u.guards, g)
	}
	return u
}

// asked is a fold that notes being asked.
type asked struct {
	repair.StateView
	was bool
}

func (s *asked) Paused(cluster string) (string, bool) {
	s.was = true
	return s.StateView.Paused(cluster)
}

func (s *asked) CooldownLeft(playbook, target string, cooldown time.Duration) time.Duration {
	s.was = true
	return s.StateView.CooldownLeft(playbook, target, cooldown)
}

func (s *asked) AttemptsMade(action, target string, d time.Duration) int {
	s.was = true
	return s.StateView.AttemptsMade(action, target, d)
}

func (s *asked) CircuitOpen(action, target string) bool {
	s.was = true
	return s.StateView.CircuitOpen(action, target)
}

func (s *asked) SlotHolder(resources []string, run string) (string, bool) {
	s.was = true
	return s.StateView.SlotHolder(resources, run)
}

func (s *asked) LiveRuns(run string) int {
	s.was = true
	return s.StateView.LiveRuns(run)
}

func (s *asked) MayBeDown(run string, since journal.Reading) []string {
	s.was = true
	return s.StateView.MayBeDown(run, since)
}

// has is what a label has, for a sentence.
func has(labels map[string]string, name string) string {
	v, ok := labels[name]
	if !ok {
		return "the alert has no label " + name
	}
	if len(v) > 64 {
		v = strings.ToValidUTF8(v[:64], "") + "…"
	}
	return fmt.Sprintf("the alert has %s=%q", name, v)
}
