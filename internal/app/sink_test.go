package app

import (
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/webhook"
)

func alerts(n int, broken error) iter.Seq2[alert.Alert, error] {
	return func(yield func(alert.Alert, error) bool) {
		for i := range n {
			a := alert.Bound(alert.Alert{Status: alert.Firing, Labels: map[string]string{"alertname": "A", "n": fmt.Sprint(i)}})
			if !yield(a, nil) {
				return
			}
		}
		if broken != nil {
			yield(alert.Alert{}, broken)
		}
	}
}

// A message of many parts is one message: its counts are whole, in the answer and
// in its closing record.
func TestTakeInParts(t *testing.T) {
	a := start(t, plain)
	s := &sink{seq: a.seq, newID: newID, last: a.lastSeq}
	n := 2*part + 10
	got, err := s.Take(t.Context(), webhook.Message{ID: newID(), Actor: "test"}, alerts(n, nil))
	if err != nil || got.Received != n || got.Unmatched != n || got.Seq != a.lastSeq() {
		t.Fatalf("%+v, %v; the journal ends at %d", got, err, a.lastSeq())
	}
	again, err := s.Take(t.Context(), webhook.Message{ID: newID(), Actor: "test"}, alerts(n, nil))
	if err != nil || again.Received != 0 || again.Repeats != n || again.Seq != got.Seq {
		t.Fatalf("again: %+v, %v", again, err)
	}
	cut := errors.New("cut")
	if _, err := s.Take(t.Context(), webhook.Message{ID: newID(), Actor: "test"}, alerts(part+1, cut)); !errors.Is(err, cut) {
		t.Fatalf("a message that is not whole: %v", err)
	}
}
