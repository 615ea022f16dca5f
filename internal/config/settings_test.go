package config

import (
	"reflect"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

// The table, the settings and what can be written are the same numbers.
func TestNumbersAreComplete(t *testing.T) {
	settings, override := reflect.TypeFor[repair.Settings](), reflect.TypeFor[Override]()
	inTable := map[string]bool{}
	for _, n := range Numbers() {
		if n.Field == "" {
			if n.Key != "" {
				t.Errorf("%s has a key and no field", n.Key)
			}
			continue
		}
		inTable[n.Field] = true
		sf, ok := settings.FieldByName(n.Field)
		if !ok {
			t.Errorf("%s is no field of repair.Settings", n.Field)
			continue
		}
		of, ok := override.FieldByName(n.Field)
		if !ok || of.Type != reflect.PointerTo(sf.Type) || of.Tag.Get("yaml") != n.Key {
			t.Errorf("%s cannot be set as %s: %+v", n.Field, n.Key, of)
		}
		if n.Rule == "" || n.Help == "" {
			t.Errorf("%s is not explained", n.Key)
		}
	}
	for i := range settings.NumField() {
		if name := settings.Field(i).Name; !inTable[name] {
			t.Errorf("repair.Settings.%s is not in the table", name)
		}
	}
	if got, want := override.NumField(), settings.NumField(); got != want {
		t.Errorf("%d numbers can be set, there are %d", got, want)
	}
}

// The figures are those of ENGINE.md.
func TestDefaultSettings(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	p0 := repair.Settings{
		Look: 5 * s, Deadline: 60 * s, Sample: 100 * time.Millisecond,
		Settle: 60 * s, Cooldown: 10 * m, Attempts: 3, AttemptsWithin: 15 * m, StepAttempts: 2,
		EagerLooks: 3, EagerGap: 2 * s, NotAfter: 5 * s, ViewAge: 5 * s, CommitLag: 1000, LiveRuns: 10,
		StillActive: 5 * m, QuietInOrder: 10 * m, Forget: 24 * h, ReopenClosed: 4 * h,
		PollEvery: 30 * s, PollClosed: h, PollLeftOut: 10 * m, ReasonsRecord: h,
		RefusalRuns: 10, Approvers: 1, ApprovalValid: 15 * m, EscalateEvery: m,
	}
	p1, p2 := p0, p0
	p1.Look, p1.Deadline, p1.Sample = 30*s, 300*s, s
	p2.Look, p2.Deadline, p2.Sample = 300*s, 1800*s, s
	for tier, want := range map[repair.Tier]repair.Settings{repair.P0: p0, repair.P1: p1, repair.P2: p2, "": p2} {
		for from, c := range map[string]Config{"the defaults": Default(), "nothing at all": {}} {
			if got := c.Settings(tier, "c", "p"); got != want {
				t.Errorf("%s of %s: got\n%+v\nwant\n%+v", tier, from, got, want)
			}
		}
	}
}

func TestSettingsPrecedence(t *testing.T) {
	c, err := parse(t, "good.yml")
	if err != nil {
		t.Fatal(err)
	}
	const s = time.Second
	for name, tc := range map[string]struct {
		tier              repair.Tier
		cluster, playbook string
		settle, look      time.Duration
		attempts, runs    int
	}{
		"everything":          {repair.P1, "", "", 45 * s, 30 * s, 3, 4},
		"tier":                {repair.P0, "web", "service-restart", 45 * s, 2 * s, 3, 4},
		"cluster":             {repair.P1, "demo", "service-restart", 5 * s, 30 * s, 0, 4},
		"playbook":            {repair.P1, "web", "etcd-member-restart", 7 * s, 30 * s, 3, 4},
		"cluster and playbok": {repair.P0, "demo", "etcd-member-restart", 7 * s, 2 * s, 0, 4},
	} {
		got := c.Settings(tc.tier, tc.cluster, tc.playbook)
		if got.Settle != tc.settle || got.Look != tc.look || got.Attempts != tc.attempts || got.LiveRuns != tc.runs {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if got := c.Settings(repair.P0, "demo", "etcd-member-restart"); got.CommitLag != 0 || got.Cooldown != 0 {
		t.Errorf("0 does not override: %+v", got)
	}
	if c.Settings(repair.P0, "", "") == Default().Settings(repair.P0, "", "") {
		t.Error("the file changed nothing")
	}
}

func TestAutonomyFor(t *testing.T) {
	a := Autonomy{
		Default:   repair.Observe,
		Tiers:     map[repair.Tier]repair.Autonomy{repair.P0: repair.Approve},
		Clusters:  map[string]repair.Autonomy{"demo": repair.Auto},
		Playbooks: map[string]map[string]repair.Autonomy{"demo": {"restart": repair.Observe}, "web": {"restart": repair.Auto}},
	}
	for _, tc := range []struct {
		playbook, cluster string
		tier              repair.Tier
		want              repair.Autonomy
	}{
		{"other", "other", repair.P1, repair.Observe},  // default
		{"other", "other", repair.P0, repair.Approve},  // tier
		{"other", "demo", repair.P0, repair.Auto},      // cluster over tier
		{"restart", "demo", repair.P0, repair.Observe}, // playbook and cluster over cluster
		{"restart", "web", repair.P0, repair.Auto},     // playbook and cluster over tier
		{"other", "web", repair.P0, repair.Approve},
	} {
		if got := a.For(tc.playbook, tc.cluster, tc.tier); got != tc.want {
			t.Errorf("%s on %s, %s: got %s, want %s", tc.playbook, tc.cluster, tc.tier, got, tc.want)
		}
	}
	if got := (Autonomy{}).For("p", "c", repair.P0); got != repair.Observe {
		t.Errorf("nothing set is %s", got)
	}
}

func TestKnownBadVersion(t *testing.T) {
	g := Default().Guards
	for version, want := range map[string]bool{
		"3.5.0": true, "3.5.1": true, "v3.5.2": true, "3.5.3": false, "3.4.23": false, "3.7.3": false,
		"3.5.2-rc.1": true, "": false, "not decided": false, "3.5": true, // 3.5 is 3.5.0
	} {
		entry, bad := g.KnownBadVersion(cluster.KindEtcd, version)
		if bad != want || bad != (entry == "3.5.0-3.5.2") {
			t.Errorf("%q: got %q, %v", version, entry, bad)
		}
	}
	if _, bad := g.KnownBadVersion(cluster.KindService, "3.5.1"); bad {
		t.Error("a version of another kind is bad")
	}
	// What a file says of a kind takes the default's place; of another kind it does not.
	for in, want := range map[string]bool{"{etcd: []}": false, "{etcd: [3.5.1]}": true, "{etcd: [9.9.9]}": false, "{service: [1.0.0]}": true} {
		c, err := Parse("f.yml", []byte("guards: {version: {known_bad: "+in+"}}"))
		if err != nil {
			t.Fatal(err)
		}
		if _, bad := c.Guards.KnownBadVersion(cluster.KindEtcd, "3.5.1"); bad != want {
			t.Errorf("%s: 3.5.1 is bad: %v", in, bad)
		}
	}
}
