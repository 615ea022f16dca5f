package faults

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/scorecard"
	"github.com/fettle-io/fettle/repair"
)

// fettle is killed again and again at moments that nobody chose, while it starts as
// well, with alerts arriving and repairs under way. What was acknowledged is in the
// journal; each restart has an intent of its own; in the end every service runs.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	f := newFleet(t, 12)
	s := configure(t, f, options{})
	var acked receipts
	var world sync.WaitGroup
	end := make(chan struct{})
	stop := sync.OnceFunc(func() { close(end); world.Wait() })
	t.Cleanup(stop)
	for sender := range 2 {
		world.Go(func() { s.strangers(sender, &acked, end) })
	}
	var unsent []notice
	world.Go(func() { unsent = s.faults(f, rand.New(rand.NewPCG(seed, 1)), &acked, end) })

	var recoveries []time.Duration
	s.start()
	for kill := range kills {
		time.Sleep(time.Duration(random.Int64N(int64(250 * time.Millisecond))))
		s.kill()
		if kill%25 == 24 { // while it is down
			s.verify()
			a := s.read()
			a.holds(t, &acked)
			a.excuses(t, f)
			t.Logf("%d kills: %d alerts acknowledged, %d restarts, %d records", kill+1, acked.n, f.counted(), a.records)
		}
		if random.IntN(5) == 0 { // while it starts
			s.launch()
			time.Sleep(time.Duration(random.Int64N(int64(40 * time.Millisecond))))
			s.kill()
		}
		recoveries = append(recoveries, s.start())
	}
	stop()
	a := s.calm(f, &acked, unsent)
	if a.outcomes()[repair.Repaired] == 0 || f.counted() == 0 {
		t.Errorf("nothing was repaired: %v", a.outcomes())
	}
	figure := fmt.Sprintf("%d kills: 0 of %d acknowledged alerts lost, %d restarts for %d intents, runs %v, ready again after %s",
		kills, acked.n, f.counted(), a.intended(), a.outcomes(), spread(recoveries))
	t.Log(figure)
	if !t.Failed() {
		scorecard.Row(t, 1, figure)
	}
}
