package app

import (
	"context"
	"strings"
	"sync"

	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/action"
)

// survey looks at the whole inventory, and asks Prometheus and Alertmanager whether
// they can be relied on.
func (p *parts) survey(ctx context.Context) repair.Fleet {
	p.mu.RLock()
	clusters, counted := p.clusters, p.counted
	p.mu.RUnlock()
	var (
		fleet   repair.Fleet
		suspect string
		both    sync.WaitGroup
	)
	both.Go(func() { fleet = action.Survey(ctx, p.deps, clusters, func(t string) bool { return counted[t] }) })
	both.Go(func() { suspect = p.suspect(ctx) })
	both.Wait()
	fleet.Suspect = suspect
	return fleet
}

// suspect says why the monitoring cannot be relied on: Prometheus does not answer or
// has not scraped fettle for three intervals, or no Alertmanager answers. What is not
// configured is not asked.
func (p *parts) suspect(ctx context.Context) string {
	p.mu.RLock()
	prometheus, managers := p.prometheus, p.alertmanagers
	p.mu.RUnlock()
	var (
		all     sync.WaitGroup
		scraped error
		silent  = make([]error, len(managers))
	)
	if prometheus != nil {
		all.Go(func() { scraped = prometheus.ScrapesFettle(ctx) })
	}
	for i, m := range managers {
		all.Go(func() { silent[i] = m.Answers(ctx) })
	}
	all.Wait()
	if scraped != nil {
		return scraped.Error()
	}
	var why []string
	for _, err := range silent {
		if err == nil { // one of a pair is enough
			return ""
		}
		why = append(why, err.Error())
	}
	return strings.Join(why, "; ")
}
