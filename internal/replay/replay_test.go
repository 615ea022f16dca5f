package replay_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/app"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/replay"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
	"github.com/fettle-io/fettle/sim"
)

// Every guard is either asked anew or gone by as it was recorded, and those that are
// asked anew are there.
func TestGuardsAskedAnewAreThere(t *testing.T) {
	var names []string
	for _, g := range guard.Table(guard.Options{}) {
		names = append(names, g.Name)
		if g.Fleet && slices.Contains(replay.Anew(), g.Name) {
			t.Errorf("%s looks at the whole inventory, which a replay cannot", g.Name)
		}
	}
	for _, name := range replay.Anew() {
		if !slices.Contains(names, name) {
			t.Errorf("there is no guard %s", name)
		}
	}
}

// The journals of simulated worlds, with crashes, jumps and people in them: each is
// replayed to its end, in the same way each time; what observes begins nothing; and an
// episode that is not the same says what is different, or what is missing.
func TestSimulatedJournals(t *testing.T) {
	const seeds = 12
	kit, err := sim.NewKit()
	if err != nil {
		t.Fatal(err)
	}
	same, different, untold := 0, 0, 0
	for seed := range uint64(seeds) {
		dir := t.TempDir()
		kit.Run(seed, sim.Options{Journal: dir}) // whether its invariants hold is its own tests' to say
		records := read(t, filepath.Join(dir, "journal"))
		auto := run(t, records, repair.Auto)
		if again := run(t, records, repair.Auto); !reflect.DeepEqual(auto, again) {
			t.Errorf("seed %d: two replays, two stories", seed)
		}
		same, different, untold = same+auto.Same, different+auto.Different, untold+auto.Untold
		for _, ep := range auto.Episodes {
			if !ep.Same && ep.Missing == "" && slices.Equal(ep.Then, ep.Now) {
				t.Errorf("seed %d: not the same, and nothing says why: %+v", seed, ep)
			}
		}
		for _, ep := range run(t, records, repair.Observe).Episodes {
			if slices.ContainsFunc(ep.Now, func(s string) bool { return strings.HasPrefix(s, "began") || s == "repaired" }) {
				t.Errorf("seed %d: observing began something: %+v", seed, ep)
			}
		}
	}
	if same == 0 || different == 0 || untold == 0 {
		t.Errorf("worlds too tame: %d same, %d different, %d untold", same, different, untold)
	}
	t.Logf("%d seeds: %d episodes the same, %d different, %d not told to their end", seeds, same, different, untold)
}

