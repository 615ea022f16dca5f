package replay

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// Episode is one alert, as it went and as it would go.
type Episode struct {
	// Recorded is its id in the journal; empty: only the replay opens one.
	Recorded    string            `json:"recorded,omitempty"`
	Fingerprint string            `json:"fingerprint"`
	Alertname   string            `json:"alertname"`
	Labels      map[string]string `json:"labels,omitempty"`
	Opened      time.Time         `json:"opened"`
	// Target is where the replay's configuration has it; empty: nowhere.
	Target string `json:"target,omitempty"`
	// Then is what was decided, and Now what would be, in order. How an episode ends is not
	// among it: the replay takes that from the record.
	Then []string `json:"then"`
	Now  []string `json:"now"`
	// Why has the detail of the replay's last answer.
	Why  string `json:"why,omitempty"`
	Same bool   `json:"same"`
	// Missing is what was not recorded, where the replay ends for that.
	Missing string `json:"missing,omitempty"`

	replayed string           // the replay's episode
	book     *repair.Playbook // the replay's
}

// then begins an episode as it went.
func (p *player) then(d repair.Received) {
	ep := &Episode{
		Recorded: d.Episode, Fingerprint: string(d.Fingerprint), Alertname: d.Labels["alertname"], Labels: d.Labels, Opened: p.now.Wall.UTC(),
		Then: []string{}, Now: []string{},
	}
	p.order, p.recorded[d.Episode] = append(p.order, ep), ep
	p.open[d.Fingerprint] = ep
}

// of finds an episode by its recorded id.
func (p *player) of(recorded string) *Episode { return p.recorded[recorded] }

// did notes what was decided.
func (p *player) did(recorded, what string) {
	if ep := p.of(recorded); ep != nil {
		ep.Then = note(ep.Then, what)
	}
}

// note appends what is not just the same again.
func note(list []string, what string) []string {
	if len(list) > 0 && list[len(list)-1] == what {
		return list
	}
	return append(list, what)
}

// decided notes what the replay's engine decided.
func (p *player) decided(d journal.Draft) {
	switch d.Type {
	case repair.TypeReceived:
		_ = in(d.Data, func(r repair.Received) { // what the engine made can be read
			if r.Opened {
				p.opened(r)
			}
		})
	case repair.TypePlanned:
		_ = in(d.Data, func(r repair.Planned) {
			if ep := p.cases[r.Episode]; ep != nil {
				ep.Target = r.Target
			}
		})
	case repair.TypeIntent:
		_ = in(d.Data, func(r repair.IntentData) { p.would(r.Episode, "began "+r.Action) })
	case repair.TypeStep:
		_ = in(d.Data, func(r repair.StepData) {
			if _, guessed := p.guessing[r.Target]; !guessed {
				p.would(r.Episode, string(r.Result)+" "+r.Action)
			}
		})
	case repair.TypeFinished:
		_ = in(d.Data, p.ended)
	case repair.TypeHeld:
		_ = in(d.Data, func(r repair.HeldData) {
			for _, id := range r.Episodes {
				p.would(id, fmt.Sprintf("held %s(%s)", r.Guard, r.Reason))
			}
		})
	case repair.TypeClosed:
		_ = in(d.Data, func(r repair.ClosedData) {
			ep := p.cases[r.Episode]
			if ep == nil {
				return
			}
			if p.open[r.Fingerprint] == ep {
				delete(p.open, r.Fingerprint)
			}
		})
	}
}

// opened is an episode that the replay opens: the recorded one, or one that only it has.
func (p *player) opened(r repair.Received) {
	ep := p.open[r.Fingerprint]
	if ep == nil || ep.replayed != "" {
		ep = &Episode{
			Fingerprint: string(r.Fingerprint), Alertname: r.Labels["alertname"], Labels: r.Labels, Opened: p.now.Wall.UTC(), Then: []string{}, Now: []string{},
		}
		p.order = append(p.order, ep)
		p.open[r.Fingerprint] = ep
	}
	ep.replayed = r.Episode
	p.cases[r.Episode] = ep
	for _, b := range p.cfg.Playbooks {
		if b.Name == r.Playbook {
			ep.book = b
			if t, _, err := b.Resolve(p.cfg.Inventory, r.Labels); err == nil {
				ep.Target = t.String()
			}
		}
	}
}

// would notes what the replay decides; past the end of what is recorded it says nothing.
func (p *player) would(episode, what string) {
	if ep := p.cases[episode]; ep != nil && (ep.Missing == "" || strings.HasPrefix(what, "began ")) {
		ep.Now = note(ep.Now, what)
	}
}

// ended is how a run of the replay ends.
func (p *player) ended(f repair.FinishedData) {
	ep := p.cases[f.Episode]
	if ep == nil {
		return
	}
	if _, guessed := p.guessing[f.Target]; guessed {
		delete(p.guessing, f.Target)
		if ep.Missing != "" {
			return // what it came to is what was not recorded
		}
	}
	if strings.HasPrefix(f.Detail, errNotRecorded.Error()) {
		ep.Missing = f.Detail
		return
	}
	p.would(f.Episode, outcome(f))
	ep.Why = f.Detail
}

// report compares.
func (p *player) report() Report {
	rep := Report{Episodes: []Episode{}}
	for _, ep := range p.order {
		if ep.replayed == "" && len(ep.Now) == 0 {
			ep.Now = append(ep.Now, "no playbook matches")
		}
		if len(ep.Now) == 0 && ep.Missing == "" && len(ep.Then) > 0 {
			ep.Missing = "not recorded: how " + target(ep) + " was when it would have been looked at"
		}
		ep.Same = ep.Missing == "" && slices.Equal(ep.Then, ep.Now)
		switch {
		case ep.Same:
			rep.Same++
		case ep.Missing != "":
			rep.Untold++
			if !slices.Equal(ep.Then, ep.Now) {
				rep.Different++
			}
		default:
			rep.Different++
		}
		rep.Episodes = append(rep.Episodes, *ep)
	}
	for _, kind := range sorted(p.skipped) {
		rep.Notes = append(rep.Notes, fmt.Sprintf("%d records %s were not replayed", p.skipped[kind], kind))
	}
	return rep
}

func target(ep *Episode) string {
	if ep.Target == "" {
		return "its target"
	}
	return ep.Target
}
