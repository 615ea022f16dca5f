package repair

import (
	"testing"
	"time"
)

// Attempts that no window reaches any more are forgotten, also of a target that is
// repaired again and again.
func TestOldAttemptsAreForgotten(t *testing.T) {
	const day = 24 * time.Hour
	st := NewState()
	for i := range 30 {
		st.attempts["start|a/m1"] = append(st.attempts["start|a/m1"], attempt{"i", time.Duration(i) * day})
	}
	st.attempts["start|a/m2"] = []attempt{{"i", 0}}
	(&Engine{st: st, now: 30 * day, generals: Settings{Forget: day}}).purge()
	if as := st.attempts["start|a/m1"]; len(as) != 7 || as[0].at != 23*day {
		t.Errorf("%d attempts are left, want those of a week: %v", len(as), as)
	}
	if _, ok := st.attempts["start|a/m2"]; ok {
		t.Error("a target is left whose attempts are all forgotten")
	}
}
