package app

import (
	"context"
	"sync"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/internal/alertmanager"
	"github.com/fettle-io/fettle/repair"
)

// poll asks every configured Alertmanager at once. What a fetch brings goes to the
// engine as it comes, in parts, as a message does.
func (a *App) poll(ctx context.Context, fetch bool) []repair.PollSource {
	a.parts.mu.RLock()
	managers := a.parts.alertmanagers
	a.parts.mu.RUnlock()
	out := make([]repair.PollSource, len(managers))
	var all sync.WaitGroup
	for i, m := range managers {
		all.Go(func() {
			if fetch {
				out[i] = a.fetch(ctx, m)
			} else {
				out[i] = m.Poll(ctx, false)
			}
		})
	}
	all.Wait()
	return out
}

func (a *App) fetch(ctx context.Context, m *alertmanager.Client) repair.PollSource {
	some := repair.PollSource{Name: m.Name()}
	hand := func() error {
		_, _, err := a.seq.Submit(ctx, repair.Fetched{Source: some})
		some.Alerts = nil
		return err
	}
	s := m.Fetch(ctx, func(one alert.Alert) error {
		if some.Alerts = append(some.Alerts, one); len(some.Alerts) < part {
			return nil
		}
		return hand()
	})
	if s.Err == nil && len(some.Alerts) > 0 {
		s.Err = hand()
	}
	return s
}
