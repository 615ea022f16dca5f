package console

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/fettle-io/fettle/promql"
)

// The queries are those of the dashboards' panels, without what only a dashboard
// chooses (TestQueriesAreTheDashboards).
const (
	queryMargin    = `max by (cluster) (fettle_raft_margin)`
	queryLeader    = `max by (cluster) (fettle_raft_has_leader)`
	queryReachable = `max by (cluster, member) (fettle_raft_member_reachable)`
	queryAnswers   = `max by (cluster, member) (fettle_member_reachable)` // of the kinds without Raft
	queryAlerts    = `count by (alertname, severity, tier, cluster, member, instance) (ALERTS{alertname=~"Fettle.*",alertstate="firing"})`
	queryCPU       = `1 - avg by (instance) (sum by (instance, cpu) (rate(fettle_node_cpu_seconds_total{mode=~"idle|iowait"}[$__rate_interval])))`
	queryMemory    = `1 - fettle_node_memory_available_bytes / fettle_node_memory_total_bytes`
	queryOutcomes  = `sum by (outcome) (increase(fettle_run_outcomes_total[$__rate_interval]))`
	queryRefusals  = `sum by (guard, reason) (increase(fettle_guard_refusals_total[$__rate_interval]))`
)

const (
	askEvery  = 5 * time.Second       // Prometheus is asked again
	askFor    = 5 * time.Second       // at most, by one round of questions
	askWait   = 50 * time.Millisecond // that pages wait for a round, from its begin on
	tooOld    = time.Minute           // answers of then are no longer shown
	rangeOver = 6 * time.Hour         // what a chart shows
	rangeStep = 10 * time.Minute      // a column of it
)

// figures are what Prometheus says.
type figures struct {
	// Asked is when; zero: there is no answer, and Missing says why.
	Asked   time.Time
	Missing string
	// Failed are the queries that had no answer, each with its error.
	Failed []string

	margin, leader map[string]float64 // by cluster
	reachable      map[string]float64 // by cluster/member
	Alerts         []promql.Series
	CPU, Memory    map[string]float64 // by instance, shares
	Outcomes       []promql.Series
	Refusals       []promql.Series
}

// asker asks Prometheus when a page wants it, at most every few seconds and once at a
// time, and never lets a page wait for long.
type asker struct {
	prometheus func() (*promql.Client, time.Duration)
	now        func() time.Time

	mu   sync.Mutex
	last figures
	dead string         // why the last round had no answer at all; empty: it had some
	from *promql.Client // that gave the last answers
	busy chan struct{}  // closed when the round under way has ended; nil: none is
	wait time.Time      // until when pages wait for it
}

// get returns what is known: the answers of a round that has just ended, or those of
// the last one while they are young.
func (a *asker) get(ctx context.Context) figures {
	client, every := a.prometheus()
	if client == nil {
		return figures{Missing: "No Prometheus is configured: prometheus.url in fettle.yml. Whether members are reachable, and which alerts fire, is not known here."}
	}
	a.mu.Lock()
	if a.from != client {
		a.last, a.dead, a.from = figures{}, "", client
	}
	busy := a.busy
	if busy == nil && a.now().Sub(a.last.Asked) >= askEvery {
		busy = make(chan struct{})
		a.busy, a.wait = busy, time.Now().Add(askWait)
		go a.round(context.WithoutCancel(ctx), client, every, busy)
	}
	wait := time.Until(a.wait)
	a.mu.Unlock()
	if busy != nil && wait > 0 {
		select {
		case <-busy:
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.from == client && a.now().Sub(a.last.Asked) <= tooOld:
		return a.last
	case a.dead != "":
		return figures{Missing: "Prometheus does not answer: " + a.dead}
	}
	return figures{Missing: "Prometheus is being asked, and has not answered yet: load the page again."}
}

// round asks everything once. What is not answered is missing from the figures.
func (a *asker) round(ctx context.Context, client *promql.Client, every time.Duration, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	f := figures{}
	asked := a.now()
	var (
		all sync.WaitGroup
		mu  sync.Mutex
	)
	ask := func(query func() ([]promql.Series, error), take func([]promql.Series)) {
		all.Go(func() {
			series, err := query()
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				f.Failed = append(f.Failed, err.Error())
				return
			}
			take(series)
		})
	}
	now := func(query string, take func([]promql.Series)) {
		ask(func() ([]promql.Series, error) { return client.Now(ctx, interval(query, 4*every)) }, take)
	}
	over := func(query string, take func([]promql.Series)) {
		to := asked.Truncate(time.Minute)
		ask(func() ([]promql.Series, error) {
			return client.Range(ctx, interval(query, rangeStep), to.Add(-rangeOver+rangeStep), to, rangeStep)
		}, take)
	}
	now(queryMargin, func(s []promql.Series) { f.margin = by(s, "cluster") })
	now(queryLeader, func(s []promql.Series) { f.leader = by(s, "cluster") })
	reachable := func(s []promql.Series) {
		if f.reachable == nil {
			f.reachable = map[string]float64{}
		}
		for target, v := range by(s, "cluster", "member") {
			f.reachable[target] = v
		}
	}
	now(queryReachable, reachable)
	now(queryAnswers, reachable)
	now(queryAlerts, func(s []promql.Series) { f.Alerts = s })
	now(queryCPU, func(s []promql.Series) { f.CPU = by(s, "instance") })
	now(queryMemory, func(s []promql.Series) { f.Memory = by(s, "instance") })
	over(queryOutcomes, func(s []promql.Series) { f.Outcomes = s })
	over(queryRefusals, func(s []promql.Series) { f.Refusals = s })
	all.Wait()

	a.mu.Lock()
	defer a.mu.Unlock()
	const queries = 9
	switch {
	case a.from != client: // a reload has exchanged it
	case len(f.Failed) == queries:
		a.dead = f.Failed[0]
	default:
		f.Asked = asked
		a.last, a.dead = f, ""
	}
	a.busy = nil
	close(done)
}

// interval puts the length of time over which a rate is taken into a query.
func interval(query string, d time.Duration) string {
	return strings.ReplaceAll(query, "$__rate_interval", model.Duration(max(d, time.Minute)).String())
}

// by gives each series' value by some of its labels, with slashes between them.
func by(series []promql.Series, labels ...string) map[string]float64 {
	out := map[string]float64{}
	for _, s := range series {
		names := make([]string, len(labels))
		for i, l := range labels {
			names[i] = s.Labels[l]
		}
		if len(s.Values) > 0 {
			out[strings.Join(names, "/")] = s.Values[len(s.Values)-1].Value
		}
	}
	return out
}
