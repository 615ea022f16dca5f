package exporter

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/collectors/version"
)

// Self are the metrics of the process itself: its build, its last reload and, if
// wanted, its runtime. They outlive an Exporter, of which a reload makes a new one.
type Self struct {
	registry    *prometheus.Registry
	runtime     bool
	loaded      prometheus.Gauge
	lastSuccess prometheus.Gauge
}

// NewSelf makes a Self; with runtime it includes go_*, process_* and promhttp_*.
func NewSelf(runtime bool) *Self {
	s := &Self{
		registry: prometheus.NewRegistry(),
		runtime:  runtime,
		loaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fettle_config_last_reload_successful",
			Help: "1 if the configuration could be read when it was last tried.",
		}),
		lastSuccess: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fettle_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration was last read, as a Unix time.",
		}),
	}
	s.registry.MustRegister(version.NewCollector("fettle_exporter"), s.loaded, s.lastSuccess)
	if runtime {
		s.registry.MustRegister(
			collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		)
	}
	return s
}

// Registerer takes further metrics of the process.
func (s *Self) Registerer() prometheus.Registerer { return s.registry }

// Reloaded notes whether the configuration could be read, and when that was tried.
func (s *Self) Reloaded(ok bool, at time.Time) {
	s.loaded.Set(boolean(ok))
	if ok {
		s.lastSuccess.Set(float64(at.UnixNano()) / 1e9)
	}
}
