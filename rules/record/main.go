// Command record writes down what an exporter tells, scrape by scrape, as series
// of promtool's tests: a line for each, with its values in order, `_` where it
// was not there and `AxN` where N more of the same follow.
//
// The recordings of healthy hosts in rules/testdata/healthy were made by it:
//
//	go run ./rules/record -url=http://127.0.0.1:9773/metrics -instance=busy -for=10m -to=busy.txt
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	url := flag.String("url", "http://127.0.0.1:9773/metrics", "the exporter's `URL`")
	instance := flag.String("instance", "recorded", "what the label instance is to say")
	every := flag.Duration("every", 5*time.Second, "time between two scrapes")
	lasting := flag.Duration("for", 10*time.Minute, "how long to record")
	to := flag.String("to", "", "the `FILE` to write")
	flag.Parse()
	if *to == "" {
		return errors.New("say where it goes: -to=FILE")
	}
	r := recording{series: map[string][]float64{}, instance: *instance, began: time.Now(), every: *every}
	tick := time.NewTicker(*every)
	defer tick.Stop()
	for end := time.Now().Add(*lasting); time.Now().Before(end) && ctx.Err() == nil; {
		if err := r.scrape(ctx, *url); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return os.WriteFile(*to, r.text(), 0o644) //nolint:gosec // for everybody to read
}

// recording is the values of each series, one for each scrape; NaN where it was
// not there.
type recording struct {
	series   map[string][]float64
	instance string
	scrapes  int
	began    time.Time
	every    time.Duration
}

func (r *recording) scrape(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(io.LimitReader(answer.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	for name, family := range families {
		// What tells one machine from another is of no use here, and is nobody's business.
		if !strings.HasPrefix(name, "fettle_") || strings.HasSuffix(name, "_info") {
			continue
		}
		for _, m := range family.GetMetric() {
			for suffix, value := range values(m) {
				r.add(name+suffix, m.GetLabel(), value)
			}
		}
	}
	r.add("up", nil, 1)
	r.scrapes++
	return nil
}

func values(m *dto.Metric) map[string]float64 {
	switch {
	case m.Gauge != nil:
		return map[string]float64{"": m.Gauge.GetValue()}
	case m.Counter != nil:
		return map[string]float64{"": m.Counter.GetValue()}
	case m.Histogram != nil:
		return map[string]float64{"_count": float64(m.Histogram.GetSampleCount()), "_sum": m.Histogram.GetSampleSum()}
	default:
		return nil
	}
}

func (r *recording) add(name string, pairs []*dto.LabelPair, value float64) {
	labels := map[string]string{"job": "fettle_exporter", "instance": r.instance}
	for _, p := range pairs {
		labels[p.GetName()] = p.GetValue()
	}
	var key strings.Builder
	key.WriteString(name + "{")
	for i, label := range slices.Sorted(maps.Keys(labels)) {
		if i > 0 {
			key.WriteByte(',')
		}
		key.WriteString(label + "=" + strconv.Quote(labels[label]))
	}
	key.WriteString("}")
	have := r.series[key.String()]
	for len(have) < r.scrapes {
		have = append(have, math.NaN())
	}
	r.series[key.String()] = append(have, value)
}

// text is the recording, a series a line.
func (r *recording) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s every %s\n", r.began.UTC().Format(time.RFC3339), r.every)
	for _, key := range slices.Sorted(maps.Keys(r.series)) {
		b.WriteString(key)
		values := r.series[key]
		for len(values) < r.scrapes {
			values = append(values, math.NaN())
		}
		for i := 0; i < len(values); {
			n := 1
			for i+n < len(values) && same(values[i], values[i+n]) {
				n++
			}
			b.WriteString(" " + notation(values[i], n))
			i += n
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// notation is n of the same value as promtool writes them.
func notation(value float64, n int) string {
	text := "_"
	if !math.IsNaN(value) {
		text = strconv.FormatFloat(value, 'g', 10, 64)
	}
	switch {
	case n == 1:
		return text
	case text == "_":
		return "_x" + strconv.Itoa(n)
	default:
		return text + "x" + strconv.Itoa(n-1)
	}
}
