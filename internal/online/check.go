package online

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/repair"
)

// Options is what is checked, and through what.
type Options struct {
	Config    config.Config
	Playbooks []*repair.Playbook
	// Prometheus and Alertmanager are the transports to them, with their credentials.
	Prometheus, Alertmanager http.RoundTripper
	// Services asks the members' service managers.
	Services service.Manager
	// Server is the running fettle.
	Server *api.Client
	// Explain says what to do about an error of Server.
	Explain func(error) error
	// Wait is how long a test alert may take to arrive.
	Wait time.Duration
	// Nonce makes a value that no alert had before.
	Nonce func() string
	// Tell is called with each finding as it comes, and Wait with what is waited for.
	Tell  func(Finding)
	Await func(says string)
}

// Check looks at everything, in order, and returns what it found. It ends early only
// when ctx does.
func Check(ctx context.Context, o Options) ([]Finding, error) {
	f := &found{tell: o.Tell}
	o.members(ctx, f)
	o.services(ctx, f)
	scrapes := o.prometheus(ctx, f)
	managers := o.alertmanagers(ctx, f, scrapes)
	o.delivery(ctx, f, managers)
	o.deadlines(f, scrapes, managers)
	o.files(f, time.Now())
	if err := ctx.Err(); err != nil {
		return f.all, fmt.Errorf("not everything was looked at: %w", err)
	}
	return f.all, nil
}
