package door

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
)

// Of one address few wait; once half of the places are taken, one of each; and all
// places come back.
func TestQueueIsBounded(t *testing.T) {
	q := newQueue(make(chan http.Handler, 1))
	joined := map[string]*line{}
	of := func(source string) (n int) {
		for range 100 {
			if l := q.join(source); l != nil {
				joined[source] = l
				n++
			}
		}
		return n
	}
	for i := range 4 {
		if n := of(fmt.Sprint("early ", i)); n != maxOfSource {
			t.Errorf("%d of one address wait, want %d", n, maxOfSource)
		}
	}
	for i := range maxWaiting / 2 {
		if n := of(fmt.Sprint("late ", i)); n != 1 {
			t.Errorf("%d of one address wait beside many others, want 1", n)
		}
	}
	if n := of("too late"); n != 0 {
		t.Error("there are more than there may be")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := q.enter(ctx, "too late"); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	for source, l := range joined {
		for n := l.n; n > 0; n-- {
			q.part(source, l)
		}
	}
	// Nobody gives a comparer: who gives up leaves nothing behind.
	if _, _, err := q.enter(ctx, "a"); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if q.waiting != 0 || len(q.sources) != 0 {
		t.Errorf("%d wait, of %d addresses", q.waiting, len(q.sources))
	}
}

// Whoever comes while many of one address wait is next, not last.
func TestQueueIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(make(chan http.Handler, 1))
		served := make(chan string, 2*maxOfSource)
		ask := func(source string) {
			_, leave, err := q.enter(t.Context(), source)
			if err != nil {
				t.Error(err)
				return
			}
			served <- source
			leave()
		}
		for range maxOfSource {
			go ask("flood")
		}
		synctest.Wait()
		go ask("somebody")
		synctest.Wait()
		q.comparers <- http.NotFoundHandler()
		synctest.Wait()
		if first, second := <-served, <-served; first != "flood" || second != "somebody" || len(served) != maxOfSource-1 {
			t.Errorf("first %s, then %s, then %d more", first, second, len(served))
		}
	})
}

// An IPv6 network is one, as anybody has as many addresses of it as they want.
func TestSource(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1": "192.0.2.7", "[2001:db8:1:2:3::4]:1": "2001:db8:1:2::", "[2001:db8:1:2::9]:2": "2001:db8:1:2::", "@": "", "": "",
	} {
		if got := source(remote); got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
}
