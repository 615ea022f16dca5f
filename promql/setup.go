package promql

import (
	"context"
	"fmt"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// Setup is what a Prometheus is set up to do, as its own API tells.
type Setup struct {
	Targets       []Target
	Alerts        []AlertRule
	Alertmanagers []string // that it sends to, base URLs
}

// Target is something that is scraped.
type Target struct {
	Job    string
	URL    string
	Labels map[string]string
	Up     bool
	Error  string // of the last scrape
	// Interval is how often; 0: not told.
	Interval time.Duration
}

// AlertRule is a rule that alerts.
type AlertRule struct {
	Name string
	// Expr is as Prometheus prints it.
	Expr     string
	Labels   map[string]string
	For      time.Duration
	Interval time.Duration // of its group's evaluation
	File     string
	Error    string // of the last evaluation
}

// setupTimeout bounds each question of a Setup: with many targets the answers are long.
const setupTimeout = 10 * time.Second

// Setup asks for targets, alert rules and Alertmanagers.
func (c *Client) Setup(ctx context.Context) (Setup, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	var s Setup
	targets, err := c.api.Targets(ctx)
	if err != nil {
		return s, fmt.Errorf("ask Prometheus for its targets: %w", err)
	}
	for _, t := range targets.Active {
		s.Targets = append(s.Targets, target(t))
	}
	rules, err := c.api.Rules(ctx, nil)
	if err != nil {
		return s, fmt.Errorf("ask Prometheus for its rules: %w", err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if a, ok := r.(v1.AlertingRule); ok {
				s.Alerts = append(s.Alerts, AlertRule{
					Labels: texts(a.Labels),
					Name:   a.Name, Expr: a.Query, For: seconds(a.Duration), Interval: seconds(g.Interval), File: g.File, Error: a.LastError,
				})
			}
		}
	}
	managers, err := c.api.AlertManagers(ctx)
	if err != nil {
		return s, fmt.Errorf("ask Prometheus for its Alertmanagers: %w", err)
	}
	for _, m := range managers.Active {
		s.Alertmanagers = append(s.Alertmanagers, m.URL)
	}
	return s, nil
}

func target(t v1.ActiveTarget) Target {
	out := Target{
		Job: string(t.Labels[model.JobLabel]), URL: t.ScrapeURL, Up: t.Health == v1.HealthGood, Error: t.LastError, Labels: texts(t.Labels),
	}
	if d, err := model.ParseDuration(t.DiscoveredLabels["__scrape_interval__"]); err == nil {
		out.Interval = time.Duration(d)
	}
	return out
}

func texts(set model.LabelSet) map[string]string {
	out := make(map[string]string, len(set))
	for name, value := range set {
		out[string(name)] = string(value)
	}
	return out
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Has counts the series that a selector has now.
func (c *Client) Has(ctx context.Context, selector string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	value, _, _, err := c.api.Query(ctx, selector, time.Time{})
	if err != nil {
		return 0, fmt.Errorf("ask Prometheus for %s: %w", selector, err)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return 0, fmt.Errorf("ask Prometheus for %s: a %s is no vector", selector, value.Type())
	}
	return len(vector), nil
}
