package repair

import "fmt"

// BrakeID is the ID under which Pauses lists the brake file.
const BrakeID = "brake"

// Pauses lists what holds repairs still: the pauses of the fold, and the brake
// file while it is there, since when this process has seen it.
func (e *Engine) Pauses() []Pause {
	all := e.st.Pauses()
	if e.stamp.Brake {
		all = append(all, Pause{PauseData: PauseData{ID: BrakeID, Actor: "the brake file", Reason: "remove it to let repairs go on"}, At: e.braked, Wall: e.brakedWall})
	}
	return all
}

// pause records a pause; a second one of the same scope is the same pause.
func (e *Engine) pause(ev SetPause) (PauseData, error) {
	if ev.Cluster != "" {
		if _, ok := e.cfg.Inventory.Cluster(ev.Cluster); !ok {
			return PauseData{}, fmt.Errorf("%w: no cluster %q in the inventory", ErrNotFound, ev.Cluster)
		}
	}
	for _, p := range e.st.Pauses() {
		if p.Cluster == ev.Cluster {
			return p.PauseData, nil
		}
	}
	p := PauseData{ID: e.newID(), Cluster: ev.Cluster, Actor: ev.Actor, Reason: ev.Reason}
	e.record(TypePaused, "pause/"+p.ID, p)
	return p, nil
}

// unpause takes a pause back and asks every open episode at once (rule 5).
func (e *Engine) unpause(ev ClearPause) error {
	for _, p := range e.st.Pauses() {
		if p.ID == ev.ID || ev.ID == "" && p.Cluster == ev.Cluster {
			e.record(TypeUnpaused, "pause/"+p.ID, PauseData{ID: p.ID, Cluster: p.Cluster, Actor: ev.Actor})
			e.hurryAll()
			return nil
		}
	}
	if ev.ID == BrakeID && e.stamp.Brake {
		return fmt.Errorf("%w: the brake file is no pause of the API: remove the file", ErrNotFound)
	}
	if ev.ID != "" {
		return fmt.Errorf("%w: no pause %q", ErrNotFound, ev.ID)
	}
	return fmt.Errorf("%w: nothing is paused there", ErrNotFound)
}

// release frees an episode's slots after unknown and closes its circuit.
func (e *Engine) release(ev Release) error {
	target, found := "", false
	for _, h := range e.st.held {
		if h.episode == ev.Episode {
			target, found = h.target, true
		}
	}
	if ep := e.st.episodes[ev.Episode]; ep != nil {
		found = true
		if t, _, err := e.resolve(ep); err == nil {
			target = t.String()
		}
	}
	if !found {
		return fmt.Errorf("%w: no open episode %q, nor one that holds slots", ErrNotFound, ev.Episode)
	}
	e.record(TypeReleased, "episode/"+ev.Episode, ReleasedData{Episode: ev.Episode, Target: target, Actor: ev.Actor})
	e.hurryAll()
	return nil
}

// closeByPerson ends an episode; a live run of it goes on to its own end.
func (e *Engine) closeByPerson(ev CloseEpisode) error {
	ep := e.st.episodes[ev.Episode]
	if ep == nil {
		return fmt.Errorf("%w: no open episode %q", ErrNotFound, ev.Episode)
	}
	e.close(ep, closedByPerson, ev.Actor, ev.Comment)
	return nil
}

// reload takes a new configuration. Runs whose playbook or inventory entry
// changed end blocked(changed) once nothing of theirs is in flight; every open
// episode is asked at once.
func (e *Engine) reload(cfg Config) {
	e.configure(cfg)
	e.recordConfig()
	for _, l := range e.liveRuns() {
		p := e.playbook(l.Playbook)
		specs, unbound := e.specsOf(l.Steps)
		if unbound == nil {
			l.specs = specs
		}
		if l.undoes() {
			if t, err := e.byName(l.Target); err == nil && unbound == nil && (p != nil || l.owed()) && e.entry(t) == l.Digests.Inventory {
				l.playbook, l.target, l.set = p, t, e.settingsFor(l.Playbook, l.Tier, t.Cluster.Name)
				continue
			}
		} else if p != nil && l.Target != "" && unbound == nil {
			t, err := e.byName(l.Target)
			if l.ep != nil {
				t, _, err = p.resolve(cfg.Inventory, l.ep.Labels(), l.ep.found)
			}
			if err == nil && e.digests(p, t) == l.Digests {
				l.playbook, l.target, l.set = p, t, e.settings(p, t.Cluster.Name)
				continue
			}
		}
		l.changed = true
		if l.Intent == nil {
			l.endChanged()
		}
	}
	e.oweAll()
	clear(e.asks)
	clear(e.alone)
	clear(e.queued)
	if !cfg.Alertmanagers { // nobody would say that a silence is over
		clear(e.silent)
	}
	for _, ep := range e.st.openEpisodes() {
		ep.ask, ep.aim, ep.found = nil, nil, ""
		e.enrol(ep, e.now)
	}
	e.fetch = cfg.Alertmanagers // as a start does: what no playbook was for has no episode yet
	clear(e.unfetched)
	e.pollNow()
}

func (e *Engine) recordConfig() {
	d := ConfigData{Digest: e.cfg.Digest, Version: e.cfg.Version, Playbooks: map[string]string{}}
	for _, p := range e.cfg.Playbooks {
		d.Playbooks[p.Name] = p.Digest
	}
	e.record(TypeConfig, "config", d)
}
