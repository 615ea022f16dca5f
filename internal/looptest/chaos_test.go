package looptest

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fettle-io/fettle/repair"
)

// fettle is killed again and again at moments that nobody chose, while members
// are: each fault is repaired with one start, by whichever fettle lives long enough.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	w := newWard(t, "m1", "m2", "m3").sub(t, options{settle: "1s", settings: "cooldown: 0, attempts: 0"})
	w.start()
	for round := range 5 {
		member := []string{"m1", "m2", "m3"}[random.IntN(3)]
		starts := w.starts(member)
		w.crash(member)
		for range 1 + random.IntN(3) {
			if status, said := w.post("first", body(t, down(member)), nil); status != 200 {
				t.Fatalf("got %d: %s", status, said)
			}
			time.Sleep(time.Duration(random.Int64N(int64(600 * time.Millisecond))))
			w.kill()
			w.start()
		}
		w.send(down(member))
		w.await("it is repaired", func(st story) bool {
			n := 0
			for _, f := range w.finished(st) {
				if f.Outcome == repair.Repaired {
					n++
				}
			}
			return n > round
		})
		if n := w.starts(member) - starts; n != 1 {
			t.Errorf("round %d: %s was started %d times", round, member, n)
		}
		w.send(down(member).over())
		w.await("the episode is closed", func(st story) bool { return st.count(repair.TypeClosed) > round })
	}
	w.verify()
}
