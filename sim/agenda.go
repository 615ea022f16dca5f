package sim

import (
	"container/heap"
	"time"
)

// agenda is what is to happen, by time, and at one time in the order in which it
// was put in.
type agenda struct {
	list entries
	seq  uint64
}

type entry struct {
	at  time.Duration
	seq uint64
	do  func()
}

type entries []entry

func (e entries) Len() int { return len(e) }
func (e entries) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e entries) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *entries) Push(x any)   { *e = append(*e, x.(entry)) } //nolint:errorlint // not an error: heap's own
func (e *entries) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = entry{}
	*e = old[:len(old)-1]
	return last
}

func (a *agenda) put(at time.Duration, do func()) {
	a.seq++
	heap.Push(&a.list, entry{at, a.seq, do})
}

// next is what happens next, if it is to happen by then.
func (a *agenda) next(by time.Duration) (entry, bool) {
	if len(a.list) == 0 || a.list[0].at > by {
		return entry{}, false
	}
	return heap.Pop(&a.list).(entry), true //nolint:errorlint // not an error: heap's own
}
