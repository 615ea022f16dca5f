package exporter

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"
)

type key struct{}

// Whether or not somebody waits for it, it is what context.WithDeadline makes.
func TestTimedIsTheUsualContext(t *testing.T) {
	defer goleak.VerifyNone(t)
	parent, leave := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	leave() // is no end of it
	for name, wait := range map[string]bool{"nobody waits": false, "somebody waits": true} {
		far, past := newTimed(parent, time.Now().Add(time.Hour)), newTimed(parent, time.Now().Add(-time.Second))
		if wait {
			far.Done()
			past.Done()
		}
		if err := far.Err(); err != nil || far.Value(key{}) != "value" {
			t.Errorf("%s: %v, value %v", name, err, far.Value(key{}))
		}
		if err := past.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: past its deadline: %v", name, err)
		}
		if until, ok := far.Deadline(); !ok || time.Until(until) < time.Minute {
			t.Errorf("%s: deadline %v, %v", name, until, ok)
		}
		far.end()
		past.end()
		if err := far.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: ended: %v", name, err)
		}
		<-far.Done()
		<-past.Done()
	}
}

// What is made of it ends with it, at its deadline and before.
func TestTimedEndsItsChildren(t *testing.T) {
	defer goleak.VerifyNone(t)
	soon := newTimed(t.Context(), time.Now().Add(10*time.Millisecond))
	far := newTimed(t.Context(), time.Now().Add(time.Hour))
	ofSoon, cancel := context.WithTimeout(soon, time.Hour)
	defer cancel()
	ofFar, cancel := context.WithCancel(far)
	defer cancel()
	<-ofSoon.Done()
	if err := ofSoon.Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := ofFar.Err(); err != nil {
		t.Error(err)
	}
	far.end()
	<-ofFar.Done()
	soon.end()
}
