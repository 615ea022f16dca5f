package looptest

import (
	"fmt"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// Outside its window a member stays down, and is started as soon as the window opens,
// long before it would be looked at again.
func TestWindowHoldsUntilItOpens(t *testing.T) {
	t.Parallel()
	ward := newWard(t, "m1", "m2", "m3")
	now := time.Now().UTC()
	opens := now.Truncate(time.Minute).Add(time.Minute)
	if opens.Sub(now) < 15*time.Second {
		opens = opens.Add(time.Minute)
	}
	w := ward.sub(t, options{look: "10m", more: fmt.Sprintf(
		"guards: {window: [{from: %q, to: %q, timezone: UTC, starts: true}]}", opens.Format("15:04"), opens.Add(6*time.Hour).Format("15:04"))})
	w.start()
	w.crash("m2")
	w.send(down("m2"))
	w.refused("m2", "window", "closed")
	for time.Now().Before(opens.Add(-time.Second)) {
		w.quiet(time.Second)
	}
	w.repaired("m2")
	w.startedOnce("m2")
	for _, r := range w.story() {
		if r.Type == repair.TypeIntent && r.At.Wall.Before(opens) {
			t.Errorf("an intent at %s, and the window opens at %s", r.At.Wall, opens)
		}
	}
}

// Of three plain services two may not be down: while one was stopped, another that runs
// and does not answer is left alone, and restarted once the first is back.
func TestBlastRadiusHoldsUntilTheOtherIsBack(t *testing.T) {
	t.Parallel()
	ward := newWard(t, "m1", "m2", "m3")
	inventory := ward.inventory("demo")
	inventory.Kind = cluster.KindService
	for i, m := range inventory.Members {
		inventory.Members[i] = cluster.Member{Name: m.Name, Host: "elsewhere", Endpoint: m.Endpoint, Commands: m.Commands}
		inventory.Members[i].Commands.Start, inventory.Members[i].Commands.Kill = nil, nil
	}
	w := ward.sub(t, options{
		clusters: []cluster.Cluster{inventory},
		more:     "guards: {blast_radius: {groups: [{name: replicas, members: [\"demo/*\"], at_most: 1}]}}",
	})
	w.start()
	w.stop("m2")
	w.hang("m1")
	w.send(alertOf(map[string]string{"alertname": "FettleServiceDown", "cluster": "demo", "member": "m1"}))
	w.refused("m1", "blast-radius", "group")
	w.quiet(2 * time.Second)
	w.bring("m2")
	w.repaired("m1")
	w.startedOnce("m1")
}
