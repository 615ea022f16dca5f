package repair_test

import (
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// A reload takes the target away while the first look at it is under way: a run says
// so, rather than nobody. A person who brings it back is answered at once.
func TestReloadTakesTheTargetAwayBeforeAnAnswer(t *testing.T) {
	w := newWorld(t, 3)
	w.kill("m2")
	whole := w.cfg.Inventory
	c := whole.Clusters[0]
	c.Members = []cluster.Member{c.Members[0], c.Members[2]}
	w.send(alert.Firing, downLabels("m2"))
	w.cfg.Inventory = cluster.Inventory{Clusters: []cluster.Cluster{c}}
	w.step(repair.Reloaded{Config: w.cfg})
	w.run(time.Minute)
	wantList(t, "outcomes", w.finished(), "blocked(target/target)")
	w.restart()
	w.run(time.Minute)
	wantList(t, "outcomes after a restart", w.finished(), "blocked(target/target)")
	w.cfg.Inventory = whole
	w.step(repair.Reloaded{Config: w.cfg})
	w.run(2 * time.Minute)
	wantList(t, "outcomes", w.finished(), "blocked(target/target)", "repaired")
}
