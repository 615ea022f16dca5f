package sim

import (
	"slices"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// noteDown learns what a look showed of who was down.
func (v *watcher) noteDown(l *looking) {
	if l.unit == nil || l.unit.ring == nil {
		return
	}
	for _, m := range l.unit.ring.members {
		if !slices.Contains(l.down, m) {
			delete(v.alone, m)
		}
	}
	if len(l.down) == 1 {
		v.alone[l.down[0]] = true
	}
}

// meant: a run changes the member that its alert's labels name, else the only one on the
// host of its instance, else one that was seen to be the only one down, and not to answer
// since (rule 6).
func (v *watcher) meant(in repair.IntentData, u *unit, run *runSeen) {
	ep := v.ledger.episodes[in.Episode]
	if ep == nil || run.intents > 0 || run.plan.Undoes != "" {
		return
	}
	labels := ep.received.Labels
	switch {
	case labels["member"] != "":
		if targetName(labels) != u.name() {
			v.report(ruleMeant, "an intent to %s %s, and its alert is about %s", in.Action, in.TargetName, targetName(labels))
		}
	case labels["instance"] != "":
		if on := onHost(v.cfg.Inventory, labels["instance"]); len(on) != 1 || on[0] != u.name() {
			v.report(ruleMeant, "an intent to %s %s, and its alert is about %s, where %v are", in.Action, in.TargetName, labels["instance"], on)
		}
	case labels["cluster"] != "" && labels["cluster"] != u.target.Cluster.Name:
		v.report(ruleMeant, "an intent to %s %s, and its alert is about %s", in.Action, in.TargetName, labels["cluster"])
	case labels["cluster"] == "" && rings(v.cfg.Inventory) != 1:
		v.report(ruleMeant, "an intent to %s %s, and its alert names none of %d clusters", in.Action, in.TargetName, rings(v.cfg.Inventory))
	case !v.alone[u]:
		v.report(ruleMeant, "an intent to %s %s, which no label names, and which was not the only one down", in.Action, in.TargetName)
	}
}

func rings(inv cluster.Inventory) (n int) {
	for _, c := range inv.Clusters {
		if c.Kind == cluster.KindEtcd {
			n++
		}
	}
	return n
}

// overMeansNobodyElse: an alert that is over goes on to no other member than the one that
// it meant; one that was down before may have been meant by then.
func (v *watcher) overMeansNobodyElse(p repair.Planned) {
	ep, u := v.ledger.episodes[p.Episode], v.w.named[p.Target]
	if ep == nil || u == nil || !p.Sought || !ep.over || ep.sought == "" || ep.sought == p.Target {
		return
	}
	if ago := v.w.home().ran(v.w.now) - ep.overAt; u.outSince > v.w.now-ago {
		v.report(ruleNobody, "a run on %s for an alert that is over, and that meant %s", p.Target, ep.sought)
	}
}
