package sim

import (
	"embed"
	"fmt"
	"maps"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/playbooks"
	"github.com/fettle-io/fettle/promql"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/action"
	"github.com/fettle-io/fettle/repair/guard"
)

//go:embed playbooks/*.yml
var ownPlaybooks embed.FS

// Kit is what every seed shares: the real playbooks, and the real table of actions,
// of which the engine asks Done and Started; it is read only.
type Kit struct {
	actions   map[string]repair.ActionSpec
	playbooks []*repair.Playbook
	settings  config.Config
}

// NewKit loads the playbooks that come with fettle, and the simulation's own, which
// have what those have not: a step that must not be done twice, and a verify.
func NewKit() (*Kit, error) {
	k := &Kit{actions: action.Table(action.Deps{})}
	all, err := playbooks.All()
	if err != nil {
		return nil, err
	}
	own, err := ownPlaybooks.ReadDir("playbooks")
	if err != nil {
		return nil, err
	}
	names := []string{"etcd-member-restart.yml", "service-restart.yml"}
	for _, e := range own {
		if all[e.Name()], err = ownPlaybooks.ReadFile("playbooks/" + e.Name()); err != nil {
			return nil, err
		}
		names = append(names, e.Name())
	}
	for _, name := range names {
		p, err := repair.LoadPlaybook(name, all[name], k.actions, parse)
		if err != nil {
			return nil, fmt.Errorf("playbook %s: %w", name, err)
		}
		k.playbooks = append(k.playbooks, p)
	}
	return k, nil
}

func parse(text string) (repair.Expression, error) {
	x, err := promql.ParseExpression(text)
	return repair.Expression{Labels: x.Labels(), Fill: x.Fill}, err
}

// alertname is which alert, and so which playbook, a unit's outage has.
func (k *Kit) alertname(u *unit) string {
	switch {
	case u.ring != nil:
		return "FettleRaftMemberDown"
	case u.w.rolls:
		return "SimServiceStale"
	case u.place == 1:
		return "SimServiceOnce"
	case u.place == 2:
		return "SimServiceVerified"
	case u.place == 3:
		return "SimServiceIsolated"
	case u.place == 4:
		return "SimServiceCommanded"
	}
	return "FettleServiceDown"
}

// config is the configuration of a world, before anybody changes it.
func (k *Kit) config(w *world) repair.Config {
	sample, t := w.sample, w.terms
	return repair.Config{
		Inventory: w.inventory, Playbooks: k.playbooks, Actions: w.actions, Guards: guard.Table(guard.Options{Windows: t.windows, Limits: t.limits}),
		Autonomy: func(_, cluster string, _ repair.Tier) repair.Autonomy { return t.level(cluster) },
		Settings: func(tier repair.Tier, cluster, playbook string) repair.Settings {
			s := k.settings.Settings(tier, cluster, playbook)
			s.Sample, s.Approvers, s.RefusalRuns = max(s.Sample, sample), t.approvers, t.ownRuns
			return s
		},
		Version: "sim", Digest: w.digest, Alertmanagers: w.polls,
	}
}

// bindFor is the table of actions for one world, which has to know what the steps are
// that describe themselves: a look only names what it sees.
func (k *Kit) bindFor(w *world) map[string]repair.ActionSpec {
	table := maps.Clone(k.actions)
	line := table[repair.ActionExec]
	bind := line.Bind
	line.Bind = func(s repair.PlannedStep) (repair.ActionSpec, error) {
		spec, err := bind(s)
		if err == nil {
			w.bound[spec.Sees] = s
		}
		return spec, err
	}
	table[repair.ActionExec] = line
	return table
}

// settings are those that hold for a target.
func (w *world) settings(target string) repair.Settings {
	u := w.named[target]
	tier := repair.P1
	if u != nil && u.ring != nil {
		tier = repair.P0
	}
	return w.kit.settings.Settings(tier, "", "")
}

// maxPlain is how many plain services a world has at most; fewStorm how many there may be
// without a storm when all of them are down.
const (
	maxPlain = 5
	fewStorm = 3
)

