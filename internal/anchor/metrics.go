package anchor

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics tell how far the anchors are, by kind. Of several anchors of one kind
// the one that is furthest behind counts.
type Metrics struct {
	last     *prometheus.GaugeVec
	failures *prometheus.CounterVec

	mu    sync.Mutex
	kinds []string    // by anchor
	at    []time.Time // of its last success
}

// NewMetrics registers the metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		last:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fettle_journal_anchor_last_success_timestamp_seconds", Help: "When the last of all anchors of this kind took the newest checkpoint, Unix time; 0: one has not yet. It is sent again every hour when there is no newer one."}, []string{"kind"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fettle_journal_anchor_failures_total", Help: "Checkpoints that could not be handed to an anchor of this kind."}, []string{"kind"}),
	}
	reg.MustRegister(m.last, m.failures)
	return m
}

func (m *Metrics) begin(anchors []Anchor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = make([]time.Time, len(anchors))
	for _, a := range anchors {
		m.kinds = append(m.kinds, a.Kind())
		m.last.WithLabelValues(a.Kind())
		m.failures.WithLabelValues(a.Kind())
	}
}

func (m *Metrics) failed(kind string) { m.failures.WithLabelValues(kind).Inc() }

func (m *Metrics) sent(n int, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at[n] = at
	first := at
	for i, t := range m.at {
		if m.kinds[i] == m.kinds[n] && t.Before(first) {
			first = t
		}
	}
	if first.IsZero() {
		return
	}
	m.last.WithLabelValues(m.kinds[n]).Set(float64(first.UnixNano()) / 1e9)
}
