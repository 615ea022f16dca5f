package door

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are of the files and of passwords that were tried, in both programs alike.
type metrics struct {
	ok, at, expiry prometheus.Gauge
	tries          *prometheus.CounterVec
}

func newMetrics(o Options) metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := metrics{
		ok:     gauge("fettle_config_web_last_reload_successful", "1 if the web configuration file and what it names were in order when they were last read, 0 if the ones before stay."),
		at:     gauge("fettle_config_web_last_reload_success_timestamp_seconds", "When the web configuration file was last taken, Unix time."),
		expiry: gauge("fettle_config_web_certificate_expiry_timestamp_seconds", "When the server's certificate expires, Unix time; 0 without TLS."),
		tries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fettle_config_web_passwords_total",
			Help: "Passwords that had to be compared, by result: right, wrong, busy (too many were being compared).",
		}, []string{"result"}),
	}
	for _, result := range []string{"right", "wrong", "busy"} {
		m.tries.WithLabelValues(result)
	}
	if o.Registerer != nil && o.File != "" {
		o.Registerer.MustRegister(m.ok, m.at, m.expiry, m.tries)
	}
	return m
}

func (m metrics) reloaded(ok bool) {
	if !ok {
		m.ok.Set(0)
		return
	}
	m.ok.Set(1)
	m.at.Set(float64(time.Now().UnixNano()) / 1e9)
}

func (m metrics) expires(at time.Time) {
	if !at.IsZero() {
		m.expiry.Set(float64(at.Unix()))
	}
}

func (m metrics) tried(result string) { m.tries.WithLabelValues(result).Inc() }
