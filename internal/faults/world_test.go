package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// strangers sends alerts that nothing matches, each once.
func (s *server) strangers(sender int, acked *receipts, end <-chan struct{}) {
	for i := 0; ; i++ {
		var alerts []notice
		for k := range 1 + i%3 {
			alerts = append(alerts, other(fmt.Sprintf("%d-%d-%d", sender, i, k)))
		}
		if !s.deliver(acked, end, alerts...) {
			return
		}
		select {
		case <-end:
			return
		default:
		}
	}
}

// deliver sends alerts until they are acknowledged, as Alertmanager does; false: it
// was the end before.
func (s *server) deliver(acked *receipts, end <-chan struct{}, alerts ...notice) bool {
	b := body(s.t, alerts...)
	for {
		status, said := s.post(b, nil)
		switch status {
		case http.StatusOK:
			acked.keep(alerts...)
		case 0, http.StatusServiceUnavailable:
		default:
			s.t.Errorf("a message got %d: %s", status, said)
			return false
		}
		select {
		case <-end:
			return status == http.StatusOK
		case <-time.After(10 * time.Millisecond):
		}
		if status == http.StatusOK {
			return true
		}
	}
}

// faults crashes services, three at a time at most, of which some do not come back
// at the first try, and sends what a rule would: that one is down, and that it is
// not any more. It returns what was not acknowledged by the end.
func (s *server) faults(f *fleet, random *rand.Rand, acked *receipts, end <-chan struct{}) (unsent []notice) {
	var firing []string
	for {
		dead := f.dead()
		var alerts []notice
		firing = slices.DeleteFunc(firing, func(name string) bool {
			if slices.Contains(dead, name) {
				return false
			}
			alerts = append(alerts, down(name).over())
			return true
		})
		if name := f.names[random.IntN(len(f.names))]; len(dead) < 3 && f.crash(name) {
			f.refuses(name, max(0, random.IntN(8)-6))
			firing = append(firing, name)
			alerts = append(alerts, down(name))
		}
		if len(alerts) > 0 && !s.deliver(acked, end, alerts...) {
			return alerts
		}
		select {
		case <-end:
			return nil
		case <-time.After(time.Duration(random.Int64N(int64(60 * time.Millisecond)))):
		}
	}
}

// calm is after the last fault: Alertmanager delivers what is left, every service is
// brought back and every episode closes; then fettle is stopped, and its journal has
// all that was acknowledged, an intent for each restart, and a result for each intent.
func (s *server) calm(f *fleet, acked *receipts, unsent []notice) audit {
	s.t.Helper()
	if len(unsent) > 0 {
		s.send(unsent...)
	}
	until(s.t, "every service runs", func() error {
		if dead := f.dead(); len(dead) > 0 {
			return fmt.Errorf("dead: %v", dead)
		}
		return nil
	})
	var over []notice
	for _, name := range f.names {
		over = append(over, down(name).over())
	}
	s.send(over...)
	until(s.t, "every episode is closed", func() error {
		if a := s.read(); len(a.opened) > 0 || len(a.live) > 0 {
			return fmt.Errorf("%d are open, with %d runs", len(a.opened), len(a.live))
		}
		return nil
	})
	s.shutdown()
	a := s.read()
	a.holds(s.t, acked)
	a.excuses(s.t, f)
	if len(a.open) > 0 {
		s.t.Errorf("%d intents have no result", len(a.open))
	}
	s.verify()
	return a
}
