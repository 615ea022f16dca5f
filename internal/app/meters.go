package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"

	"github.com/fettle-io/fettle/journal"
)

// meters are the metrics that are nobody else's: the configuration's, the
// journal's files, the process.
type meters struct {
	reg      prometheus.Registerer
	reloadOK prometheus.Gauge
	reloadAt prometheus.Gauge
	sound    prometheus.Gauge
	scrubAt  prometheus.Gauge
}

func newMeters(reg prometheus.Registerer) *meters {
	m := &meters{
		reg:      reg,
		reloadOK: prometheus.NewGauge(prometheus.GaugeOpts{Name: "fettle_config_last_reload_successful", Help: "1 if the last load of the configuration was taken, 0 if the one before it stayed."}),
		reloadAt: prometheus.NewGauge(prometheus.GaugeOpts{Name: "fettle_config_last_reload_success_timestamp_seconds", Help: "When a configuration was last taken, Unix time."}),
	}
	m.sound = prometheus.NewGauge(prometheus.GaugeOpts{Name: "fettle_journal_sound", Help: "0 once the scrub of older segments found damage: nothing new is begun."})
	m.scrubAt = prometheus.NewGauge(prometheus.GaugeOpts{Name: "fettle_journal_last_scrub_timestamp_seconds", Help: "When the older segments were last read again without damage, Unix time; 0 before the first time."})
	m.sound.Set(1)
	reg.MustRegister(m.sound, m.scrubAt, m.reloadOK, m.reloadAt, versioncollector.NewCollector("fettle"),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *meters) scrubbed(at time.Time) { m.scrubAt.Set(float64(at.UnixNano()) / 1e9) }
func (m *meters) damaged()              { m.sound.Set(0) }

func (m *meters) reloaded(ok bool, at time.Time) {
	if !ok {
		m.reloadOK.Set(0)
		return
	}
	m.reloadOK.Set(1)
	m.reloadAt.Set(float64(at.UnixNano()) / 1e9)
}

// watchJournal publishes how far the journal is; what of it is signed is published beside the root.
func (m *meters) watchJournal(j *journal.Journal) {
	gauge := func(name, help string, value func() float64) {
		m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("fettle_journal_records", "Records in the journal, all durable.", func() float64 { return float64(j.Size()) })
	gauge("fettle_journal_size_bytes", "Length of the journal's segments.", func() float64 { return float64(j.Bytes()) })
}
