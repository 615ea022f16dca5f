package exporter

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/fettle-io/fettle/cluster"
)

func TestChoice(t *testing.T) {
	e := serving(t, Options{Collectors: map[string]bool{"c": false}}, works("a"), works("b"), works("c"))
	for query, want := range map[string]string{
		"":                           "a b",
		"?collect[]=a":               "a",
		"?collect[]=b&collect[]=a":   "a b",
		"?exclude[]=a":               "b",
		"?exclude[]=a&exclude[]=b":   "",
		"?name[]=fettle_test_a":      "a",
		"?collect%5B%5D=b&ignored=1": "b",
	} {
		var got []string
		for line := range strings.Lines(scraped(t, e, query, "")) {
			if name, ok := strings.CutPrefix(line, "fettle_test_"); ok {
				got = append(got, strings.Fields(name)[0])
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %v, want %s", query, got, want)
		}
	}
	for query, want := range map[string]string{
		"?collect[]=a&exclude[]=b": "collect[] and exclude[] cannot be combined\n",
		"?collect[]=x":             "no collector \"x\" is enabled: the enabled ones are a, b\n",
		"?exclude[]=c":             "no collector \"c\" is enabled: the enabled ones are a, b\n",
	} {
		w := get(t, e, query, "")
		if w.Code != http.StatusBadRequest || w.Body.String() != want {
			t.Errorf("%q: got %d %q, want 400 %q", query, w.Code, w.Body, want)
		}
	}
}

func TestUnknownCollectorInOptions(t *testing.T) {
	_, err := New(Options{Collectors: map[string]bool{"cpus": true}})
	var names []string
	for _, entry := range Collectors() {
		names = append(names, entry.Name)
	}
	want := `unknown collector "cpus": the collectors are ` + strings.Join(names, ", ")
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// closed closes e: on a machine with a bus, collectors hold connections to it.
func closed(t *testing.T, e *Exporter) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

func TestDeadline(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 9500 * time.Millisecond, "10": 9500 * time.Millisecond, "1": 500 * time.Millisecond, "0.2": 100 * time.Millisecond,
		"1.5": time.Second, "1e300": 10*time.Minute - 500*time.Millisecond, "+Inf": 10*time.Minute - 500*time.Millisecond,
	} {
		h := http.Header{}
		if header != "" {
			h.Set(timeoutHeader, header)
		}
		if got, err := deadline(h); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", header, got, err, want)
		}
	}
	for _, header := range []string{"0", "-1", "NaN", "10s", "ten", "-Inf", "1e999x"} {
		w := get(t, serving(t, Options{}, works("ok")), "", header)
		want := fmt.Sprintf("header X-Prometheus-Scrape-Timeout-Seconds: want a number of seconds above 0, got %q\n", header)
		if w.Code != http.StatusBadRequest || w.Body.String() != want {
			t.Errorf("%q: got %d %q", header, w.Code, w.Body)
		}
	}
}

func TestMaxRequests(t *testing.T) {
	defer goleak.VerifyNone(t)
	entered, awake := make(chan struct{}), make(chan struct{})
	e := serving(t, Options{MaxRequests: 1}, fake("slow", func(context.Context, *Scrape, func(float64)) error {
		close(entered)
		<-awake
		return nil
	}))
	var first sync.WaitGroup
	first.Go(func() { get(t, e, "", "60") })
	<-entered
	w := get(t, e, "", "60")
	close(awake)
	first.Wait()
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != "Limit of concurrent requests reached (1), try again later.\n" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

func TestFormats(t *testing.T) {
	e := serving(t, Options{}, works("ok"))
	for accept, want := range map[string]string{
		"": "text/plain",
		"application/openmetrics-text;version=1.0.0": "application/openmetrics-text",
		"text/plain;version=0.0.4":                   "text/plain",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited": "application/vnd.google.protobuf",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %q, want %q", accept, got, want)
		}
		body, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if openMetrics := strings.HasSuffix(string(body), "# EOF\n"); openMetrics != strings.Contains(want, "openmetrics") {
			t.Errorf("%q: ends with %q", accept, body[max(0, len(body)-20):])
		}
	}
}

func TestWholeScrape(t *testing.T) {
	self := NewSelf(true)
	self.Reloaded(true, time.Unix(1700000000, 0))
	e, err := New(Options{Self: self, Sources: []Source{{cluster.Cluster{Name: "c", Kind: cluster.KindEtcd}, fixedView(view(member("m1", "id-m1")))}}})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, e)
	get(t, e, "", "") // promhttp_* counts whole scrapes
	body := get(t, e, "", "").Body.String()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"fettle_node_cpu_seconds_total", "fettle_node_boot_time_seconds", "fettle_raft_voters", "fettle_sync_up",
		"fettle_collector_success", "fettle_collector_duration_seconds", "fettle_collector_timeout",
		"fettle_exporter_build_info", "fettle_config_last_reload_successful", "go_goroutines", "process_open_fds",
		"promhttp_metric_handler_requests_total",
	} {
		if families[name] == nil {
			t.Errorf("no %s", name)
		}
	}
	for _, m := range families["fettle_collector_success"].GetMetric() {
		if m.GetGauge().GetValue() != 1 {
			t.Errorf("collector %s failed", m.GetLabel()[0].GetValue())
		}
	}
}

func TestReloadMetrics(t *testing.T) {
	self := NewSelf(false)
	self.Reloaded(true, time.Unix(1700000000, 0))
	self.Reloaded(false, time.Unix(1800000000, 0))
	var p part
	if err := p.fill(self.appendTo(nil)); err != nil {
		t.Fatal(err)
	}
	got := valuesOf(messages(p.families))
	if got["fettle_config_last_reload_successful"] != 0 || got["fettle_config_last_reload_success_timestamp_seconds"] != 1700000000 {
		t.Errorf("got %v", got)
	}
	runtime, err := self.registry.Gather()
	if err != nil || len(runtime) != 0 {
		t.Errorf("there is %v, %v", runtime, err)
	}
}