func read(t *testing.T, dir string) (records []journal.Record) {
	t.Helper()
	if err := journal.Read(dir, 0, func(r journal.Record) error {
		r.Data, r.Line = slices.Clone(r.Data), nil
		records = append(records, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return records
}

func run(t *testing.T, records []journal.Record, level repair.Autonomy) replay.Report {
	t.Helper()
	conf := config.Default()
	conf.Autonomy.Default = level
	conf.Clusters = inventory(t, records)
	cfg, err := app.EngineConfig(conf, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return with(t, cfg, records)
}

func with(t *testing.T, cfg repair.Config, records []journal.Record) replay.Report {
	t.Helper()
	rep, err := replay.Run(cfg, func(fn func(journal.Record) error) error {
		for _, r := range records {
			if err := fn(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// inventory is what the records' runs were about.
func inventory(t *testing.T, records []journal.Record) (all []cluster.Cluster) {
	t.Helper()
	for _, r := range records {
		var p repair.Planned
		if r.Type != repair.TypePlanned {
			continue
		}
		if err := json.Unmarshal(r.Data, &p); err != nil {
			t.Fatal(err)
		}
		name, member, ok := strings.Cut(p.Target, "/")
		if !ok {
			continue
		}
		i := slices.IndexFunc(all, func(c cluster.Cluster) bool { return c.Name == name })
		if i < 0 {
			i = len(all)
			all = append(all, cluster.Cluster{Name: name, Kind: cluster.KindEtcd})
			if p.Playbook != "etcd-member-restart" {
				all[i].Kind = cluster.KindService
			}
		}
		if !slices.ContainsFunc(all[i].Members, func(m cluster.Member) bool { return m.Name == member }) {
			all[i].Members = append(all[i].Members, cluster.Member{Name: member, Host: "localhost", Unit: name + "-" + member + ".service"})
		}
	}
	return all
}

// script makes records: one a line, as seconds, boot, type and data.
func script(t *testing.T, text string) (records []journal.Record) {
	t.Helper()
	first := time.Date(2026, 11, 21, 2, 34, 0, 0, time.UTC)
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(f) != 4 {
			continue
		}
		since, err := time.ParseDuration(f[0])
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, journal.Record{Seq: uint64(len(records)), Draft: journal.Draft{
			Type: f[2], At: journal.Reading{Wall: first.Add(since), Boot: f[1], Since: since}, Data: []byte(f[3]),
		}})
	}
	return records
}

const (
	received = `received {"fingerprint":"FP","status":"firing","episode":"e-FP","opened":true,"playbook":"etcd-member-restart","labels":{"alertname":"FettleRaftMemberDown","cluster":"demo","member":"m2","x":"FP"},"message":"m","actor":"a"}`
	over     = `received {"fingerprint":"FP","status":"resolved","episode":"e-FP","playbook":"etcd-member-restart","labels":{"alertname":"FettleRaftMemberDown","cluster":"demo","member":"m2","x":"FP"},"message":"m","actor":"a"}`
	planned  = `run.planned {"run":"RUN","episode":"e-FP","playbook":"etcd-member-restart","target":"demo/m2","tier":"P0","autonomy":"auto","resources":["cluster/demo"],"steps":[{"name":"end-hung","action":"member-end-hung"},{"name":"start","action":"member-start"}],"digests":{}}`
	noop     = `step.noop {"run":"RUN","episode":"e-FP","step":0,"attempt":1,"name":"end-hung","action":"member-end-hung","target":"demo/m2"}`
	intent   = `step.intent {"id":"i","run":"RUN","episode":"e-FP","step":1,"attempt":1,"action":"member-start","target":"demo/m2","says":"dead","before":{"schema":"member/1","says":"dead","data":{}}}`
	answered = `step.answered {"run":"RUN","episode":"e-FP","step":1,"attempt":1,"name":"start","action":"member-start","target":"demo/m2","intent":"i"}`
	verified = `step.finished {"run":"RUN","episode":"e-FP","step":1,"attempt":1,"name":"start","action":"member-start","target":"demo/m2","intent":"i","result":"verified"}`
	failed   = `step.finished {"run":"RUN","episode":"e-FP","step":1,"attempt":1,"name":"start","action":"member-start","target":"demo/m2","intent":"i","result":"failed","reason":"no effect"}`
	repaired = `run.finished {"run":"RUN","episode":"e-FP","playbook":"etcd-member-restart","target":"demo/m2","outcome":"repaired","mutated":true}`
	noopRun  = `run.finished {"run":"RUN","episode":"e-FP","playbook":"etcd-member-restart","target":"demo/m2","outcome":"noop"}`
	nobody   = `run.finished {"run":"RUN","episode":"e-FP","playbook":"etcd-member-restart","target":"","outcome":"blocked","guard":"target","reason":"target","detail":"all of them answer","passing":true}`
	noLook   = `run.finished {"run":"RUN","episode":"e-FP","playbook":"etcd-member-restart","target":"demo/m2","outcome":"blocked","guard":"observe","reason":"observe","detail":"no answer","passing":true}`
	noQuorum = `run.finished {"run":"RUN","episode":"e-FP","playbook":"etcd-member-restart","target":"demo/m2","outcome":"blocked","guard":"quorum","reason":"no-majority","detail":"2 of 3","passing":true,"would":["member-start"],"verdicts":[{"guard":"on-purpose","ok":true},{"guard":"vantage","ok":true},{"guard":"proof","ok":true},{"guard":"version","ok":true},{"guard":"quorum","reason":"no-majority","detail":"2 of 3","passing":true},{"guard":"blast-radius","ok":true},{"guard":"storm","ok":true}]}`
	closed   = `episode.closed {"episode":"e-FP","fingerprint":"FP","reason":"in_order"}`
	byPerson = `episode.closed {"episode":"e-FP","fingerprint":"FP","reason":"person","actor":"alice"}`
)

// story puts records on a time line, of one alert: "10s repaired".
func story(fp string, lines ...string) string {
	var b strings.Builder
	run := fp + "-1"
	for _, l := range lines {
		f := strings.SplitN(l, " ", 3)
		at, boot := f[0], "b1"
		if strings.HasPrefix(at, "b2:") {
			at, boot = at[3:], "b2"
		}
		text := strings.NewReplacer("FP", fp, "RUN", run).Replace(strings.Join(f[1:], " "))
		b.WriteString(at + " " + boot + " " + text + "\n")
	}
	return b.String()
}

// unnamed is a story of an alert without a label for the member.
func unnamed(story string) string {
	story = strings.ReplaceAll(story, `"FettleRaftMemberDown","cluster":"demo","member":"m2"`, `"etcdMembersDown","cluster":"demo"`)
	if strings.Contains(story, `"reason":"target"`) {
		return strings.ReplaceAll(story, `"target":"demo/m2"`, `"target":""`)
	}
	return strings.ReplaceAll(story, `"target":"demo/m2","tier"`, `"target":"demo/m2","sought":true,"tier"`)
}

func TestDecidesAgain(t *testing.T) {
	a, b := "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"
	whole := []string{
		"10s " + received, "10.1s " + planned, "10.1s " + noop, "10.1s " + intent, "10.2s " + answered, "10.5s " + verified, "71s " + repaired, "80s " + over, "80s " + closed,
	}
	blocked := []string{"10s " + received, "10.1s " + planned, "10.1s " + noop, "10.1s " + noQuorum}
	for name, c := range map[string]struct {
		records string
		level   repair.Autonomy
		set     func(*repair.Settings)
		now     []string // of the last episode
		missing string
		same    bool
	}{
		"as it was": {records: story(a, whole...), now: []string{"began member-start", "verified member-start", "repaired"}, same: true},
		"observed":  {records: story(a, whole...), level: repair.Observe, now: []string{"observed autonomy(observe)"}},
		"a refusal that asks the world stays": {
			records: story(a, blocked...), now: []string{"blocked quorum(no-majority)"}, same: true,
		},
		"and the engine's own is asked anew": {
			records: story(a, whole...) + story(b, "300s "+received, "300.1s "+planned, "300.1s "+noop, "300.1s "+intent),
			now:     []string{"blocked cooldown"},
		},
		"without a cooldown it acts": {
			records: story(a, whole...) + story(b, "300s "+received, "300.1s "+planned, "300.1s "+noop, "300.1s "+intent),
			set:     func(s *repair.Settings) { s.Cooldown = 0 },
			now:     []string{"began member-start"}, same: true,
		},
		"an alert that names no member": {
			records: unnamed(story(a, whole...)), now: []string{"began member-start", "verified member-start", "repaired"}, same: true,
		},
		"an alert that names no member, and none was meant": {
			records: unnamed(story(a, "10s "+received, "10.1s "+planned, "10.1s "+nobody)), now: []string{"blocked target"}, same: true,
		},
		"in order": {records: story(a, "10s "+received, "10.1s "+planned, "10.1s "+noopRun), now: []string{"noop"}, same: true},
		"no look":  {records: story(a, "10s "+received, "10.1s "+planned, "10.1s "+noLook), now: []string{"blocked observe"}, same: true},
		"a step that failed": {
			records: story(a, "10s "+received, "10.1s "+planned, "10.1s "+noop, "10.1s "+intent, "10.2s "+answered, "70.5s "+failed),
			now:     []string{"began member-start", "failed member-start"}, same: true,
		},
		"paused": {
			records: "1s b1 pause.set {\"id\":\"p\",\"actor\":\"alice\"}\n" + story(a, whole...),
			now:     []string{"blocked pause(paused)"},
		},
		"nothing was seen of it": {records: story(a, "10s "+received), missing: "", now: []string{}, same: true},
		"and then it was left to a person": {
			records: story(a, append(blocked, "20s "+byPerson)...), now: []string{"blocked quorum(no-majority)"}, same: true,
		},
		"across a reboot": {
			records: story(a, "10s "+received, "10.1s "+planned, "10.1s "+noop, "10.1s "+intent, "b2:20s "+verified),
			now:     []string{"began member-start", "verified member-start"}, same: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			conf := config.Default()
			conf.Autonomy.Default = repair.Auto
			if c.level != "" {
				conf.Autonomy.Default = c.level
			}
			records := script(t, c.records)
			conf.Clusters = []cluster.Cluster{{Name: "demo", Kind: cluster.KindEtcd, Members: []cluster.Member{{Name: "m2", Host: "localhost"}}}}
			cfg, err := app.EngineConfig(conf, "test", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			if c.set != nil {
				of := cfg.Settings
				cfg.Settings = func(tier repair.Tier, cluster, playbook string) repair.Settings {
					s := of(tier, cluster, playbook)
					c.set(&s)
					return s
				}
			}
			rep := with(t, cfg, records)
			ep := rep.Episodes[len(rep.Episodes)-1]
			if !slices.Equal(ep.Now, c.now) || ep.Missing != c.missing || ep.Same != c.same {
				t.Errorf("then %q, now %q, missing %q, same %v; want now %q, missing %q, same %v", ep.Then, ep.Now, ep.Missing, ep.Same, c.now, c.missing, c.same)
			}
		})
	}
}

// What was only observed would be done; what would have come of it is not guessed, and
// the cooldown after it holds for what follows.
func TestWhatWasNotRecorded(t *testing.T) {
	observed := strings.Replace(noQuorum, `"outcome":"blocked","guard":"quorum","reason":"no-majority"`, `"outcome":"observed","guard":"autonomy","reason":"observe"`, 1)
	observed = strings.Replace(observed, `{"guard":"quorum","reason":"no-majority","detail":"2 of 3","passing":true}`, `{"guard":"quorum","ok":true}`, 1)
	records := script(t, story("aaaaaaaaaaaaaaaa", "10s "+received, "10.1s "+planned, "10.1s "+noop, "10.1s "+observed, "200s "+over, "201s "+closed)+
		story("bbbbbbbbbbbbbbbb", "300s "+received, "300.1s "+planned, "300.1s "+noop, "300.1s "+observed))
	rep := run(t, records, repair.Auto)
	if len(rep.Episodes) != 2 || rep.Untold != 1 || rep.Different != 2 {
		t.Fatalf("%+v", rep)
	}
	if ep := rep.Episodes[0]; !slices.Equal(ep.Now, []string{"began member-start"}) || ep.Missing != "not recorded: what member-start would have come to" {
		t.Errorf("first: %+v", ep)
	}
	if ep := rep.Episodes[1]; !slices.Equal(ep.Now, []string{"blocked cooldown"}) {
		t.Errorf("second: %+v", ep)
	}
}

// Many alerts at once, each of a member of its own: none keeps another one waiting.
func TestMany(t *testing.T) {
	const members = 300
	observed := strings.Replace(noQuorum, `"outcome":"blocked","guard":"quorum","reason":"no-majority"`, `"outcome":"observed","guard":"autonomy","reason":"observe"`, 1)
	var opened, ended strings.Builder
	for i := range members {
		fp, member := fmt.Sprintf("%016x", i+1), fmt.Sprintf("m%d", i)
		of := func(s string) string {
			return strings.NewReplacer(`"member":"m2"`, `"member":"`+member+`"`, "demo/m2", "demo/"+member, "cluster/demo", "cluster/demo").Replace(s)
		}
		opened.WriteString(story(fp, "10s "+of(received)))
		ended.WriteString(story(fp, fmt.Sprintf("%ds ", 20+i)+of(planned), fmt.Sprintf("%ds ", 20+i)+of(noop), fmt.Sprintf("%ds ", 20+i)+of(observed)))
	}
	rep := run(t, script(t, opened.String()+ended.String()), repair.Observe)
	if rep.Same != members {
		t.Errorf("%d of %d the same: %+v", rep.Same, members, rep.Episodes[members-1])
	}
}
