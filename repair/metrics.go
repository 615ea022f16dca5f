package repair

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the engine's own, counted from what it writes: a number here has a
// record behind it, but for repeated refusals.
type Metrics struct {
	outcomes    *prometheus.CounterVec
	last        *prometheus.GaugeVec
	live        prometheus.Gauge
	owed        prometheus.Gauge
	escalations *prometheus.CounterVec
	firing      *prometheus.GaugeVec
	stages      *prometheus.HistogramVec
	restored    *prometheus.HistogramVec
	refusals    *prometheus.CounterVec
	open        *prometheus.GaugeVec
	paused      *prometheus.GaugeVec
	pauseStart  *prometheus.GaugeVec
	journalUp   prometheus.Gauge
	journalRoom prometheus.Gauge
	append      prometheus.Histogram

	scopes  map[string]bool // clusters that have a pause series
	reasons []string        // that have a firing series
	brake   bool            // as the pause series have it
	engine  *Engine
}

// NewMetrics registers the engine's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		outcomes:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fettle_run_outcomes_total", Help: "Runs that ended, by outcome."}, []string{"playbook", "outcome"}),
		last:        prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fettle_run_last_outcome_timestamp_seconds", Help: "When a run last ended with this outcome, Unix time."}, []string{"playbook", "outcome"}),
		live:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "fettle_run_live", Help: "Runs that have not ended."}),
		owed:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "fettle_run_owed", Help: "Ended runs of which something is still to be taken back."}),
		escalations: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fettle_run_escalations_total", Help: "How often people began to be told of a cluster, by reason."}, []string{"reason"}),
		firing:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fettle_escalation_firing", Help: "Clusters that people are told of now, by reason."}, []string{"reason"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fettle_run_stage_duration_seconds", Help: "Time that each stage of a repair took. detect: from the alert's beginning until it came in; respond: from then until the first intent, where nothing was refused before; decide: the run's part of that; act: from an intent until its action answered; verify: from then until it was seen done; settle: until it had stayed so; clear: from when it was seen done until the alert's end, 0 where that came first. The alert's times are by the clock of its Prometheus.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 1.2, 2.5, 5, 10, 30, 60, 120, 300},
		}, []string{"stage"}),
		restored: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fettle_run_restore_duration_seconds", Help: "Time from the alert until its target was seen in order again, of runs that repaired it.",
			Buckets: []float64{1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600},
		}, []string{"cluster", "tier"}),
		refusals:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fettle_guard_refusals_total", Help: "Refusals, by guard and reason, recorded or repeated."}, []string{"guard", "reason"}),
		open:        prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fettle_episodes_open", Help: "Episodes that are open."}, []string{"playbook"}),
		paused:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fettle_paused", Help: "1 while repairs are paused for a cluster; an empty cluster is all of them, by a pause or by the brake file."}, []string{"cluster"}),
		pauseStart:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fettle_pause_start_timestamp_seconds", Help: "When the pause began, Unix time; absent while not paused."}, []string{"cluster"}),
		journalUp:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "fettle_journal_writable", Help: "0 once a write to the journal failed: repairs have stopped."}),
		journalRoom: prometheus.NewGauge(prometheus.GaugeOpts{Name: "fettle_journal_room", Help: "0 while the disk is so full that messages are answered 503 and only outcomes are written."}),
		append:      prometheus.NewHistogram(prometheus.HistogramOpts{Name: "fettle_journal_append_duration_seconds", Help: "Time to make one group of records durable.", Buckets: prometheus.ExponentialBuckets(.0001, 2, 14)}),
		scopes:      map[string]bool{},
	}
	reg.MustRegister(m.outcomes, m.last, m.live, m.owed, m.escalations, m.firing, m.stages, m.restored, m.refusals, m.open, m.paused, m.pauseStart, m.journalUp, m.journalRoom, m.append)
	return m
}

// begin sets what the fold already knows, and makes the series that may not be absent.
func (m *Metrics) begin(e *Engine) {
	m.engine = e
	m.journalUp.Set(1)
	m.journalRoom.Set(1)
	for _, stage := range []string{"detect", "respond", "decide", "act", "verify", "settle", "clear"} {
		m.stages.WithLabelValues(stage)
	}
	for _, reason := range []string{"deadline", string(Failed), string(Unknown)} {
		m.escalations.WithLabelValues(reason)
	}
	m.telling()
	m.configured()
	for _, ep := range e.st.openEpisodes() {
		m.open.WithLabelValues(ep.Playbook).Inc()
	}
	m.state()
}

