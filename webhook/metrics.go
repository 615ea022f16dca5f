package webhook

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts what the webhook does.
type Metrics struct {
	messages *prometheus.CounterVec
	alerts   *prometheus.CounterVec
	rejected *prometheus.CounterVec
	duration prometheus.Histogram
}

// NewMetrics makes the webhook's metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fettle_webhook_messages_total",
			Help: "Messages answered, by HTTP status code.",
		}, []string{"code"}),
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fettle_webhook_alerts_total",
			Help: "Alerts taken: received ones were recorded, repeats needed no record, unmatched ones are received and no playbook is for them.",
		}, []string{"result"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fettle_webhook_rejected_total",
			Help: "Messages not taken, by reason.",
		}, []string{"reason"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fettle_webhook_message_duration_seconds",
			Help:    "Time from a message's headers to the answer, in seconds.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15},
		}),
	}
	m.messages.WithLabelValues("200")
	for _, result := range []string{"received", "repeat", "unmatched"} {
		m.alerts.WithLabelValues(result)
	}
	for _, r := range reasons() {
		m.rejected.WithLabelValues(string(r))
	}
	reg.MustRegister(m.messages, m.alerts, m.rejected, m.duration)
	return m
}

func (m *Metrics) took(t Taken) {
	m.alerts.WithLabelValues("received").Add(float64(t.Received))
	m.alerts.WithLabelValues("repeat").Add(float64(t.Repeats))
	m.alerts.WithLabelValues("unmatched").Add(float64(t.Unmatched))
}
