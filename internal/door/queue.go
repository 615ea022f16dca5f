package door

import (
	"context"
	"net/http"
	"sync"
)

const (
	// maxWaiting is how many requests wait at most, far fewer than connections.
	maxWaiting = 64
	// maxOfSource is how many of one address do; once half of the places are taken
	// it is one.
	maxOfSource = 8
)

// queue hands out the comparers of passwords. At most one request of an address
// stands for a comparer at a time, so that somebody who tries thousands takes one
// turn in two from somebody else, and not thousands.
type queue struct {
	comparers chan http.Handler

	mu      sync.Mutex
	waiting int
	sources map[string]*line
}

// line is those of one address.
type line struct {
	turn chan struct{} // has one element while one of them stands for a comparer
	n    int
}

func newQueue(comparers chan http.Handler) *queue {
	return &queue{comparers: comparers, sources: map[string]*line{}}
}

// enter waits for a comparer; leave gives it back.
func (q *queue) enter(ctx context.Context, source string) (comparer http.Handler, leave func(), err error) {
	l := q.join(source)
	if l == nil {
		return nil, nil, ErrBusy
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		q.part(source, l)
		return nil, nil, ErrBusy
	}
	select {
	case comparer = <-q.comparers:
	case <-ctx.Done():
		<-l.turn
		q.part(source, l)
		return nil, nil, ErrBusy
	}
	return comparer, func() {
		q.comparers <- comparer
		<-l.turn
		q.part(source, l)
	}, nil
}

// join finds the line of an address; nil: there are too many.
func (q *queue) join(source string) *line {
	q.mu.Lock()
	defer q.mu.Unlock()
	l, most := q.sources[source], maxOfSource
	if q.waiting >= maxWaiting/2 {
		most = 1
	}
	if q.waiting >= maxWaiting || l != nil && l.n >= most {
		return nil
	}
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		q.sources[source] = l
	}
	l.n++
	q.waiting++
	return l
}

func (q *queue) part(source string, l *line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting--
	if l.n--; l.n == 0 {
		delete(q.sources, source)
	}
}