// telling sets what people are told of now. A reason that ended stays, with 0.
func (m *Metrics) telling() {
	now := map[string]float64{reasonDeadline: 0, string(Failed): 0, string(Unknown): 0}
	for _, reason := range m.reasons {
		now[reason] = 0
	}
	for _, t := range m.engine.st.Told() {
		now[t.Reason]++
	}
	m.reasons = sortedKeys(now)
	for reason, n := range now {
		m.firing.WithLabelValues(reason).Set(n)
	}
}

// configured makes every playbook's and cluster's series.
func (m *Metrics) configured() {
	for _, p := range m.engine.cfg.Playbooks {
		for _, o := range []Outcome{Noop, Repaired, ObservedOnly, Blocked, Failed, Unknown} {
			m.outcomes.WithLabelValues(p.Name, string(o))
		}
		m.open.WithLabelValues(p.Name)
		for _, c := range m.engine.cfg.Inventory.Clusters {
			m.restored.WithLabelValues(c.Name, string(p.Tier))
		}
	}
}

// state sets the gauges that follow the fold.
func (m *Metrics) state() {
	e := m.engine
	began := map[string]time.Time{} // of what is paused
	for _, p := range e.Pauses() {
		if first, ok := began[p.Cluster]; !ok || p.Wall.Before(first) {
			began[p.Cluster] = p.Wall
		}
	}
	scopes := map[string]bool{"": true}
	for _, c := range e.cfg.Inventory.Clusters {
		scopes[c.Name] = true
	}
	for c := range m.scopes {
		if !scopes[c] { // a reload took the cluster away
			m.paused.DeleteLabelValues(c)
			m.pauseStart.DeleteLabelValues(c)
			m.restored.DeletePartialMatch(prometheus.Labels{"cluster": c})
		}
	}
	m.scopes = scopes
	for c := range scopes {
		at, ok := began[c]
		if !ok {
			m.pauseStart.DeleteLabelValues(c)
			m.paused.WithLabelValues(c).Set(0)
			continue
		}
		m.pauseStart.WithLabelValues(c).Set(float64(at.UnixNano()) / 1e9)
		m.paused.WithLabelValues(c).Set(1)
	}
}

// count takes what a round made, before it is on disk: refusals and times.
func (m *Metrics) count(r Ready) {
	for _, n := range r.Notes {
		if n.Refused != nil {
			m.refusals.WithLabelValues(n.Refused.Guard, n.Refused.Reason).Inc()
		}
		if r := n.Restored; r != nil {
			m.restored.WithLabelValues(r.Cluster, string(r.Tier)).Observe(r.Took.Seconds())
		}
		if n.Stage != "" {
			m.stages.WithLabelValues(n.Stage).Observe(n.Took.Seconds())
		}
	}
	m.live.Set(float64(len(m.engine.live)))
	m.owed.Set(float64(len(m.engine.st.owed)))
	if m.brake != m.engine.stamp.Brake {
		m.brake = m.engine.stamp.Brake
		m.state()
	}
}

// wrote takes what is on disk.
func (m *Metrics) wrote(took time.Duration, r Ready) {
	m.append.Observe(took.Seconds())
	for i, made := range r.made {
		switch v := made.(type) {
		case Received:
			if v.Opened {
				m.open.WithLabelValues(v.Playbook).Inc()
			}
		case ClosedData:
			m.open.WithLabelValues(v.playbook).Dec()
		case FinishedData:
			m.outcomes.WithLabelValues(v.Playbook, string(v.Outcome)).Inc()
			m.last.WithLabelValues(v.Playbook, string(v.Outcome)).Set(float64(r.Drafts[i].At.Wall.UnixNano()) / 1e9)
		case EscalatedData:
			m.escalations.WithLabelValues(v.Reason).Inc()
			m.telling()
		case ToldOverData:
			m.telling()
		case PauseData:
			m.state()
		case ConfigData:
			m.configured()
			m.state()
		}
	}
}

func (m *Metrics) writable(ok bool) { m.journalUp.Set(boolean(ok)) }

func (m *Metrics) room(ok bool) { m.journalRoom.Set(boolean(ok)) }

func boolean(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}
