package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/docs"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/pages"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/guard"
)

// Playbooks implements api.Backend.
func (b backend) Playbooks(ctx context.Context) ([]api.Playbook, error) {
	conf, _ := b.app.running()
	var books []*repair.Playbook
	err := b.app.seq.Read(ctx, func(e *repair.Engine) { books = e.Playbooks() })
	return Playbooks(conf.Config, books), err
}

// Guards implements api.Backend.
func (b backend) Guards(context.Context) ([]api.Guard, error) {
	conf, _ := b.app.running()
	return Guards(conf.Config)
}

// Playbooks shows playbooks with what a configuration says of them.
func Playbooks(conf config.Config, books []*repair.Playbook) []api.Playbook {
	all := make([]api.Playbook, len(books))
	for i, p := range books {
		out := api.Playbook{
			Name: p.Name, Description: p.Description, On: []string{}, Kind: string(p.Target.Kind), Tier: string(p.Tier), Ceiling: string(p.Ceiling),
			Steps: []api.PlaybookStep{}, Digest: p.Digest, Source: p.Source, Clusters: []api.PlaybookCluster{},
		}
		for _, m := range p.On {
			out.On = append(out.On, m.String())
		}
		for _, s := range p.Steps {
			out.Steps = append(out.Steps, api.PlaybookStep{Name: s.Name, Action: s.Action, Once: s.Once})
		}
		for _, c := range conf.Clusters {
			if c.Kind == p.Target.Kind && (p.Target.Cluster.Label != "" || p.Target.Cluster.Literal == c.Name) {
				out.Clusters = append(out.Clusters, api.PlaybookCluster{
					Cluster: c.Name, Autonomy: string(conf.Autonomy.For(p.Name, c.Name, p.Tier).AtMost(p.Ceiling)),
					DeadlineSeconds: conf.Settings(p.Tier, c.Name, p.Name).Deadline.Seconds(),
				})
			}
		}
		all[i] = out
	}
	return all
}

// Guards shows every guard in the order in which they are asked, with what its page
// says of it and what a configuration sets for it.
func Guards(conf config.Config) ([]api.Guard, error) {
	library, err := pages.All(docs.Files())
	if err != nil {
		return nil, err
	}
	var all []api.Guard
	for _, g := range guard.Table(guard.Options{}) {
		out := api.Guard{Name: g.Name, Reasons: []api.GuardReason{}, Settings: settingsOf(conf, g.Name)}
		if p, ok := library.At("guards/" + g.Name); ok {
			out.Asks = p.Summary
		}
		for _, r := range library.Reasons(g.Name) {
			out.Reasons = append(out.Reasons, api.GuardReason(r))
		}
		all = append(all, out)
	}
	return all, nil
}

// settingsOf is what a configuration sets for one guard.
func settingsOf(conf config.Config, guard string) []api.GuardSetting {
	out := []api.GuardSetting{}
	add := func(key string, value any, where string) {
		out = append(out, api.GuardSetting{Key: key, Value: inWords(value), Where: where})
	}
	switch guard {
	case "pause":
		add("brake", conf.Brake, "")
	case "autonomy":
		a := conf.Autonomy
		add("autonomy.default", string(cmp.Or(a.Default, repair.Observe)), "")
		for _, t := range slices.Sorted(maps.Keys(a.Tiers)) {
			add("autonomy.tiers", string(a.Tiers[t]), "tier "+string(t))
		}
		for _, c := range slices.Sorted(maps.Keys(a.Clusters)) {
			add("autonomy.clusters", string(a.Clusters[c]), "cluster "+c)
		}
		for _, c := range slices.Sorted(maps.Keys(a.Playbooks)) {
			for _, p := range slices.Sorted(maps.Keys(a.Playbooks[c])) {
				add("autonomy.playbooks", string(a.Playbooks[c][p]), "cluster "+c+", playbook "+p)
			}
		}
	case "version":
		for _, kind := range slices.Sorted(maps.Keys(conf.Guards.Version.KnownBad)) {
			add("guards.version.known_bad", strings.Join(conf.Guards.Version.KnownBad[kind], ", "), "kind "+string(kind))
		}
	case "window":
		for _, w := range conf.Guards.Window {
			add("guards.window", w, "")
		}
	case "blast-radius":
		if !reflect.ValueOf(conf.Guards.BlastRadius).IsZero() {
			add("guards.blast_radius", conf.Guards.BlastRadius, "")
		}
	}
	return append(out, numbersOf(conf, guard)...)
}

// guardNumbers are the numbers that each guard goes by, by their keys.
func guardNumbers(guard string) []string {
	return map[string][]string{
		"attempts": {"attempts", "attempts_within"}, "cooldown": {"cooldown"}, "concurrency": {"live_runs"}, "quorum": {"commit_lag"},
	}[guard]
}

// numbersOf are a guard's numbers: what holds in general, by tier where the tiers
// differ, and where a cluster or a playbook has its own.
func numbersOf(conf config.Config, guard string) (out []api.GuardSetting) {
	for _, n := range config.Numbers() {
		if n.Key == "" || !slices.Contains(guardNumbers(guard), n.Key) {
			continue
		}
		value := func(tier repair.Tier, cluster, playbook string) string {
			return inWords(reflect.ValueOf(conf.Settings(tier, cluster, playbook)).FieldByName(n.Field).Interface())
		}
		tiers := []repair.Tier{repair.P0, repair.P1, repair.P2}
		base := value(repair.P1, "", "")
		if slices.ContainsFunc(tiers, func(t repair.Tier) bool { return value(t, "", "") != base }) {
			for _, t := range tiers {
				out = append(out, api.GuardSetting{Key: n.Key, Value: value(t, "", ""), Where: "tier " + string(t)})
			}
		} else {
			out = append(out, api.GuardSetting{Key: n.Key, Value: base})
		}
		for _, c := range slices.Sorted(maps.Keys(conf.Overrides.Clusters)) {
			if v := value(repair.P1, c, ""); v != base {
				out = append(out, api.GuardSetting{Key: n.Key, Value: v, Where: "cluster " + c})
			}
		}
		for _, p := range slices.Sorted(maps.Keys(conf.Overrides.Playbooks)) {
			if v := value(repair.P1, "", p); v != base {
				out = append(out, api.GuardSetting{Key: n.Key, Value: v, Where: "playbook " + p})
			}
		}
	}
	return out
}

// inWords is a value as fettle.yml has it, on one line.
func inWords(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case time.Duration:
		return model.Duration(v).String()
	}
	var node yaml.Node
	if err := node.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	node.Style = yaml.FlowStyle
	text, err := yaml.Marshal(&node)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}
