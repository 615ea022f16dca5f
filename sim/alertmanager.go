package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/repair"
)

// alertmanager is one of a pair that knows nothing of the other: each sends
// everything, late, twice, out of order, and again until it is acknowledged.
type alertmanager struct {
	w        *world
	name     string
	answers  bool // polls
	order    []alert.Fingerprint
	held     map[alert.Fingerprint]*heldAlert
	interval time.Duration // between two messages about a change
	repeat   time.Duration // and about no change
	flushing bool
}

// heldAlert is what it knows of one alert.
type heldAlert struct {
	series   *series
	status   alert.Status
	sent     alert.Status // the last one acknowledged
	sentAt   time.Duration
	silenced bool
}

func newAlertmanager(w *world, name string) *alertmanager {
	return &alertmanager{
		w: w, name: name, answers: true, held: map[alert.Fingerprint]*heldAlert{},
		interval: w.dice.span(5*time.Second, time.Minute), repeat: w.dice.span(2*time.Minute, 10*time.Minute),
	}
}

func (m *alertmanager) of(s *series) *heldAlert {
	h := m.held[s.fingerprint]
	if h == nil {
		h = &heldAlert{series: s}
		m.held[s.fingerprint] = h
		m.order = append(m.order, s.fingerprint)
	}
	return h
}

// hear is Prometheus' word.
func (m *alertmanager) hear(s *series, status alert.Status) {
	h := m.of(s)
	if h.status == "" && status == alert.Resolved {
		return
	}
	h.status = status
	m.flushIn(m.w.dice.span(0, m.interval))
}

// flushIn sends what is to be sent, a little later.
func (m *alertmanager) flushIn(d time.Duration) {
	if !m.flushing {
		m.flushing = true
		m.w.in(d, m.flush)
	}
}

func (m *alertmanager) flush() {
	m.flushing = false
	var due []*heldAlert
	open := false
	for _, fp := range m.order {
		h := m.held[fp]
		if h == nil || h.status == "" {
			continue
		}
		open = open || h.status == alert.Firing
		if !h.silenced && (h.status != h.sent || h.status == alert.Firing && m.w.now-h.sentAt >= m.repeat) {
			due = append(due, h)
		}
	}
	if len(due) > 0 {
		if m.w.dice.chance(0.3) { // in any order, and in messages of their own
			slices.Reverse(due)
			for _, h := range due {
				m.send([]*heldAlert{h})
			}
		} else {
			m.send(due)
		}
	}
	if open || len(due) > 0 {
		m.flushIn(m.interval)
	}
}

// send posts one message; without an answer it stays to be sent.
func (m *alertmanager) send(list []*heldAlert) {
	ev := repair.Alerts{Actor: m.name, Message: m.w.message(), End: &repair.MessageEnd{Receiver: "fettle"}}
	said := make([]alert.Status, len(list))
	for i, h := range list {
		said[i] = h.status
		ev.Alerts = append(ev.Alerts, m.alert(h))
	}
	if len(list) > 1 && m.w.dice.chance(0.05) { // max_alerts: the rest is to be fetched
		ev.Alerts, ev.End.Truncated = ev.Alerts[:1], 1
	}
	copies := 1
	if m.w.dice.chance(0.1) {
		copies = 2
	}
	for range copies {
		m.w.in(m.w.dice.mostly(50*time.Millisecond, 2*time.Minute, 0.05), func() {
			m.w.fettle.post(ev, func() {
				for i, h := range list {
					h.sent, h.sentAt = said[i], m.w.now
				}
			})
		})
	}
}

func (m *alertmanager) alert(h *heldAlert) alert.Alert {
	return alert.Alert{Fingerprint: h.series.fingerprint, Status: h.status, Labels: h.series.labels, StartsAt: epoch().Add(h.series.since)}
}

// restart forgets everything; Prometheus tells it again within a minute.
func (m *alertmanager) restart() {
	m.held, m.order = map[alert.Fingerprint]*heldAlert{}, nil
	for _, s := range m.w.prom.series {
		m.w.in(m.w.dice.span(time.Second, time.Minute), func() {
			if s.firing && m.w.prom.alive {
				m.hear(s, alert.Firing)
			}
		})
	}
}

var errNoAnswer = errors.New("does not answer")

// poll is its answer to rule 4's question.
func (m *alertmanager) poll(fetch bool) repair.PollSource {
	src := repair.PollSource{Name: m.name}
	if !m.answers {
		src.Err = errNoAnswer
		return src
	}
	src.Active = map[alert.Fingerprint]bool{}
	for _, fp := range m.order {
		if h := m.held[fp]; h.status == alert.Firing {
			src.Active[fp] = h.silenced
			if fetch {
				src.Alerts = append(src.Alerts, m.alert(h))
			}
		}
	}
	return src
}

func (w *world) message() string {
	w.messages++
	return fmt.Sprintf("message-%d", w.messages)
}
