package guard_test

import (
	"testing"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

func TestAutonomy(t *testing.T) {
	level := func(a repair.Autonomy) change { return func(q *repair.Question) { q.Autonomy = a } }
	check(t, guard.Autonomy(), []tc{
		{name: "auto"},
		{name: "approve", with: []change{level(repair.Approve)}, want: "approval!", says: "etcd-member-restart on demo"},
		{name: "observe", with: []change{level(repair.Observe)}, want: "observe", says: "what would be done"},
		{name: "not said: observe", with: []change{level("")}, want: "observe"},
		{name: "not understood: observe", with: []change{level("Auto")}, want: "observe"},
	})
	for a, want := range map[repair.Autonomy]bool{repair.Auto: false, repair.Approve: false, repair.Observe: true, "": true} {
		q := question()
		q.Autonomy = a
		if v := guard.Autonomy().Ask(*q); v.Observed != want {
			t.Errorf("autonomy %q: observed %v, want %v", a, v.Observed, want)
		}
	}
}
