package online

import (
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/promql"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/rules"
)

// rules checks that Prometheus has the alerts that come with fettle, as they are, and
// those that the playbooks are for.
func (o Options) rules(f *found, setup promql.Setup) {
	ours, err := shipped()
	if err != nil { // they are tested: cannot happen
		f.problem("rules", "those that come with fettle", "", "%v", err)
		return
	}
	var missing, other []string
	wanted, parse := o.alertsOf(), parser.NewParser(parser.Options{})
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		i := slices.IndexFunc(setup.Alerts, func(a promql.AlertRule) bool { return a.Name == name })
		switch {
		case i < 0 && slices.Contains(wanted, name): // told below
		case i < 0:
			missing = append(missing, name)
		case setup.Alerts[i].Error != "":
			f.problem("rules", name, "fix it in "+setup.Alerts[i].File, "Prometheus cannot evaluate it: %s", setup.Alerts[i].Error)
		case printed(parse, setup.Alerts[i].Expr) != ours[name]:
			other = append(other, name)
		}
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(setup.Alerts, func(a promql.AlertRule) bool { return a.Name == name }) {
			do := "add the rules to rule_files in prometheus.yml (fettle init writes them to rules/) and let Prometheus read them"
			if _, comes := ours[name]; !comes {
				do = "write a rule for it, and add its file to rule_files in prometheus.yml"
			}
			f.problem("rules", name, do, "a playbook waits for this alert, and Prometheus has no rule for it")
		}
	}
	if len(missing) > 0 {
		f.warn("rules", fmt.Sprintf("%d alerts", len(missing)), "add all of fettle's rule files to rule_files, unless you left these out on purpose", "Prometheus has no rule for %s", strings.Join(missing, ", "))
	}
	if len(other) > 0 {
		f.warn("rules", fmt.Sprintf("%d alerts", len(other)), "take the rule files of this fettle, unless you changed these on purpose", "Prometheus has another version of %s", strings.Join(other, ", "))
	}
	if len(missing)+len(other) == 0 {
		f.ok("rules", o.Config.Prometheus.URL, "has all %d alerts that come with fettle", len(ours))
	}
}

// printed is an expression as the parser linked here prints it: Prometheus 2 writes
// 2678400 as 2.6784e+06, and is not to be blamed for it.
func printed(p parser.Parser, expr string) string {
	parsed, err := p.ParseExpr(expr)
	if err != nil { // newer than this parser: so not ours
		return expr
	}
	return parsed.String()
}

// shipped are the expressions of the rules that come with fettle, as the parser prints
// them, by alert.
func shipped() (map[string]string, error) {
	names, err := rules.List()
	if err != nil {
		return nil, err
	}
	p, out := parser.NewParser(parser.Options{}), map[string]string{}
	for _, name := range names {
		content, err := fs.ReadFile(rules.FS(), name)
		if err != nil {
			return nil, err
		}
		groups, errs := rulefmt.Parse(content, false, model.UTF8Validation, p, slog.New(slog.DiscardHandler))
		if len(errs) > 0 {
			return nil, errs[0]
		}
		for _, g := range groups.Groups {
			for _, r := range g.Rules {
				expr, err := p.ParseExpr(r.Expr)
				if err != nil {
					return nil, err
				}
				if r.Alert != "" {
					out[r.Alert] = expr.String()
				}
			}
		}
	}
	return out, nil
}

// Of several names the first is fettle's own; the others are another mixin's.
var alertname = regexp.MustCompile(`^alertname=(?:"([^"\\]+)"|~"([A-Za-z0-9_]+)(?:\|[A-Za-z0-9_]+)*")$`)

// has tells whether the inventory has a cluster of a kind.
func (o Options) has(kind cluster.Kind) bool {
	return slices.ContainsFunc(o.Config.Clusters, func(c cluster.Cluster) bool { return c.Kind == kind })
}

// alertsOf are the alerts that the playbooks for this inventory name outright.
func (o Options) alertsOf() []string {
	var names []string
	for _, p := range o.Playbooks {
		if name := alertOf(p); name != "" && !slices.Contains(names, name) && o.has(p.Target.Kind) {
			names = append(names, name)
		}
	}
	return names
}

// alertOf is the alert that a playbook names outright; empty: it asks otherwise.
func alertOf(p *repair.Playbook) string {
	for _, m := range p.On {
		if found := alertname.FindStringSubmatch(m.String()); found != nil {
			return found[1] + found[2]
		}
	}
	return ""
}

// deadlines warns where an alert takes longer to get here than its tier gives the
// repair.
func (o Options) deadlines(f *found, s scraped, managers []manager) {
	for _, p := range o.Playbooks {
		i := slices.IndexFunc(s.setup.Alerts, func(a promql.AlertRule) bool { return a.Name == alertOf(p) })
		if i < 0 {
			continue
		}
		rule := s.setup.Alerts[i]
		labels := map[string]string{"alertname": rule.Name}
		for name, value := range rule.Labels {
			labels[name] = value
		}
		for _, m := range managers {
			wait, routed := m.groupWait(labels)
			if !routed {
				if m.routes != nil {
					f.problem("deadlines", rule.Name, "give it the route that fettle init writes (alertmanager-fettle.yml)", "%s sends this alert, which playbook %s is for, to no webhook: %s", m.name, p.Name, m.goesTo(labels))
				}
				continue
			}
			if !m.reachesOthers(labels) {
				f.warn("deadlines", rule.Name, "add a route below fettle's that takes it (where only a route with `continue` matches, the receiver at the top is not used)", "%s sends it to fettle alone: no person hears of it", m.name)
			}
			total := s.interval + rule.For + rule.Interval + wait
			says := fmt.Sprintf("up to %s from fault to webhook over %s: scrape %s + for %s + evaluation %s + group_wait %s", total, m.name, s.interval, rule.For, rule.Interval, wait)
			if deadline := o.Config.Settings(p.Tier, "", p.Name).Deadline; total > deadline {
				f.warn("deadlines", rule.Name, "shorten the longest: scrape_interval and evaluation_interval 5s, group_wait 0s in fettle's route", "%s, and %s (%s) is to be repaired within %s", says, p.Name, p.Tier, deadline)
			} else {
				f.ok("deadlines", rule.Name, "%s; %s (%s) has %s from there", says, p.Name, p.Tier, deadline.Round(time.Second))
			}
		}
	}
}
