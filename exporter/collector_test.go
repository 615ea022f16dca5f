package exporter

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/fettle-io/fettle/cluster"
)

// pedantic is one reading of a collector, as a registry wants it that checks
// every sample against the collector's own description.
type pedantic struct {
	collector Collector
	samples   []sample
}

func describe(m *Metric) *prometheus.Desc { return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil) }

func (p pedantic) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range p.collector.Metrics() {
		ch <- describe(m)
	}
}

func (p pedantic) Collect(ch chan<- prometheus.Metric) {
	for _, s := range p.samples {
		ch <- prometheus.MustNewConstMetric(describe(s.metric), s.metric.Type, s.value, s.labels...)
	}
}

// fixedView is a Viewer that always sees the same.
type fixedView cluster.View

func (v fixedView) View(context.Context) cluster.View { return cluster.View(v) }

// readOnce reads c as a scrape would, with the given Views.
func readOnce(t *testing.T, c Collector, views ...cluster.View) reading {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var clusters []*watched
	for _, v := range views {
		c := cluster.Cluster{Name: v.Cluster, Kind: v.Kind}
		if c.Kind == "" {
			c.Kind = cluster.KindEtcd
		}
		clusters = append(clusters, &watched{Source: Source{Cluster: c, Viewer: fixedView(v)}})
	}
	s := scrapeOf(ctx, clusters, slog.New(slog.DiscardHandler))
	if open, ok := c.(io.Closer); ok {
		t.Cleanup(func() {
			if err := open.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return (&running{collector: c}).read(ctx, s)
}

// gathered reads c, which must work, and returns its series through a pedantic
// registry and past promlint, as `name{label="value",…}` to value.
func gathered(t *testing.T, c Collector, views ...cluster.View) map[string]float64 {
	t.Helper()
	r := readOnce(t, c, views...)
	if r.err != nil {
		t.Fatal(r.err)
	}
	return series(t, registryOf(t, c, r))
}

func registryOf(t *testing.T, c Collector, r reading) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(pedantic{c, r.samples})
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("lint: %s: %s", p.Metric, p.Text)
	}
	return registry
}

func series(t *testing.T, g prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return valuesOf(families)
}

func valuesOf(families []*dto.MetricFamily) map[string]float64 {
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			name := f.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			all[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return all
}

// between checks that a series is there and its value lies between two readings
// taken by hand before and after.
func between(t *testing.T, got map[string]float64, name string, before, after float64) {
	t.Helper()
	value, ok := got[name]
	if !ok {
		t.Errorf("no series %s", name)
		return
	}
	if value < before || value > after {
		t.Errorf("%s = %v, by hand %v before and %v after", name, value, before, after)
	}
}

func TestTable(t *testing.T) {
	var names []string
	metrics := map[string]string{}
	for _, e := range Collectors() {
		names = append(names, e.Name)
		if e.Help == "" {
			t.Errorf("%s: no help", e.Name)
		}
		for _, m := range e.New(Host{}).Metrics() {
			if other, ok := metrics[m.Name]; ok {
				t.Errorf("%s: both of %s and %s", m.Name, other, e.Name)
			}
			metrics[m.Name] = e.Name
			if !strings.HasPrefix(m.Name, "fettle_") || !strings.HasSuffix(m.Help, ".") {
				t.Errorf("%s: want the prefix fettle_ and a sentence as help, got %q", m.Name, m.Help)
			}
		}
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(names))); len(unique) != len(names) {
		t.Errorf("a name is there twice: %v", names)
	}
}

func TestSampleRefusesWhatIsNoNumber(t *testing.T) {
	m := gauge("fettle_test", "A test.")
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if s, err := m.sample(v, nil); err == nil {
			t.Errorf("%v became %v", v, s)
		}
	}
	if s, err := m.sample(1, []string{"of no label"}); err == nil {
		t.Errorf("became %v", s)
	}
}
