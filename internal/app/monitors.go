package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/repair"
)

const (
	// monitorsEvery is how often those that tell fettle of faults are asked whether they answer.
	monitorsEvery = 15 * time.Second
	// monitorsTimeout bounds one of these questions.
	monitorsTimeout = 5 * time.Second
	// watchdog is the alert that always fires. Its last arrival says that the whole way from
	// Prometheus over Alertmanager to here is open.
	watchdog = "FettleWatchdog"
)

// monitors publishes what fettle sees of those on whom it depends: Prometheus, every
// Alertmanager, and the way from there; and what waits for people.
type monitors struct {
	mu            sync.Mutex
	prometheus    answers   // of the configured one, or of none
	alertmanagers []answers // in the configuration's order

	seen                atomic.Int64 // nanoseconds since 1970; 0: never
	approvals, circuits prometheus.Gauge

	prometheusUp, prometheusAt, managers, managersUp, managersAt, watchdogAt *prometheus.Desc
}

// answers is how one of them answered.
type answers struct {
	name string // empty: none is configured
	up   bool
	at   time.Time // the last answer; zero: none yet
}

func newMonitors(reg prometheus.Registerer) *monitors {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	m := &monitors{
		approvals:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "fettle_approvals_waiting", Help: "Episodes that wait for a person's approval. Up to 15 s old."}),
		circuits:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "fettle_circuits_open", Help: "Actions on a target whose attempts are used up, until a person releases them. Up to 15 s old."}),
		prometheusUp: desc("fettle_prometheus_reachable", "1 if Prometheus has answered a query within the last 15 s. Absent if none is configured."),
		prometheusAt: desc("fettle_prometheus_last_answer_timestamp_seconds", "When Prometheus answered a query of this kind last, Unix time; 0: not since the start. Absent if none is configured."),
		managers:     desc("fettle_alertmanagers", "Alertmanagers in the configuration."),
		managersUp:   desc("fettle_alertmanagers_reachable", "Those of them that answered when they were last asked, every 15 s."),
		managersAt:   desc("fettle_alertmanager_last_answer_timestamp_seconds", "When the one that has been silent longest answered last, Unix time; 0: one has not since the start. Absent if none is configured."),
		watchdogAt:   desc("fettle_watchdog_last_seen_timestamp_seconds", "When the alert FettleWatchdog, which always fires, came in last, Unix time; 0: not since the start."),
	}
	reg.MustRegister(m, m.approvals, m.circuits)
	return m
}

// came takes note of an alert that came in.
func (m *monitors) came(a alert.Alert, at time.Time) {
	if a.Labels["alertname"] == watchdog && a.Status == alert.Firing {
		m.seen.Store(at.UnixNano())
	}
}

// came is shown every alert that came in.
func (a *App) came(alerts []alert.Alert) {
	for _, one := range alerts {
		a.monitors.came(one, a.clock().Wall)
	}
}

// lookAtMonitors asks each of them once, all at the same time.
func (a *App) lookAtMonitors(ctx context.Context) {
	a.parts.mu.RLock()
	prom, managers := a.parts.prometheus, a.parts.alertmanagers
	a.parts.mu.RUnlock()

	ctx, cancel := context.WithTimeout(ctx, monitorsTimeout)
	defer cancel()
	now := make([]answers, len(managers))
	var asked answers
	var all sync.WaitGroup
	if prom != nil {
		asked.name = "prometheus"
		all.Go(func() {
			_, err := prom.Has(ctx, "vector(1)")
			asked.up = err == nil
		})
	}
	for i, m := range managers {
		now[i].name = m.Name()
		all.Go(func() { now[i].up = m.Alive(ctx) == nil })
	}
	all.Wait()
	a.monitors.take(asked, now, a.clock().Wall)
	if err := a.seq.Read(ctx, func(e *repair.Engine) {
		a.monitors.approvals.Set(float64(e.ApprovalsWaiting()))
		a.monitors.circuits.Set(float64(e.CircuitsOpen()))
	}); err != nil && ctx.Err() == nil {
		a.o.Log.Debug("the engine was not asked what waits for people", "err", err)
	}
}

// take keeps what they answered, and of those that did not when they last did.
func (m *monitors) take(prometheus answers, managers []answers, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := map[string]time.Time{}
	for _, a := range append([]answers{m.prometheus}, m.alertmanagers...) {
		last[a.name] = a.at
	}
	stamp := func(a *answers) {
		if a.at = last[a.name]; a.up {
			a.at = at
		}
	}
	stamp(&prometheus)
	for i := range managers {
		stamp(&managers[i])
	}
	m.prometheus, m.alertmanagers = prometheus, managers
}

// Describe implements prometheus.Collector.
func (m *monitors) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.prometheusUp, m.prometheusAt, m.managers, m.managersUp, m.managersAt, m.watchdogAt} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *monitors) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	m.mu.Lock()
	prom, managers := m.prometheus, m.alertmanagers
	m.mu.Unlock()
	if prom.name != "" {
		up := 0.0
		if prom.up {
			up = 1
		}
		send(m.prometheusUp, up)
		send(m.prometheusAt, seconds(prom.at))
	}
	reachable := 0
	var oldest time.Time
	for i, a := range managers {
		if a.up {
			reachable++
		}
		if i == 0 || a.at.Before(oldest) {
			oldest = a.at
		}
	}
	send(m.managers, float64(len(managers)))
	send(m.managersUp, float64(reachable))
	if len(managers) > 0 {
		send(m.managersAt, seconds(oldest))
	}
	send(m.watchdogAt, float64(m.seen.Load())/1e9)
}

// seconds is a time as metrics have it, 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}
