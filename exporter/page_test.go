package exporter

import (
	"bytes"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func TestPageReplacesWhatIsNotUTF8(t *testing.T) {
	m := gauge("fettle_test", "A test.", "mountpoint")
	var p part
	for range 2 {
		if err := p.fill([]sample{{m, 1, []string{"/mnt/\xff"}}}); err != nil {
			t.Fatal(err)
		}
		if got := valuesOf(messages(p.families)); got[`fettle_test{mountpoint="/mnt/`+"\uFFFD"+`"}`] != 1 {
			t.Errorf("got %v", got)
		}
	}
}

func TestPageTellsWhatIsThereTwice(t *testing.T) {
	m := gauge("fettle_test", "A test.", "a")
	twice := []sample{{m, 1, []string{"x"}}, {m, 2, []string{"y"}}, {m, 3, []string{"x"}}}
	var p part
	for range 2 {
		if err := p.fill(twice); err == nil || !strings.Contains(err.Error(), "fettle_test[x] is there twice") {
			t.Errorf("got %v", err)
		}
		if got := valuesOf(messages(p.families)); len(got) != 2 || got[`fettle_test{a="x"}`] != 1 {
			t.Errorf("got %v", got)
		}
	}
	if err := p.fill(twice[:2]); err != nil {
		t.Error(err)
	}
}

// However the series come and go, the page tells those of the last time and no other.
func TestPageTellsTheLastSamples(t *testing.T) {
	metrics := []*Metric{gauge("fettle_b", "B.", "y", "x"), counter("fettle_a_total", "A.", "x"), gauge("fettle_c", "C.")}
	random := rand.New(rand.NewPCG(1, 2))
	var p part
	for round := range 2000 {
		var samples []sample
		want := map[string]float64{}
		for _, m := range metrics {
			for _, x := range []string{"1", "2", "3"}[:random.IntN(4)] {
				v := float64(round) + float64(len(want))/10
				s := sample{metric: m, value: v}
				switch len(m.Labels) {
				case 2:
					s.labels = []string{"y" + x, x}
					want[`fettle_b{x="`+x+`",y="y`+x+`"}`] = v
				case 1:
					s.labels = []string{x}
					want[`fettle_a_total{x="`+x+`"}`] = v
				default:
					if _, ok := want["fettle_c"]; ok {
						continue
					}
					want["fettle_c"] = v
				}
				samples = append(samples, s)
			}
		}
		if random.IntN(3) == 0 {
			random.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
		}
		if err := p.fill(samples); err != nil {
			t.Fatal(err)
		}
		if got := valuesOf(messages(p.families)); !maps.Equal(got, want) {
			t.Fatalf("round %d: got %v, want %v", round, got, want)
		}
		for i, f := range p.families[min(1, len(p.families)):] {
			if f.message.GetName() <= p.families[i].message.GetName() {
				t.Fatalf("round %d: %s before %s", round, p.families[i].message.GetName(), f.message.GetName())
			}
		}
	}
}

func TestThePageThatIsFilledAgainDoesNotAllocate(t *testing.T) {
	m := &Metric{Name: "fettle_test", Help: "A test.", Type: prometheus.GaugeValue, Labels: []string{"a"}}
	samples := []sample{{m, 1, []string{"x"}}, {m, 2, []string{"y"}}}
	var p part
	allocations := testing.AllocsPerRun(10, func() {
		if err := p.fill(samples); err != nil {
			t.Error(err)
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func messages(families []family) []*dto.MetricFamily {
	var all []*dto.MetricFamily
	for _, f := range families {
		all = append(all, f.message)
	}
	return all
}

// Our text is, byte by byte, what expfmt makes of the same page.
func TestTextIsTheUsualOne(t *testing.T) {
	m := []*Metric{gauge("fettle_b", "With a \\ and a\nsecond \"line\".", "y", "x"), counter("fettle_a_total", "A."), gauge("fettle_c", "C.", "x")}
	var samples []sample
	for i, v := range []float64{0, 1, -1, 0.1, 42, 999999, 1e6, 999999.5, 123456789, 1e21, 1e-9, math.MaxFloat64, 9007199254740993, -0.5, math.Copysign(0, -1)} {
		samples = append(samples, sample{m[0], v, []string{"a\\b\"c\nd é \xff", strconv.Itoa(i)}})
	}
	samples = append(samples, sample{m[1], 42, nil}, sample{m[2], 1, []string{""}}, sample{counter("fettle_d", "Without the suffix."), 5, nil})
	p := newPage(nil)
	if err := p.own.fill(samples); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []expfmt.FormatType{expfmt.TypeTextPlain, expfmt.TypeOpenMetrics} {
		format := expfmt.NewFormat(kind)
		d, ok := dialectOf(format)
		if !ok {
			t.Fatalf("%s is not written from rows", format)
		}
		var got, want bytes.Buffer
		for _, f := range p.own.families {
			f.text(&got, d)
		}
		encoder := expfmt.NewEncoder(&want, format)
		for _, f := range p.own.families {
			if err := encoder.Encode(f.message); err != nil {
				t.Fatal(err)
			}
		}
		if got.String() != want.String() {
			t.Errorf("%s: got\n%s\nwant\n%s", format, got.String(), want.String())
		}
	}
}

func TestFormatsThatAreNotWrittenFromRows(t *testing.T) {
	for _, format := range []expfmt.Format{
		expfmt.NewFormat(expfmt.TypeProtoDelim),
		expfmt.NewFormat(expfmt.TypeTextPlain).WithEscapingScheme(model.DotsEscaping),
	} {
		if d, ok := dialectOf(format); ok {
			t.Errorf("%s is %v", format, d)
		}
	}
}

// A family that cannot be encoded does not cost the others.
func TestAFamilyThatCannotBeEncodedIsLeftOut(t *testing.T) {
	p := newPage(nil)
	if err := p.own.fill([]sample{{gauge("fettle_z", "Z."), 1, nil}}); err != nil {
		t.Fatal(err)
	}
	name, kind := "fettle_a", dto.MetricType_COUNTER
	p.arrange(nil, []*dto.MetricFamily{{Name: &name, Type: &kind, Metric: []*dto.Metric{{}}}})
	for _, accept := range []string{"", "application/openmetrics-text;version=1.0.0"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", accept)
		err := p.encode(http.Header{}, r)
		if err == nil || !strings.Contains(err.Error(), "fettle_a") {
			t.Errorf("%q: %v", accept, err)
		}
		if text := p.body.String(); strings.Contains(text, "fettle_a") || !strings.Contains(text, "\nfettle_z 1") {
			t.Errorf("%q: got\n%s", accept, text)
		}
	}
}

// What a server calls itself may be as long as its answer: it is told in short, and a
// thousand series of one name are one short error.
func TestLabelsWithoutEnd(t *testing.T) {
	m := gauge("fettle_test", "A test.", "name")
	long := strings.Repeat("ä", 1<<20)
	samples := make([]sample, 2000)
	for i := range samples {
		samples[i] = sample{m, 1, []string{long}}
	}
	var p part
	if err := p.fill(samples); err == nil || len(err.Error()) > 2000 {
		t.Errorf("error %.100v", err)
	}
	if len(p.families) != 1 || len(p.families[0].rows) != 1 {
		t.Fatalf("%d families", len(p.families))
	}
	if got := p.families[0].message.Metric[0].Label[0].GetValue(); len(got) > mostLabel || !strings.HasSuffix(got, "ä…") {
		t.Errorf("%d bytes, %q", len(got), got[len(got)-8:])
	}
}
