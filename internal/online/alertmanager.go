package online

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/fettle-io/fettle/internal/alertmanager"
)

// manager is one configured Alertmanager that answered.
type manager struct {
	name   string
	client *alertmanager.Client
	routes *routing // nil: not told
	// receiver is the one that the test alert arrived by; empty: it did not.
	receiver string
}

// alertmanagers asks each for its configuration.
func (o Options) alertmanagers(ctx context.Context, f *found, s scraped) []manager {
	if len(o.Config.Alertmanager.URLs) == 0 {
		do := "name them under alertmanager.urls in fettle.yml"
		if len(s.setup.Alertmanagers) > 0 {
			do += "; Prometheus sends to " + strings.Join(s.setup.Alertmanagers, ", ")
		}
		f.problem("alertmanager", "alertmanager.urls", do, "no Alertmanager is named: whether an alert arrives cannot be tried, and one counts as over after 10 minutes in order")
		return nil
	}
	var all []manager
	for _, u := range o.Config.Alertmanager.URLs {
		edge := newEdge(o.Alertmanager)
		c, err := alertmanager.New(u, edge)
		var r alertmanager.Running
		if err == nil {
			r, err = c.Running(ctx)
		}
		if err != nil {
			f.problem("alertmanager", u, "is the URL right, does it run, and are its credentials those of the alertmanager section?", "%v", err)
			continue
		}
		f.ok("alertmanager", u, "answers: Alertmanager %s", r.Version)
		edge.tell(f, u)
		m := manager{name: u, client: c}
		if m.routes, err = parseRouting(r.Config); err != nil {
			f.warn("alertmanager", u, "read its routes yourself", "%v", err)
		}
		all = append(all, m)
	}
	return all
}

// groupWait is how long an alert waits before it goes to fettle; ok is false where it
// does not, or it is not known.
func (m manager) groupWait(labels map[string]string) (wait time.Duration, ok bool) {
	if m.routes == nil {
		return 0, false
	}
	for _, e := range m.routes.ends(labels) {
		if ours := m.receiver == e.receiver || m.receiver == "" && m.routes.hooks(e.receiver); ours && (!ok || e.wait < wait) {
			wait, ok = e.wait, true
		}
	}
	return wait, ok
}

// reachesOthers tells whether an alert goes to another receiver too.
func (m manager) reachesOthers(labels map[string]string) bool {
	for _, e := range m.routes.ends(labels) {
		if ours := m.receiver == e.receiver || m.receiver == "" && m.routes.hooks(e.receiver); !ours {
			return true
		}
	}
	return false
}

// goesTo says where its routes send an alert.
func (m manager) goesTo(labels map[string]string) string {
	if m.routes == nil {
		return "its routes are not known"
	}
	var names []string
	for _, e := range m.routes.ends(labels) {
		names = append(names, e.receiver)
	}
	return "its routes send it to " + strings.Join(names, " and ")
}

func hostOf(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	return u.Host
}
