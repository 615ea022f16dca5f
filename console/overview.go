package console

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/promql"
)

const (
	overviewEpisodes = 10 // newest open episodes on the overview
	overviewRuns     = 10
	overviewAlerts   = 30
	overviewMachines = 50
)

// overviewPage is everything in one look.
type overviewPage struct {
	State    api.State
	Uptime   string
	Figures  figures
	Clusters []clusterRow
	Episodes []api.Episode
	Runs     []api.Run // live ones
	Machines []machineRow
	Alerts   []alertRow
	// Left are what stands on no line of Clusters, Alerts and Machines.
	AlertsLeft, MachinesLeft int
	// Counted is how many open episodes were looked through for the counts of the
	// clusters, where these are not all; 0: all.
	Counted int
}

// clusterRow is one cluster of the inventory.
type clusterRow struct {
	Name, Kind string
	// State is in words, Level of the words' colour: good, warn, bad or none.
	State, Level string
	// Margin is how many members may still fail; Leader whether there is one.
	Margin, Leader string
	Members        []memberRow
	Episodes       int
	Pause          *api.Pause
}

// memberRow is one member. What Prometheus does not say is not known.
type memberRow struct {
	Name, State, Level string
	Episode            string // the newest open one, empty: none
	Run                string // a live one
}

type machineRow struct {
	Instance    string
	CPU, Memory string
}

type alertRow struct {
	Name, Severity, Tier, About string
	Count                       float64
}

func (k *Console) overview(c *gin.Context) {
	p, err := k.overviewPage(c.Request.Context())
	if err != nil {
		k.fail(c, err)
		return
	}
	k.show(c, 200, "overview", "Overview", p)
}

func (k *Console) overviewPage(ctx context.Context) (p overviewPage, err error) {
	p.Figures = k.figures.get(ctx)
	if p.State, err = k.o.Backend.State(ctx); err != nil {
		return p, err
	}
	p.Uptime = (time.Duration(p.State.UptimeSeconds) * time.Second).String()
	open, err := k.o.Backend.Episodes(ctx, api.Filter{Open: true, Limit: api.MaxLimit})
	if err != nil {
		return p, err
	}
	if p.State.EpisodesOpen > len(open) {
		p.Counted = len(open)
	}
	live, err := k.o.Backend.Runs(ctx, api.Filter{Open: true, Limit: api.MaxLimit})
	if err != nil {
		return p, err
	}
	p.Clusters = clusterRows(k.o.Clusters(), p.Figures, open, live, p.State.Pauses)
	p.Episodes, p.Runs = open[:min(len(open), overviewEpisodes)], live[:min(len(live), overviewRuns)]
	p.Alerts, p.AlertsLeft = alertRows(p.Figures.Alerts)
	p.Machines, p.MachinesLeft = machineRows(p.Figures)
	return p, nil
}

func clusterRows(clusters []cluster.Cluster, f figures, open []api.Episode, live []api.Run, pauses []api.Pause) []clusterRow {
	newest, count, running := map[string]string{}, map[string]int{}, map[string]string{}
	for _, e := range open {
		of, _, _ := strings.Cut(e.Target, "/")
		count[of]++
		newest[e.Target] = cmp.Or(newest[e.Target], e.ID)
	}
	for _, r := range live {
		running[r.Target] = cmp.Or(running[r.Target], r.ID)
	}
	rows := make([]clusterRow, len(clusters))
	for i, c := range clusters {
		row := clusterRow{Name: c.Name, Kind: string(c.Kind), Margin: "not known", Leader: "not known", Episodes: count[c.Name]}
		for _, m := range c.Members {
			row.Members = append(row.Members, memberState(c.Name, m.Name, f, newest, running))
		}
		margin, hasMargin := f.margin[c.Name]
		leader, hasLeader := f.leader[c.Name]
		if hasMargin {
			row.Margin = fmt.Sprint(margin)
		}
		if hasLeader {
			row.Leader = map[bool]string{true: "yes", false: "no"}[leader == 1]
		}
		if c.Kind == cluster.KindService {
			row.Margin, row.Leader = "does not apply", "does not apply"
		}
		row.State, row.Level = clusterState(row, hasLeader && leader != 1, hasMargin && margin <= 0)
		for _, pause := range pauses {
			if pause.Cluster == "" || pause.Cluster == c.Name {
				row.Pause = &pause
				break
			}
		}
		rows[i] = row
	}
	return rows
}

func memberState(of, name string, f figures, newest, running map[string]string) memberRow {
	target := of + "/" + name
	m := memberRow{Name: name, Episode: newest[target], Run: running[target], State: "not known", Level: "none"}
	if v, ok := f.reachable[target]; ok {
		m.State, m.Level = "not reachable", "bad"
		if v == 1 {
			m.State, m.Level = "reachable", "good"
		}
	}
	if m.Run != "" {
		m.State, m.Level = m.State+", under repair", cmp.Or(map[string]string{"good": "warn"}[m.Level], m.Level)
	}
	return m
}

// clusterState is the worst that is known, and nothing better than what is known.
func clusterState(row clusterRow, noLeader, noMargin bool) (says, level string) {
	unknown, down := 0, 0
	for _, m := range row.Members {
		switch m.Level {
		case "none":
			unknown++
		case "bad":
			down++
		}
	}
	switch {
	case noLeader:
		return "no leader", "bad"
	case down > 0:
		return fmt.Sprintf("%d of %d members not reachable", down, len(row.Members)), "bad"
	case noMargin:
		return "no failure tolerated", "warn"
	case row.Episodes > 0:
		return "open episodes", "warn"
	case unknown == len(row.Members):
		return "not known", "none"
	case unknown > 0:
		return fmt.Sprintf("%d of %d members not known", unknown, len(row.Members)), "warn"
	}
	return "all members reachable", "good"
}

func alertRows(series []promql.Series) (rows []alertRow, left int) {
	for _, s := range series {
		l := s.Labels
		row := alertRow{Name: l["alertname"], Severity: l["severity"], Tier: l["tier"], About: l["instance"]}
		switch {
		case l["cluster"] != "" && l["member"] != "":
			row.About = l["cluster"] + "/" + l["member"]
		case l["cluster"] != "":
			row.About = l["cluster"]
		}
		row.Name, row.Severity, row.Tier, row.About = clipped(row.Name, shortMost), clipped(row.Severity, shortMost), clipped(row.Tier, shortMost), clipped(row.About, shortMost)
		if len(s.Values) > 0 {
			row.Count = s.Values[len(s.Values)-1].Value
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b alertRow) int {
		return cmp.Or(cmp.Compare(tierOr(a.Tier), tierOr(b.Tier)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.About, b.About))
	})
	n := min(len(rows), overviewAlerts)
	return rows[:n], len(rows) - n
}

// tierOr sorts what has no tier behind what has one.
func tierOr(tier string) string { return cmp.Or(tier, "~") }

func machineRows(f figures) (rows []machineRow, left int) {
	all := map[string]bool{}
	for _, of := range []map[string]float64{f.CPU, f.Memory} {
		for instance := range of {
			all[instance] = true
		}
	}
	share := func(of map[string]float64, instance string) string {
		if v, ok := of[instance]; ok {
			return percent(v)
		}
		return "not known"
	}
	for _, instance := range slices.Sorted(maps.Keys(all)) {
		if len(rows) < overviewMachines {
			rows = append(rows, machineRow{clipped(instance, shortMost), share(f.CPU, instance), share(f.Memory, instance)})
		}
	}
	return rows, len(all) - len(rows)
}
