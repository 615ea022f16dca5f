package sim

import (
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// scrapeEvery is how often every unit is scraped, and firesAfter a rule's `for`.
const (
	scrapeEvery = 15 * time.Second
	firesAfter  = 10 * time.Second
)

// prometheus scrapes what it reaches and tells the Alertmanagers what is down.
type prometheus struct {
	w      *world
	alive  bool
	died   time.Duration
	series []*series // one a unit, and those of whole rings
}

// series is what it knows of one unit. Only changes are scraped: nothing else matters.
type series struct {
	unit        *unit // nil: it is about a whole ring
	ring        *ring // that one
	mute        bool  // no alert is made of it
	up          bool
	since       time.Duration
	planned     bool
	firing      bool
	labels      map[string]string
	fingerprint alert.Fingerprint
	gen         int
}

func newPrometheus(w *world) *prometheus {
	p := &prometheus{w: w, alive: true}
	for _, u := range w.units {
		labels := map[string]string{"alertname": w.kit.alertname(u), "cluster": u.target.Cluster.Name, "member": u.target.Member.Name, "tier": "P0"}
		p.series = append(p.series, &series{unit: u, up: true, labels: labels, fingerprint: alert.FingerprintOf(labels)})
	}
	return p
}

func (p *prometheus) of(u *unit) *series {
	for _, s := range p.series {
		if s.unit == u {
			return s
		}
	}
	return &series{}
}

// noteAll plans a scrape of whatever has changed.
func (p *prometheus) noteAll() {
	for _, s := range p.series {
		if s.unit == nil || s.planned || !p.alive || p.reaches(s.unit) == s.up {
			continue
		}
		s.planned = true
		p.w.at(p.w.now.Truncate(scrapeEvery)+scrapeEvery, func() { p.scrape(s) })
	}
}

func (p *prometheus) reaches(u *unit) bool { return u.answers() && !u.cutProm && !u.outdated() }

func (p *prometheus) scrape(s *series) {
	s.planned = false
	if up := p.reaches(s.unit); p.alive && up != s.up {
		s.up, s.since = up, p.w.now
		p.evaluate(s)
		p.whole(s.unit.ring)
	}
}

func (p *prometheus) evaluate(s *series) {
	if s.gen++; s.mute {
		return
	}
	if s.up {
		p.resolve(s)
		return
	}
	gen := s.gen
	p.w.in(firesAfter, func() {
		if s.gen == gen && p.alive && !s.firing {
			s.firing = true
			p.tell(s, alert.Firing)
		}
	})
}

// resolve ends a firing alert: also where its series only vanished.
func (p *prometheus) resolve(s *series) {
	if s.firing {
		s.firing = false
		p.tell(s, alert.Resolved)
	}
}

func (p *prometheus) tell(s *series, status alert.Status) {
	for _, am := range p.w.alarms {
		am.hear(s, status)
	}
}

// vanish is a series that is absent for a while: its alert is resolved, and fires
// again if it is as it was.
func (p *prometheus) vanish(s *series, d time.Duration) {
	s.gen++
	p.resolve(s)
	gen := s.gen
	p.w.in(d, func() {
		if s.gen == gen && p.alive {
			p.evaluate(s)
		}
	})
}

// die ends it; what fires is taken for resolved when it was not repeated for long.
func (p *prometheus) die() {
	p.alive, p.died = false, p.w.now
	for _, s := range p.series {
		p.w.in(4*time.Minute, func() {
			if !p.alive {
				p.resolve(s)
			}
		})
	}
}

func (p *prometheus) revive() {
	p.alive = true
	for _, s := range p.series {
		if s.firing { // it tells again what fires, every minute
			p.tell(s, alert.Firing)
		} else if !s.up {
			p.evaluate(s)
		}
	}
	p.noteAll()
}

// tellsGone is its last scrape as a vantage point.
func (p *prometheus) tellsGone(u *unit) cluster.Answer {
	s := p.of(u)
	switch {
	case !p.alive && p.w.now-p.died > 2*scrapeEvery:
		return cluster.Unknown
	case s.up:
		return cluster.No
	}
	return cluster.Yes
}

// verify answers what a playbook asks it: whether the unit answers, by two scrapes
// younger than since.
func (p *prometheus) verify(u *unit, v repair.Verification) repair.VerifyResult {
	if !p.alive {
		return repair.VerifyResult{Says: "Prometheus does not answer"}
	}
	if v.Since < 2*scrapeEvery {
		return repair.VerifyResult{Says: "not scraped twice since"}
	}
	s := p.of(u)
	return repair.VerifyResult{Believed: true, True: s.up, Says: "the last scrape"}
}
