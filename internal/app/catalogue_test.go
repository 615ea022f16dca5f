package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/config"
)

// What a running fettle lists is what its configuration says.
func TestCatalogue(t *testing.T) {
	a := start(t, plain)
	b := backend{a}
	books, err := b.Playbooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(books, func(p api.Playbook) bool { return p.Name == "etcd-member-restart" })
	if i < 0 {
		t.Fatalf("got %+v", books)
	}
	if p := books[i]; p.Digest == "" || p.Source == "" || len(p.Steps) != 2 || !slices.Equal(p.On, []string{`alertname=~"FettleRaftMemberDown|etcdMembersDown"`}) {
		t.Errorf("got %+v", p)
	}
	guards, err := b.Guards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range guards {
		if g.Asks == "" || len(g.Reasons) == 0 {
			t.Errorf("guard %s: asks %q, reasons %v: it wants a page docs/guards/%[1]s.md with a table of reasons", g.Name, g.Asks, g.Reasons)
		}
	}
}

func TestSettingsOfGuards(t *testing.T) {
	conf, err := config.Parse("fettle.yml", []byte(`
clusters:
  - {name: main, kind: service, members: [{name: a, host: h, unit: a.service}]}
autonomy: {default: observe, clusters: {main: observe}, playbooks: {main: {service-restart: observe}}}
tiers: {P0: {attempts: 5}}
overrides: {clusters: {main: {cooldown: 1h}}, playbooks: {service-restart: {cooldown: 2h}}}
guards: {window: [{days: [mon], from: "09:00", to: "17:00", timezone: UTC}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	guards, err := Guards(conf)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range guards {
		for _, s := range g.Settings {
			got = append(got, g.Name+" "+s.Key+"="+s.Value+" "+s.Where)
		}
	}
	for _, want := range []string{
		"cooldown cooldown=10m ", "cooldown cooldown=1h cluster main", "cooldown cooldown=2h playbook service-restart",
		"attempts attempts=5 tier P0", "attempts attempts=3 tier P1", "attempts attempts_within=15m ",
		"autonomy autonomy.default=observe ", "autonomy autonomy.playbooks=observe cluster main, playbook service-restart",
		"version guards.version.known_bad=3.5.0-3.5.2 kind etcd", "pause brake=/run/fettle/pause ",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if !slices.ContainsFunc(got, func(s string) bool {
		return strings.HasPrefix(s, "window guards.window=") && strings.Contains(s, "09:00")
	}) {
		t.Errorf("the window is not in\n%s", strings.Join(got, "\n"))
	}
}
