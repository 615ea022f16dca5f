package repair

import (
	"maps"
	"slices"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
)

// takes are the targets that a step may make unavailable, its own among them; none
// where it takes nothing away.
func (e *Engine) takes(spec ActionSpec, t cluster.Target) []string {
	if spec.Does == Starts || spec.Does == Leaves {
		return nil
	}
	return e.index.Targets(t, spec.Disturbs)
}

// mayTake is what a run that has begun something may have down, sorted.
func (l *live) mayTake() []string {
	if l.Intents == 0 {
		return nil
	}
	var all []string
	for _, spec := range l.specs {
		all = append(all, l.e.takes(spec, l.target)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// left remembers what a run may have changed when it gave its slots back: a look that
// was asked for earlier does not show it.
func (e *Engine) left(targets []string) {
	for _, t := range targets {
		e.leftAt[t] = e.now
	}
}

// MayBeDown implements StateView.
func (e *Engine) MayBeDown(run string, since journal.Reading) []string {
	down := map[string]bool{}
	for id, l := range e.live {
		if id != run && l.holds && !mutant("what is in flight is not counted") {
			for _, t := range l.mayTake() {
				down[t] = true
			}
		}
	}
	for res, h := range e.st.held {
		for _, t := range e.mayStillTake(res, h) {
			down[t] = true
		}
	}
	asked := time.Duration(-1)
	if since.Boot == e.stamp.Now.Boot {
		asked = e.now - (e.stamp.Now.Since - since.Since)
	}
	for t, at := range e.leftAt {
		if at >= asked {
			down[t] = true
		}
	}
	return slices.Sorted(maps.Keys(down))
}

// mayStillTake are the targets that a run which ended unknown may make unavailable yet,
// by a resource that it holds.
func (e *Engine) mayStillTake(resource string, h holder) []string {
	t, err := e.byName(h.target)
	switch {
	case err != nil:
		return []string{h.target}
	case resource == "host/"+t.Member.Host:
		return e.index.Targets(t, cluster.DisturbsHost)
	case resource == "cluster/"+t.Cluster.Name:
		return e.index.Targets(t, cluster.DisturbsCluster)
	}
	return e.index.Targets(t, cluster.DisturbsUnit)
}

// again has an episode asked when its refusal may be over, where that is known.
func (e *Engine) again(ep *Episode, v *Verdict) {
	if v != nil && v.Again > 0 && ep != nil && ep.ask != nil && e.st.episodes[ep.ID] == ep {
		e.askBy(ep.ask, e.now+v.Again)
	}
}
