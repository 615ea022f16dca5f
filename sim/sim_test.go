package sim_test

import (
	"strings"
	"testing"

	"github.com/fettle-io/fettle/sim"
)

func newKit(t testing.TB) *sim.Kit {
	t.Helper()
	k, err := sim.NewKit()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// tell fails with the story of a seed.
func tell(t *testing.T, k *sim.Kit, seed uint64, o sim.Options) {
	t.Helper()
	o.Story = true
	r := k.Run(seed, o)
	t.Errorf("seed %d: %v\n%s", seed, r.Broken, strings.Join(r.Story, "\n"))
}

func TestSeeds(t *testing.T) {
	k := newKit(t)
	var sum sim.Stats
	for seed := range uint64(500) {
		r := k.Run(seed, sim.Options{})
		sum.Add(r.Stats)
		if r.Broken != nil {
			tell(t, k, seed, sim.Options{})
			return
		}
	}
	t.Logf("%+v", sum)
}
