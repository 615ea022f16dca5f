package exporter

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Collector reads one source. It only reads, and runs no commands.
type Collector interface {
	// Metrics are all the metrics that Collect may emit.
	Metrics() []*Metric
	// Collect reads the source and emits what it found before ctx ends. What was
	// emitted before an error is served; the error makes the collector's success 0.
	Collect(ctx context.Context, s *Scrape, emit Emit) error
}

// Emit adds one sample: a value in the metric's unit and the values of its
// labels in the metric's order. Of NaN and infinities it makes an error of the
// collector: nothing that fettle reads can be either.
type Emit func(m *Metric, value float64, labels ...string)

// Metric describes one metric: what the help text, the type and docs/metrics.md
// are made of.
type Metric struct {
	Name   string
	Help   string
	Type   prometheus.ValueType
	Labels []string
	desc   *prometheus.Desc
}

func gauge(name, help string, labels ...string) *Metric {
	return newMetric(prometheus.GaugeValue, name, help, labels)
}

func counter(name, help string, labels ...string) *Metric {
	return newMetric(prometheus.CounterValue, name, help, labels)
}

func newMetric(t prometheus.ValueType, name, help string, labels []string) *Metric {
	return &Metric{Name: name, Help: help, Type: t, Labels: labels, desc: prometheus.NewDesc(name, help, labels, nil)}
}

// sample makes one sample of m. Label values come from the kernel (mount points
// may hold any byte), so what is not UTF-8 is replaced.
func (m *Metric) sample(value float64, labels ...string) (prometheus.Metric, error) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil, fmt.Errorf("%s%v: not a number", m.Name, labels)
	}
	valid := make([]string, len(labels))
	for i, l := range labels {
		valid[i] = strings.ToValidUTF8(l, "\uFFFD")
	}
	return prometheus.NewConstMetric(m.desc, m.Type, value, valid...)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
