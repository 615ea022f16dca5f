package app

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/story"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// backend is the API's view of a running fettle: the fold, read between two steps
// of the engine, and the journal's files.
type backend struct{ app *App }

// Runs implements api.Backend.
func (b backend) Runs(ctx context.Context, f api.Filter) ([]api.Run, error) {
	var out []api.Run
	err := b.app.seq.Read(ctx, func(e *repair.Engine) {
		skip := f.Skip
		for _, r := range e.State().Runs() {
			run := shapeRun(r)
			switch {
			case len(out) == f.Limit || !keepRun(f, run) || run.Opened.Before(f.Since):
			case skip > 0:
				skip--
			default:
				out = append(out, run)
			}
		}
	})
	return out, err
}

func keepRun(f api.Filter, r api.Run) bool {
	cluster, _, _ := strings.Cut(r.Target, "/")
	return (!f.Open || r.Outcome == "") && fits(f.Episode, r.Episode) && fits(f.Playbook, r.Playbook) &&
		fits(f.Target, r.Target) && fits(f.Cluster, cluster) && fits(f.Outcome, r.Outcome)
}

func fits(want, have string) bool { return want == "" || want == have }

// Run implements api.Backend.
func (b backend) Run(ctx context.Context, id string) (api.Run, error) {
	var found *api.Run
	err := b.app.seq.Read(ctx, func(e *repair.Engine) {
		for _, r := range e.State().Runs() {
			if r.Planned.Run == id {
				run := shapeRun(r)
				found = &run
				return
			}
		}
	})
	if err == nil && found == nil {
		err = notFound("no run %q among the live and the last ended ones", id)
	}
	if err != nil {
		return api.Run{}, err
	}
	return *found, nil
}

func shapeRun(r repair.Run) api.Run {
	out := api.Run{
		ID: r.Planned.Run, Episode: r.Planned.Episode, Playbook: r.Playbook, Target: r.Target, Tier: string(r.Tier),
		Opened: r.OpenedWall, Ended: r.EndedWall, Mutated: r.Intents > 0, Undoes: r.Undoes, Steps: []api.Step{},
	}
	if f := r.Finished; f != nil {
		out.Outcome, out.Guard, out.Reason, out.Detail = string(f.Outcome), f.Guard, f.Reason, f.Detail
	}
	for i, s := range r.Steps {
		t := r.Trail[i]
		out.Steps = append(out.Steps, api.Step{
			Name: s.Name, Action: s.Action, State: t.State, Attempts: t.Attempts, Detail: t.Says, Began: t.Began, Ended: t.Ended,
		})
	}
	return out
}

// Episodes implements api.Backend.
func (b backend) Episodes(ctx context.Context, f api.Filter) ([]api.Episode, error) {
	var out []api.Episode
	err := b.app.seq.Read(ctx, func(e *repair.Engine) {
		skip := f.Skip
		e.State().EachEpisode(func(ep repair.Episode) bool {
			switch {
			case f.Open && !ep.ClosedWall.IsZero() || ep.OpenedWall.Before(f.Since) || !fits(f.Playbook, ep.Playbook) || !fitsTarget(e, f, ep):
			case skip > 0:
				skip--
			default:
				out = append(out, shapeEpisode(e, ep))
			}
			return len(out) < f.Limit
		})
	})
	return out, err
}

func shapeEpisode(e *repair.Engine, ep repair.Episode) api.Episode {
	out := api.Episode{
		ID: ep.ID, Fingerprint: string(ep.Fingerprint), Alertname: ep.Label("alertname"), Labels: ep.Labels(),
		Playbook: ep.Playbook, Target: e.TargetOf(ep), Active: ep.Active && ep.ClosedWall.IsZero(),
		Opened: ep.OpenedWall, Closed: ep.ClosedWall, Runs: append([]string{}, ep.Runs...),
	}
	last, recorded := e.LastAnswer(ep)
	if last != nil {
		out.LastAnswer = &api.Answer{Guard: last.Guard, Reason: last.Reason, Detail: last.Detail, Since: ep.LastWall, Count: e.Refusals(ep.ID), Pending: !recorded}
		if out.LastAnswer.Since.IsZero() {
			out.LastAnswer.Since = ep.OpenedWall
		}
	}
	out.Approval, out.Escalated = shapeApproval(e, ep.ID), shapeEscalated(e, ep.ID)
	switch {
	case !ep.ClosedWall.IsZero():
		out.WaitsFor = ""
	case ep.Run != "":
		out.WaitsFor = "its live run " + ep.Run
	case e.RunningFor(ep) != "":
		out.WaitsFor = "the live run " + e.RunningFor(ep) + " on its target"
	case out.Approval != nil:
		out.WaitsFor = "a person's approval: `fettle approve " + ep.ID + "`"
	case last != nil && last.Passing:
		out.WaitsFor = "the refusal to pass; it is asked again by itself"
	case last != nil:
		out.WaitsFor = "a person: " + last.Detail
	case ep.LastOutcome == repair.Unknown:
		out.WaitsFor = "its target to be in order, or `fettle release " + ep.ID + "`"
	default:
		out.WaitsFor = "its alert to end and its target to stay in order"
	}
	return out
}

