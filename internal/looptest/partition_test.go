//go:build servers

package looptest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/repair"
)

// A real partition: fettle's host is cut off from one member's, which the other
// members go on seeing. No side is chosen: it is refused, nothing is changed, and
// when the network is whole again the episode closes by itself.
func TestPartitionBetweenHosts(t *testing.T) {
	members := []string{"m1", "m2", "m3"}
	h := newHosts(t, append([]string{"fettle"}, members...)...)
	s := &supervisor{t: t, tells: true, wrap: func(name string) []string { return h.enter(name) }, serves: func(spec etcdproc.Spec) error {
		client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DialContext: dialIn(h.file(spec.Name)), DisableKeepAlives: true}}
		resp, err := client.Get(spec.Client + "/health")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err == nil && !strings.Contains(string(b), `"health":"true"`) {
			err = errors.New(string(b))
		}
		return err
	}}
	s.raise(spread(t, h, members))
	inventory := s.inventory("demo")
	for i, m := range inventory.Members {
		inventory.Members[i].Host = m.Name // each on its own, reached by its commands
	}
	w := (&ward{T: t, supervisor: s}).sub(t, options{clusters: []cluster.Cluster{inventory}})
	// Its programs run on fettle's own host from here on.
	w.server.wrap, w.server.dial = h.enter("fettle"), dialIn(h.file("fettle"))
	w.start()
	w.seenServing()

	h.cut("m2", "fettle")
	w.send(down("m2"))
	w.refused("m2", "vantage", "disagree")
	w.quiet(10 * time.Second)
	h.heal("m2", "fettle")
	w.send(down("m2").over())
	st := w.await("the episode is closed", func(st story) bool { return st.count(repair.TypeClosed) == 2 })
	if c := of[repair.ClosedData](t, st, repair.TypeClosed)[1]; c.Reason != "recovered_by_itself" || c.Mutated {
		t.Errorf("closed %+v", c)
	}
	w.quiet(0)

	// And a member that is dead there is repaired across the network.
	w.crash("m2")
	w.send(down("m2"))
	w.repaired("m2")
	w.startedOnce("m2")
}

// spread plans a cluster with each member on its own host.
func spread(t *testing.T, h *hosts, members []string) []etcdproc.Spec {
	t.Helper()
	specs, err := etcdproc.Plan(t.TempDir(), members, etcdproc.Options{})
	must(t, err)
	var moves []string
	for _, s := range specs {
		for _, u := range []string{s.Client, s.Peer} {
			moves = append(moves, u, strings.Replace(u, "127.0.0.1", h.addrs[s.Name], 1))
		}
	}
	move := strings.NewReplacer(moves...)
	for i := range specs {
		specs[i].Client, specs[i].Peer = move.Replace(specs[i].Client), move.Replace(specs[i].Peer)
		for j, arg := range specs[i].Args {
			specs[i].Args[j] = move.Replace(arg)
		}
	}
	return specs
}
