package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

func (w *world) pause() {
	scope := pick(w.dice, "", w.rings[0].conf.Name)
	w.fettle.post(repair.SetPause{Cluster: scope, Actor: "person", Reason: "maintenance"}, nil)
}

func (w *world) unpause() {
	for _, id := range w.pauses() {
		w.fettle.post(repair.ClearPause{ID: id, Actor: "person"}, nil)
	}
}

func (w *world) closeOne() {
	if w.fettle.engine == nil {
		return
	}
	for _, ep := range w.fettle.engine.State().Episodes() {
		if ep.CloseReason == "" {
			w.fettle.post(repair.CloseEpisode{Episode: ep.ID, Actor: "person"}, nil)
			return
		}
	}
}

func (w *world) silence() {
	m := pick(w.dice, w.alarms...)
	h := m.of(pick(w.dice, w.prom.series...))
	h.silenced = true
	w.in(w.dice.span(time.Minute, 20*time.Minute), func() { h.silenced = false; m.flushIn(0) })
}

// strangeMessage is one that says nothing true: late, again, wrongly resolved, about
// nothing that is known, or about nothing that a playbook is for; or it names a member by
// its instance, or none at all, as the mixins' alerts do.
func (w *world) strangeMessage() {
	labels := pick(w.dice, w.prom.series...).labels
	status := pick(w.dice, alert.Firing, alert.Resolved)
	switch w.dice.IntN(6) {
	case 0:
		labels = map[string]string{"alertname": "FettleRaftMemberDown", "cluster": "etcd-a", "member": "nobody"}
	case 1:
		labels = map[string]string{"alertname": "NobodysAlert", "host": fmt.Sprint(w.dice.IntN(5))}
	case 2:
		labels = map[string]string{"alertname": "etcdMembersDown", "job": "etcd", "cluster": "etcd-a"}
	case 3:
		labels = map[string]string{"alertname": "etcdMembersDown", "job": "etcd", "instance": fmt.Sprintf("h%d:2379", 1+len(w.rings[0].members)/2)}
	}
	ev := repair.Alerts{Actor: "alertmanager-1", Message: w.message(), End: &repair.MessageEnd{}}
	ev.Alerts = []alert.Alert{{Fingerprint: alert.FingerprintOf(labels), Status: status, Labels: labels, StartsAt: epoch()}}
	w.say("alertmanager", "strange: %s is %s", labels, status)
	for range 1 + w.dice.IntN(3) {
		w.in(w.dice.span(0, time.Minute), func() { w.fettle.post(ev, func() {}) })
	}
}

// reloadSome is a new configuration: the same, with a changed playbook or inventory
// entry, without a playbook, without a member, or with less autonomy; the old one
// comes back after a while.
func (w *world) reloadSome() {
	cfg := w.kit.config(w)
	what := pick(w.dice, "the same", "playbook changed", "inventory changed", "playbook removed", "member removed", "autonomy")
	switch what {
	case "playbook changed":
		p := *cfg.Playbooks[0]
		p.Digest = fmt.Sprintf("changed-%d", w.now)
		cfg.Playbooks = append([]*repair.Playbook{&p}, cfg.Playbooks[1:]...)
	case "inventory changed":
		cfg.Inventory = changedEntry(cfg.Inventory, func(c *cluster.Cluster) { c.Members[0].DataDir = fmt.Sprintf("/data-%d", w.now) })
	case "playbook removed":
		cfg.Playbooks = cfg.Playbooks[1:]
	case "member removed":
		cfg.Inventory = changedEntry(cfg.Inventory, func(c *cluster.Cluster) { c.Members = c.Members[:len(c.Members)-1] })
	case "autonomy":
		level := pick(w.dice, repair.Observe, repair.Approve)
		cfg.Autonomy = func(string, string, repair.Tier) repair.Autonomy { return level }
	}
	w.say("person", "reloads: %s", what)
	w.reload(cfg)
	if what != "the same" && w.dice.chance(0.7) {
		w.in(w.dice.span(time.Second, 5*time.Minute), func() { w.reload(w.kit.config(w)) })
	}
}

func changedEntry(inv cluster.Inventory, change func(*cluster.Cluster)) cluster.Inventory {
	inv.Clusters = slices.Clone(inv.Clusters)
	c := &inv.Clusters[0]
	c.Members = slices.Clone(c.Members)
	change(c)
	return inv
}

func (w *world) reload(cfg repair.Config) {
	p := w.fettle
	p.cfg, p.changedAt = cfg, w.now
	p.post(repair.Reloaded{Config: cfg}, nil)
}
