package servertest

import (
	"context"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// patience is how long anything may take: a virtual machine starts, a leader is elected.
const patience = 90 * time.Second

// Until looks, by a driver's View, again and again until what told tells of a View is
// what wanted wants of it, and returns that View. wanted may go by what it is given: who
// leads is for the servers to settle.
func Until(t testing.TB, look func(context.Context) cluster.View, told, wanted func(cluster.View) string) cluster.View {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		v := look(t.Context())
		got, want := told(v), wanted(v)
		if got == want {
			return v
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain\nwant %s\ngot  %s\n%+v", patience, want, got, v)
		}
	}
}
