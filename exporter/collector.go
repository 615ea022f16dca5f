package exporter

import (
	"context"
	"fmt"
	"math"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Collector reads one source. It only reads, and runs no commands.
type Collector interface {
	// Metrics are all the metrics that Collect may emit.
	Metrics() []*Metric
	// Collect reads the source and emits what it found before ctx ends. What was
	// emitted before an error is served; the error makes the collector's success 0.
	Collect(ctx context.Context, s *Scrape, emit Emit) error
}

// passer is a Collector that also passes on what others wrote: families with a name,
// a help and a type of their own, which nobody changes afterwards. A scrape calls
// pass in place of Collect. No name may be one that a Metric has.
type passer interface {
	pass(ctx context.Context, emit Emit) ([]*dto.MetricFamily, error)
}

// Emit adds one sample: a value in the metric's unit and the values of its
// labels in the metric's order, which must not change afterwards. Of NaN and infinities it makes an error of the
// collector: nothing that fettle reads can be either.
type Emit func(m *Metric, value float64, labels ...string)

// Metric describes one metric: what the help text, the type and docs/metrics.md
// are made of.
type Metric struct {
	Name   string
	Help   string
	Type   prometheus.ValueType
	Labels []string
}

func gauge(name, help string, labels ...string) *Metric {
	return newMetric(prometheus.GaugeValue, name, help, labels)
}

func counter(name, help string, labels ...string) *Metric {
	return newMetric(prometheus.CounterValue, name, help, labels)
}

func newMetric(t prometheus.ValueType, name, help string, labels []string) *Metric {
	return &Metric{Name: name, Help: help, Type: t, Labels: labels}
}

// sample makes one sample of m.
func (m *Metric) sample(value float64, labels []string) (sample, error) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return sample{}, fmt.Errorf("%s%v: not a number", m.Name, labels)
	}
	if len(labels) != len(m.Labels) {
		return sample{}, fmt.Errorf("%s%v: want a value for each of %v", m.Name, labels, m.Labels)
	}
	return sample{m, value, labels}, nil
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
