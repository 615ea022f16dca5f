package repair

import (
	"cmp"
	"slices"
	"sort"
)

// Pauses lists the pauses, oldest first.
func (s *State) Pauses() []Pause {
	out := make([]Pause, 0, len(s.pauses))
	for _, p := range s.pauses {
		out = append(out, *p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].At < out[j].At || out[i].At == out[j].At && out[i].ID < out[j].ID })
	return out
}

// Open counts the open episodes and the live runs.
func (s *State) Open() (episodes, runs int) { return len(s.episodes), len(s.runs) }

// Episodes lists the open episodes and the last ended ones, newest first.
func (s *State) Episodes() []Episode {
	out := make([]Episode, 0, len(s.episodes)+len(s.endedEpisode))
	s.EachEpisode(func(ep Episode) bool { out = append(out, ep); return true })
	return out
}

// EachEpisode calls fn with them until it returns false: in a storm there are many,
// and few of them are asked for.
func (s *State) EachEpisode(fn func(Episode) bool) {
	all := append(s.openEpisodes(), s.endedEpisode...)
	slices.SortStableFunc(all, func(a, b *Episode) int { return cmp.Compare(b.Opened, a.Opened) })
	for _, ep := range all {
		one := *ep
		one.ask, one.aim, one.quiet = nil, nil, quiet{}
		if !fn(one) {
			return
		}
	}
}

// Runs lists the live runs and the last ended ones, newest first.
func (s *State) Runs() []Run {
	out := make([]Run, 0, len(s.runs)+len(s.endedRuns))
	for _, r := range s.runs {
		out = append(out, *r)
	}
	for _, r := range s.endedRuns {
		out = append(out, *r)
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Opened > out[j].Opened || out[i].Opened == out[j].Opened && out[i].Planned.Run > out[j].Planned.Run
	})
	return out
}

// runsInOrder are the live runs in the order in which they opened.
func (s *State) runsInOrder() []*Run {
	out := make([]*Run, 0, len(s.runs))
	for _, r := range s.runs {
		out = append(out, r)
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Opened < out[j].Opened || out[i].Opened == out[j].Opened && out[i].Planned.Run < out[j].Planned.Run
	})
	return out
}

// ApprovalsWaiting counts the open episodes that wait for a person's approval, as far
// as they were looked at since the start.
func (e *Engine) ApprovalsWaiting() (n int) {
	for _, ep := range e.st.episodes {
		if ep.Run == "" && ep.quiet.waits != nil {
			n++
		}
	}
	return n
}

// CircuitsOpen counts the actions on a target whose attempts are used up.
func (e *Engine) CircuitsOpen() int { return len(e.st.circuits) }

// openEpisodes are the open episodes in the order in which they opened: maps have
// none, and the engine is deterministic.
func (s *State) openEpisodes() []*Episode {
	out := make([]*Episode, 0, len(s.episodes))
	for _, ep := range s.episodes {
		out = append(out, ep)
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Opened < out[j].Opened || out[i].Opened == out[j].Opened && out[i].ID < out[j].ID
	})
	return out
}