// fitsTarget resolves the labels only where it is asked for: it is most of a listing's
// cost, and the engine waits meanwhile.
func fitsTarget(e *repair.Engine, f api.Filter, ep repair.Episode) bool {
	if f.Target == "" && f.Cluster == "" {
		return true
	}
	target := e.TargetOf(ep)
	cluster, _, _ := strings.Cut(target, "/")
	return fits(f.Target, target) && fits(f.Cluster, cluster)
}

// Episode implements api.Backend.
func (b backend) Episode(ctx context.Context, id string) (api.Episode, error) {
	var exact, loose []api.Episode
	of, _, _ := strings.Cut(id, "/")
	place := slices.ContainsFunc(b.app.parts.declared(), func(one cluster.Cluster) bool { return one.Name == of }) // else no target is called so
	err := b.app.seq.Read(ctx, func(e *repair.Engine) {
		e.State().EachEpisode(func(ep repair.Episode) bool {
			switch {
			case ep.ID == id:
				exact = append(exact, shapeEpisode(e, ep))
			case len(loose) < maxLoose && (string(ep.Fingerprint) == id || strings.HasPrefix(ep.Label("alertname"), id) || place && e.TargetOf(ep) == id):
				loose = append(loose, shapeEpisode(e, ep))
			}
			return len(exact) == 0
		})
	})
	if err != nil {
		return api.Episode{}, err
	}
	found := append(exact, loose...)
	if len(found) == 0 {
		return api.Episode{}, notFound("no episode %q: name an episode's id, its alert's fingerprint or name, or cluster/member", id)
	}
	return newest(found), nil
}

// maxLoose bounds what is kept while looking for what an id means.
const maxLoose = 100

// newest prefers what is open, then what opened last.
func newest(eps []api.Episode) api.Episode {
	sort.SliceStable(eps, func(i, j int) bool {
		if oi, oj := eps[i].Closed.IsZero(), eps[j].Closed.IsZero(); oi != oj {
			return oi
		}
		return eps[i].Opened.After(eps[j].Opened)
	})
	return eps[0]
}

// Story implements api.Backend: it reads the journal's files, so that it knows
// what the fold no longer does.
func (b backend) Story(_ context.Context, id string) ([]journal.Record, error) {
	records, err := story.Read(b.app.journalDir(), id)
	if errors.Is(err, story.ErrNotFound) {
		return nil, &api.Error{Status: http.StatusNotFound, Message: err.Error()}
	}
	return records, err
}

func clone(r journal.Record) journal.Record {
	r.Data = append([]byte(nil), r.Data...)
	r.Line = append([]byte(nil), r.Line...)
	return r
}

// Pause implements api.Backend.
func (b backend) Pause(ctx context.Context, p api.Pause) (api.Pause, error) {
	a, _, err := b.app.seq.Submit(ctx, repair.SetPause{Cluster: p.Cluster, Actor: p.By, Reason: p.Reason})
	if err != nil {
		return api.Pause{}, told(err)
	}
	for _, have := range b.mustPauses(ctx) {
		if have.ID == a.Pause.ID {
			return have, nil
		}
	}
	return api.Pause{ID: a.Pause.ID, Cluster: a.Pause.Cluster, By: a.Pause.Actor, Reason: a.Pause.Reason, Since: time.Now()}, nil
}

func (b backend) mustPauses(ctx context.Context) []api.Pause {
	all, err := b.Pauses(ctx)
	if err != nil {
		return nil
	}
	return all
}

// Unpause implements api.Backend.
func (b backend) Unpause(ctx context.Context, id, by string) error {
	_, _, err := b.app.seq.Submit(ctx, repair.ClearPause{ID: id, Actor: by})
	return told(err)
}

// Pauses implements api.Backend.
func (b backend) Pauses(ctx context.Context) ([]api.Pause, error) {
	out := []api.Pause{}
	err := b.app.seq.Read(ctx, func(e *repair.Engine) {
		for _, p := range e.Pauses() {
			out = append(out, api.Pause{ID: p.ID, Cluster: p.Cluster, By: p.Actor, Reason: p.Reason, Since: p.Wall})
		}
	})
	return out, err
}

// Release implements api.Backend.
func (b backend) Release(ctx context.Context, episode, by string) error {
	_, _, err := b.app.seq.Submit(ctx, repair.Release{Episode: episode, Actor: by})
	return told(err)
}

// Close implements api.Backend.
func (b backend) Close(ctx context.Context, episode, by, reason string) error {
	_, _, err := b.app.seq.Submit(ctx, repair.CloseEpisode{Episode: episode, Actor: by, Comment: reason})
	return told(err)
}

// Journal implements api.Backend.
func (b backend) Journal(_ context.Context, from uint64, limit int) ([]journal.Record, error) {
	out := []journal.Record{}
	err := journal.Read(b.app.journalDir(), from, func(r journal.Record) error {
		out = append(out, clone(r))
		if len(out) >= limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

var errEnough = errors.New("enough")
