package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// refusal is why a textfile is not served: a label's value.
type refusal string

const (
	refusedUnreadable refusal = "unreadable"
	refusedTooLarge   refusal = "too_large"
	refusedSyntax     refusal = "syntax"
	refusedTimestamp  refusal = "timestamp"
	refusedPrefix     refusal = "prefix"
	refusedDuplicate  refusal = "duplicate"
	refusedConflict   refusal = "conflict"
)

// refusedError is a refusal with what people need to know.
type refusedError struct {
	reason refusal
	err    error
}

func (r *refusedError) Error() string { return r.err.Error() }

func (r *refusedError) Unwrap() error { return r.err }

func refuse(reason refusal, format string, args ...any) error {
	return &refusedError{reason, fmt.Errorf(format, args...)}
}

func reasonOf(err error) refusal {
	if r, ok := errors.AsType[*refusedError](err); ok {
		return r.reason
	}
	return refusedUnreadable
}

// readTextfile reads a file of at most limit bytes, and when it was last written.
func readTextfile(path string, limit int64) (text []byte, at time.Time, err error) {
	// Without waiting: what is called .prom may be a pipe into which nobody writes.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, time.Time{}, err
	case !info.Mode().IsRegular():
		return nil, time.Time{}, refuse(refusedUnreadable, "it is no file")
	case info.Size() > limit:
		return nil, info.ModTime(), refuse(refusedTooLarge, "%d bytes, of %d that are left for it", info.Size(), limit)
	}
	text, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit { // it grew meanwhile
		return nil, info.ModTime(), refuse(refusedTooLarge, "more than %d bytes", limit)
	}
	return text, info.ModTime(), err
}

// texts are the families of the textfiles that were taken so far.
type texts struct {
	byName map[string]*dto.MetricFamily
	series map[string]bool   // by family and labels
	names  map[string]string // of samples, such as x_count of a histogram x: to their family
}

func newTexts() *texts {
	return &texts{map[string]*dto.MetricFamily{}, map[string]bool{}, map[string]string{}}
}

// families are all of them. Nobody may change them.
func (t *texts) families() []*dto.MetricFamily { return slices.Collect(maps.Values(t.byName)) }

// add takes what a file says, all of it or nothing.
func (t *texts) add(text []byte) error {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return refuse(refusedSyntax, "%s", clipped(err.Error()))
	}
	series, names := map[string]bool{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if err := t.fits(families[name], series, names); err != nil {
			return err
		}
	}
	maps.Copy(t.series, series)
	maps.Copy(t.names, names)
	for name, f := range families {
		if there := t.byName[name]; there != nil {
			there.Metric = append(there.Metric, f.Metric...)
		} else {
			t.byName[name] = f
		}
	}
	return nil
}

// fits tells whether a family can be served beside the others; series and names are
// those of its own file.
func (t *texts) fits(f *dto.MetricFamily, series map[string]bool, names map[string]string) error {
	name := f.GetName()
	for _, ours := range []string{"fettle_", "go_", "process_", "promhttp_"} {
		if strings.HasPrefix(name, ours) {
			return refuse(refusedPrefix, "%s: metrics with the prefix %s are the exporter's own", clipped(name), ours)
		}
	}
	if there := t.byName[name]; there != nil && there.GetType() != f.GetType() {
		return refuse(refusedConflict, "%s is a %s, and a %s in another file", clipped(name), kindOf(f), kindOf(there))
	}
	for _, sample := range sampleNames(f) {
		for _, taken := range []map[string]string{t.names, names} {
			if other, there := taken[sample]; there && other != name {
				return refuse(refusedConflict, "%s belongs to %s and to %s", clipped(sample), clipped(name), clipped(other))
			}
		}
		names[sample] = name
	}
	for _, m := range f.GetMetric() {
		if m.TimestampMs != nil {
			return refuse(refusedTimestamp, "%s has a timestamp: leave it out, Prometheus keeps the time of the scrape", clipped(name))
		}
		key := name + "\x00" + labelKey(m)
		if t.series[key] || series[key] || repeats(m) {
			return refuse(refusedDuplicate, "%s is there twice with the same labels", clipped(name))
		}
		series[key] = true
	}
	return nil
}

func kindOf(f *dto.MetricFamily) string { return strings.ToLower(f.GetType().String()) }

// sampleNames are the names under which a family's samples are written.
func sampleNames(f *dto.MetricFamily) []string {
	name := f.GetName()
	switch f.GetType() {
	case dto.MetricType_HISTOGRAM:
		return []string{name, name + "_bucket", name + "_sum", name + "_count"}
	case dto.MetricType_SUMMARY:
		return []string{name, name + "_sum", name + "_count"}
	case dto.MetricType_COUNTER:
		if !strings.HasSuffix(name, "_total") {
			return []string{name, name + "_total"} // which OpenMetrics makes of it
		}
	}
	return []string{name}
}

// labelKey is the same for the same labels, in whatever order.
func labelKey(m *dto.Metric) string {
	pairs := make([]string, 0, len(m.GetLabel()))
	for _, l := range m.GetLabel() {
		pairs = append(pairs, l.GetName()+"\x00"+l.GetValue())
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "\x00")
}

// repeats tells that a histogram has a bucket, or a summary a quantile, twice.
func repeats(m *dto.Metric) bool {
	seen := map[float64]bool{}
	twice := false
	note := func(bound float64) { twice, seen[bound] = twice || seen[bound], true }
	for _, b := range m.GetHistogram().GetBucket() {
		note(b.GetUpperBound())
	}
	for _, q := range m.GetSummary().GetQuantile() {
		note(q.GetQuantile())
	}
	return twice
}

// clipped keeps a line of the log short, whatever a file has in it.
func clipped(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}
