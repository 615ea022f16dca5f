package online

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/promql"
)

// scraped is what Prometheus told, as far as it did.
type scraped struct {
	known    bool
	setup    promql.Setup
	interval time.Duration // of the exporter's job; 0: not told
}

// The series by which both programs are known, whatever their jobs are called.
const (
	exporterSeries = "fettle_raft_member_reachable"
	unitSeries     = "fettle_unit_member_reachable"
	serverSeries   = "fettle_journal_writable"
)

// prometheus checks that both programs are scraped, as often as the configuration says,
// and that the rules are loaded.
func (o Options) prometheus(ctx context.Context, f *found) (s scraped) {
	where := o.Config.Prometheus.URL
	if where == "" {
		f.warn("prometheus", "prometheus.url", "name it in fettle.yml: its last scrape is one of the three vantage points", "no Prometheus is named")
		return s
	}
	edge := newEdge(o.Prometheus)
	c, err := promql.New(promql.Options{URL: where, Transport: edge, ScrapeInterval: o.Config.Prometheus.ScrapeInterval, Timeout: lookTimeout})
	if err == nil {
		s.setup, err = c.Setup(ctx)
	}
	if err != nil {
		f.problem("prometheus", where, "is prometheus.url right, does it run, and are its credentials those of the prometheus section?", "%v", err)
		return s
	}
	s.known = true
	f.ok("prometheus", where, "answers: %d targets, %d alert rules", len(s.setup.Targets), len(s.setup.Alerts))
	edge.tell(f, where)
	s.interval = o.job(f, s.setup, "fettle_exporter", "fettle_exporter (port 9773)", true)
	o.job(f, s.setup, "fettle", "fettle serve (port 9774), with its token", false)
	o.series(ctx, f, c)
	o.sends(f, s.setup)
	o.rules(f, s.setup)
	return s
}

// job checks the targets of one of our programs, and returns how often it is scraped.
func (o Options) job(f *found, setup promql.Setup, name, what string, configured bool) (interval time.Duration) {
	up, n := 0, 0
	for _, t := range setup.Targets {
		if t.Job != name {
			continue
		}
		n++
		interval = max(interval, t.Interval)
		if t.Up {
			up++
			continue
		}
		do := "does it run there, and may Prometheus reach it?"
		if strings.Contains(t.Error, "401") || strings.Contains(t.Error, "403") {
			do = "its job's credentials_file must have the token of a role metrics (web.roles in fettle.yml)"
		}
		f.problem("prometheus", t.URL, do, "Prometheus cannot scrape it (job %s): %s", name, t.Error)
	}
	switch {
	case n == 0:
		f.problem("prometheus", "job "+name, "add it to scrape_configs: fettle init writes it, and docs/examples/prometheus.yml has it", "Prometheus has no job %s: nothing scrapes %s", name, what)
	case configured && interval > 0 && interval != o.Config.Prometheus.ScrapeInterval:
		f.problem("prometheus", "job "+name, fmt.Sprintf("write prometheus.scrape_interval: %s into fettle.yml, or change the job: a scrape counts while it is younger than two of them", interval), "it is scraped every %s, and fettle.yml says %s", interval, o.Config.Prometheus.ScrapeInterval)
	case up > 0:
		f.ok("prometheus", "job "+name, "%d of %d targets up, scraped every %s", up, n, interval)
	}
	return interval
}

// series checks that there is what the alerts stand on, for each member.
func (o Options) series(ctx context.Context, f *found, c *promql.Client) {
	for _, cl := range o.Config.Clusters {
		name, members := exporterSeries, cl.Members
		if cl.Kind == cluster.KindService {
			name, members = unitSeries, inUnits(cl.Members)
		}
		if len(members) == 0 {
			continue
		}
		var none []string
		for _, m := range members {
			n, err := c.Has(ctx, fmt.Sprintf("%s{cluster=%s,member=%s}", name, strconv.Quote(cl.Name), strconv.Quote(m.Name)))
			if err != nil {
				f.problem("prometheus", cl.Name+"/"+m.Name, "try again, or see Prometheus' log", "%v", err)
				return
			}
			if n == 0 {
				none = append(none, m.Name)
			}
		}
		switch missing := strings.Join(none, ", "); {
		case len(none) == 0:
			f.ok("prometheus", cl.Name, "has what the alerts stand on, for each of %d members", len(members))
		case cl.Kind == cluster.KindService: // a rule of one's own may stand on something else
			f.warn("prometheus", cl.Name, "is the cluster in exporter.yml on the machine of each member, with the member's unit and a host by which that machine is known (docs/collectors/unit.md)?", "there is no %s of %s: FettleServiceDown will not tell of it", name, missing)
		default:
			f.problem("prometheus", cl.Name, "has exporter.yml the same clusters (fettle check --exporter.config.file=FILE compares them), does fettle_exporter run with it, and is it scraped?", "there is no %s of %s: no alert will tell of it", name, missing)
		}
	}
	switch n, err := c.Has(ctx, serverSeries); {
	case err != nil:
		f.problem("prometheus", "job fettle", "try again, or see Prometheus' log", "%v", err)
	case n == 0:
		f.problem("prometheus", "job fettle", "does its job scrape fettle serve, with the token of a role metrics?", "there is no %s: nobody is told when fettle itself fails, and the storm guard will refuse", serverSeries)
	case n > 1:
		f.warn("prometheus", "job fettle", "is fettle served more than once, or scraped twice?", "%d series %s", n, serverSeries)
	}
}

// inUnits are the members of a service that the exporter of their machine looks at.
func inUnits(members []cluster.Member) []cluster.Member {
	return slices.DeleteFunc(slices.Clone(members), func(m cluster.Member) bool { return m.Unit == "" || m.Commands.Declared() })
}

// sends checks that Prometheus sends to the Alertmanagers that the configuration names.
func (o Options) sends(f *found, setup promql.Setup) {
	if len(setup.Alertmanagers) == 0 {
		f.problem("prometheus", o.Config.Prometheus.URL, "add alerting.alertmanagers to prometheus.yml", "Prometheus sends its alerts to no Alertmanager")
		return
	}
	for _, u := range o.Config.Alertmanager.URLs {
		if !slices.ContainsFunc(setup.Alertmanagers, func(a string) bool { return hostOf(a) == hostOf(u) }) {
			f.warn("prometheus", u, "the same one under another name is all right; else add it to alerting.alertmanagers, or take it out of fettle.yml", "fettle.yml names it, and Prometheus sends to %s", strings.Join(setup.Alertmanagers, ", "))
		}
	}
}
