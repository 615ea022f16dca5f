package exporter

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/version"
)

// Self are the metrics of the process itself: its build, its last reload and, if
// wanted, its runtime. They outlive an Exporter, of which a reload makes a new one.
type Self struct {
	// What every scrape tells is emitted as a collector's samples are: a registry makes
	// 32 KB of garbage each time, which is more than all the rest of a scrape.
	build, loaded, lastSuccess *Metric
	buildLabels                []string
	isLoaded                   atomic.Bool
	lastSuccessBits            atomic.Uint64 // of a float64

	registry *prometheus.Registry // of the runtime, and of others
	runtime  bool
}

// NewSelf makes a Self; with runtime it includes go_*, process_* and promhttp_*.
func NewSelf(runtime bool) *Self {
	s := &Self{
		build: gauge("fettle_exporter_build_info",
			"A metric with a constant '1' value labeled by version, revision, branch, goversion from which fettle_exporter was built, and the goos and goarch for the build.",
			"branch", "goarch", "goos", "goversion", "revision", "tags", "version"),
		buildLabels: []string{version.Branch, version.GoArch, version.GoOS, version.GoVersion, version.GetRevision(), version.GetTags(), version.Version},
		loaded:      gauge("fettle_config_last_reload_successful", "1 if the configuration could be read when it was last tried."),
		lastSuccess: gauge("fettle_config_last_reload_success_timestamp_seconds", "When the configuration was last read, as a Unix time."),
		registry:    prometheus.NewRegistry(),
		runtime:     runtime,
	}
	if runtime {
		s.registry.MustRegister(
			collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		)
	}
	return s
}

// Metrics are those that every scrape tells, by name.
func (s *Self) Metrics() []*Metric { return []*Metric{s.lastSuccess, s.loaded, s.build} }

// appendTo appends them to samples.
func (s *Self) appendTo(samples []sample) []sample {
	return append(samples,
		sample{s.lastSuccess, math.Float64frombits(s.lastSuccessBits.Load()), nil},
		sample{s.loaded, boolean(s.isLoaded.Load()), nil},
		sample{s.build, 1, s.buildLabels})
}

// Registerer takes further metrics of the process.
func (s *Self) Registerer() prometheus.Registerer { return s.registry }

// Reloaded notes whether the configuration could be read, and when that was tried.
func (s *Self) Reloaded(ok bool, at time.Time) {
	s.isLoaded.Store(ok)
	if ok {
		s.lastSuccessBits.Store(math.Float64bits(float64(at.UnixNano()) / 1e9))
	}
}
