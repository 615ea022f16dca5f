package app

import (
	"context"

	"github.com/fettle-io/fettle/escalate"
	"github.com/fettle-io/fettle/internal/alertmanager"
	"github.com/fettle-io/fettle/repair"
)

// openEscalate makes the way in which people are told, over the Alertmanagers of
// whatever configuration runs then.
func (a *App) openEscalate() func(context.Context, []repair.Escalation) {
	t := escalate.New(escalate.Options{
		Managers: func() ([]*alertmanager.Client, string) {
			cfg, _ := a.running()
			a.parts.mu.RLock()
			defer a.parts.mu.RUnlock()
			return a.parts.alertmanagers, cfg.Web.ExternalURL
		},
		Redact: a.redact, Metrics: a.reg, Log: a.o.Log,
	})
	return t.Tell
}
