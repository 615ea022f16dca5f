package repair

import (
	"container/heap"
	"time"
)

// sleeper is what a timer wakes: a run or an ask. Its due is the only time that
// counts: a timer that was set for another one is passed over.
type sleeper interface {
	dueAt() time.Duration // negative: it sleeps until something else happens
	wake()
}

// timers is when who is to be woken, in order of time, then of setting: the engine
// is deterministic, and nothing is scanned.
type timers struct {
	heap  timerHeap
	order uint64
}

type timer struct {
	at    time.Duration
	order uint64
	who   sleeper
}

func (t timer) stale() bool { return t.who.dueAt() != t.at }

// set has who woken at its due.
func (t *timers) set(who sleeper) {
	if at := who.dueAt(); at >= 0 {
		t.order++
		heap.Push(&t.heap, timer{at, t.order, who})
	}
}

// next is when the next one is due.
func (t *timers) next() (at time.Duration, ok bool) {
	for len(t.heap) > 0 {
		if !t.heap[0].stale() {
			return t.heap[0].at, true
		}
		heap.Pop(&t.heap)
	}
	return 0, false
}

// take takes all that are due at now.
func (t *timers) take(now time.Duration) []timer {
	var due []timer
	for len(t.heap) > 0 && t.heap[0].at <= now {
		if one, ok := heap.Pop(&t.heap).(timer); ok && !one.stale() {
			due = append(due, one)
		}
	}
	return due
}

// timerHeap implements heap.Interface.
type timerHeap []timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(v any) {
	if t, ok := v.(timer); ok {
		*h = append(*h, t)
	}
}

func (h *timerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = timer{}
	*h = old[:len(old)-1]
	return last
}