// build draws a world: its clusters, its hosts, and how its managers treat them.
func (k *Kit) build(d dice, members, plain int) *world {
	w := &world{
		kit: k, dice: d, named: map[string]*unit{}, agents: d.chance(0.7), sample: pick(d, 0, time.Second, time.Second), polls: d.chance(0.85),
		rolls: d.chance(0.12), systemd: d.chance(0.6), executions: map[string]*execution{}, bound: map[string]repair.PlannedStep{}, declared: map[string]terms{},
	}
	w.actions = k.bindFor(w)
	oneHost := d.chance(0.3)
	w.hosts = []*host{{name: "h0", up: true, booted: -beforeSeed}}
	w.addRing("etcd-a", members, oneHost)
	if d.chance(0.2) {
		w.addRing("etcd-b", 3, oneHost)
	}
	w.addServices("web", min(plain, pick(d, 0, 1, 3, 5, 5, 5)), oneHost)
	for _, r := range w.rings {
		w.inventory.Clusters = append(w.inventory.Clusters, r.conf)
	}
	if n := len(w.units); n > 0 && w.units[n-1].ring == nil {
		w.inventory.Clusters = append(w.inventory.Clusters, w.units[n-1].target.Cluster)
	}
	w.declare(w.drawTerms())
	w.prom = newPrometheus(w)
	for i := range pick(d, 1, 2, 2, 2) {
		w.alarms = append(w.alarms, newAlertmanager(w, fmt.Sprintf("alertmanager-%d", i+1)))
	}
	w.fettle = &process{w: w, disk: &disk{dice: newDice(1)}, commandTakes: 20 * time.Millisecond}
	w.fettle.cfg = k.config(w)
	w.fettle.notAfter = k.settings.Settings(repair.P0, "", "").NotAfter
	w.fettle.readings = []boot{{w.reading().Boot, 0}}
	w.watch = newWatcher(w)
	for _, u := range w.units {
		w.pids++
		u.pid, u.state, u.born = w.pids, cluster.ServiceRunning, -beforeSeed
		u.opened = true
		u.outSince = -beforeSeed
	}
	return w
}

func (w *world) hostOf(i int, oneHost bool) *host {
	if oneHost {
		return w.home()
	}
	for len(w.hosts) <= i {
		w.hosts = append(w.hosts, &host{name: fmt.Sprintf("h%d", len(w.hosts)), up: true, booted: -beforeSeed})
	}
	return w.hosts[i]
}

func (w *world) addRing(name string, n int, oneHost bool) {
	d := w.dice
	r := &ring{w: w, conf: cluster.Cluster{Name: name, Kind: cluster.KindEtcd}, term: 2, base: 1000, cut: map[[2]int]bool{}}
	notify := d.chance(0.6)
	timeout := pick(d, 0, 0, 30*time.Second, 90*time.Second)
	restart := pick(d, 0, 0, 0, 2*time.Second, 20*time.Second)
	for i := range n {
		h := w.hostOf(i+1, oneHost)
		m := cluster.Member{Name: fmt.Sprintf("m%d", i+1), Host: h.name, Endpoint: "http://127.0.0.1:1", Unit: fmt.Sprintf("%s-%d.service", name, i+1)}
		u := &unit{w: w, host: h, ring: r, place: i, notify: notify, startTimeout: timeout, restartIn: restart, replay: d.mostly(time.Second, 64*time.Second, 0.1)}
		if timeout > 0 {
			u.replay = min(u.replay, timeout/3) // longer, and its manager never lets it come up
		}
		u.data = intact
		r.conf.Members = append(r.conf.Members, m)
		r.members = append(r.members, u)
	}
	for i, u := range r.members {
		u.target = cluster.Target{Cluster: r.conf, Member: r.conf.Members[i]}
		w.units, w.named[u.name()] = append(w.units, u), u
	}
	w.rings = append(w.rings, r)
}

func (w *world) addServices(name string, n int, oneHost bool) {
	c := cluster.Cluster{Name: name, Kind: cluster.KindService}
	var added []*unit
	for i := range n {
		h := w.hostOf(i, oneHost)
		c.Members = append(c.Members, cluster.Member{Name: fmt.Sprintf("s%d", i+1), Host: h.name, Endpoint: "http://127.0.0.1:1", Unit: fmt.Sprintf("%s-%d.service", name, i+1)})
		added = append(added, &unit{w: w, host: h, place: i, restartIn: pick(w.dice, 0, 0, 5*time.Second), knobs: map[string]string{"pool": "in", "drain": "off"}})
	}
	for i, u := range added {
		u.target = cluster.Target{Cluster: c, Member: c.Members[i]}
		w.units, w.named[u.name()] = append(w.units, u), u
	}
}
