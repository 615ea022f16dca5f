package sim

import (
	"math/rand/v2"
	"time"
)

// dice is where everything is drawn from.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice {
	return dice{rand.New(rand.NewPCG(seed, 0x66657474_6c650000))} //nolint:gosec // a simulation's, so that a seed replays
}

// chance is true with probability p.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// span is a time between two others.
func (d dice) span(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(d.Int64N(int64(hi-lo)))
}

// mostly is a short time, and once in a while a long one.
func (d dice) mostly(short, long time.Duration, rare float64) time.Duration {
	if d.chance(rare) {
		return d.span(short, long)
	}
	return d.span(0, short)
}

func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }
