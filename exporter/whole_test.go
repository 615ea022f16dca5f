package exporter

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const (
	asksOpenMetrics = "application/openmetrics-text;version=1.0.0"
	asksProtobuf    = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)

// everything is an Exporter of all that it tells by default, of this machine.
func everything(t *testing.T) *Exporter {
	t.Helper()
	self := NewSelf(true)
	self.Reloaded(true, time.Unix(1700000000, 0))
	e, err := New(Options{Self: self})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, e) })
	get(t, e, "", "") // some of promhttp_* begin with the first scrape's end
	return e
}

func answered(t *testing.T, e *Exporter, accept string) []byte {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%q: %d %s", accept, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// All of it, as Prometheus gets it, has no lint, in order and each series once.
func TestEverythingHasNoLint(t *testing.T) {
	text := answered(t, everything(t), "")
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if series := line[:max(0, strings.LastIndexByte(line, ' '))]; !strings.HasPrefix(line, "#") {
			if seen[series] {
				t.Errorf("%s is there twice", series)
			}
			seen[series] = true
		}
	}
}

// The three formats tell the same families, of the same types, with the same series.
func TestEverythingInEachFormat(t *testing.T) {
	e := everything(t)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	plain, err := parser.TextToMetricFamilies(bytes.NewReader(answered(t, e, "")))
	if err != nil {
		t.Fatal(err)
	}
	want := perFamily(slices.Collect(maps.Values(plain)))
	var binary []*dto.MetricFamily
	decoder := expfmt.NewDecoder(bytes.NewReader(answered(t, e, asksProtobuf)), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		var f dto.MetricFamily
		err := decoder.Decode(&f)
		if err == io.EOF { //nolint:errorlint // as it is documented
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		binary = append(binary, &f)
	}
	sameCounts(t, "protobuf", perFamily(binary), want)

	// Of OpenMetrics: the names of the samples, and how many each has.
	open := answered(t, e, asksOpenMetrics)
	if !bytes.HasSuffix(open, []byte("\n# EOF\n")) {
		t.Errorf("ends with %q", open[max(0, len(open)-40):])
	}
	of := map[string]int{}
	for line := range strings.Lines(string(open)) {
		if name := line[:strings.IndexAny(line, "{ ")]; name != "#" {
			of[name]++
		}
	}
	for name, f := range plain {
		if f.GetType() == dto.MetricType_SUMMARY || f.GetType() == dto.MetricType_HISTOGRAM {
			continue // several names
		}
		if ofDevices(name) {
			continue
		}
		if n := len(f.GetMetric()); of[name] != n {
			t.Errorf("OpenMetrics: %d of %s, in text %d", of[name], name, n)
		}
	}
}

// perFamily is how many series each family has, by name and type, other than of devices,
// which come and go.
func perFamily(families []*dto.MetricFamily) map[string]int {
	all := map[string]int{}
	for _, f := range families {
		if ofDevices(f.GetName()) {
			continue
		}
		all[f.GetName()+" "+f.GetType().String()] += len(f.GetMetric())
	}
	return all
}

func ofDevices(name string) bool {
	for _, prefix := range []string{"fettle_node_filesystem_", "fettle_node_network_", "fettle_node_disk_", "fettle_unit_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func sameCounts(t *testing.T, format string, got, want map[string]int) {
	t.Helper()
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: %d of %s, in text %d", format, got[name], name, n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d families, in text %d", format, len(got), len(want))
	}
}
