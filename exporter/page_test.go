package exporter

import (
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestPageReplacesWhatIsNotUTF8(t *testing.T) {
	m := gauge("fettle_test", "A test.", "mountpoint")
	var p part
	for range 2 {
		if err := p.fill([]sample{{m, 1, []string{"/mnt/\xff"}}}); err != nil {
			t.Fatal(err)
		}
		if got := valuesOf(p.families); got[`fettle_test{mountpoint="/mnt/`+"\uFFFD"+`"}`] != 1 {
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
		if got := valuesOf(p.families); len(got) != 2 || got[`fettle_test{a="x"}`] != 1 {
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
		if got := valuesOf(p.families); !maps.Equal(got, want) {
			t.Fatalf("round %d: got %v, want %v", round, got, want)
		}
		for i, f := range p.families[min(1, len(p.families)):] {
			if f.GetName() <= p.families[i].GetName() {
				t.Fatalf("round %d: %s before %s", round, p.families[i].GetName(), f.GetName())
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
