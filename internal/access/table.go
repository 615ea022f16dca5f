package access

import (
	"maps"
	"slices"
	"strings"
)

// Table names the roles of every route: "METHOD /path" as gin writes it. A
// route that is not in it is for nobody.
type Table map[string][]Role

// Roles returns who may use a route.
func (t Table) Roles(method, path string) []Role { return t[method+" "+path] }

// Routes returns the table of the API and the webhook.
func Routes() Table {
	var (
		webhook = []Role{Webhook}
		metrics = []Role{Metrics, Viewer, Operator}
		read    = []Role{Viewer, Operator}
		operate = []Role{Operator}
		open    = []Role{Anyone} // probes carry no credentials, and the answers no news
	)
	return Table{
		"POST /api/v1/alertmanager": webhook,

		"GET /metrics":   metrics,
		"GET /-/healthy": open,
		"GET /-/ready":   open,

		"GET /docs/*page": open, // the pages of the documentation, as everybody has them

		"GET /api/v1/runs":         read,
		"GET /api/v1/runs/:id":     read,
		"GET /api/v1/episodes":     read,
		"GET /api/v1/episodes/:id": read,
		"GET /api/v1/plans":        read,
		"POST /api/v1/plans":       read, // it asks, and changes nothing
		"GET /api/v1/pauses":       read,
		"GET /api/v1/journal":      read,
		"GET /api/v1/playbooks":    read,
		"GET /api/v1/guards":       read,
		"GET /api/v1/state":        read,

		"POST /api/v1/pauses":       operate,
		"DELETE /api/v1/pauses/:id": operate,
		"POST /api/v1/releases":     operate,
		"POST /api/v1/closures":     operate,
		"GET /api/v1/undos":         read,
		"GET /api/v1/undos/:id":     read,
		"POST /api/v1/undos":        operate,
		"DELETE /api/v1/undos/:id":  operate,

		"POST /api/v1/approvals":        operate,
		"POST /api/v1/acknowledgements": operate,
		"POST /-/reload":                operate,
	}
}

// Pages returns the table of the console. Its forms are for operators: a viewer is shown
// none. What is read may be asked for with HEAD as well.
func Pages() Table {
	var (
		read    = []Role{Viewer, Operator}
		operate = []Role{Operator}
	)
	pages := Table{
		"GET /":              read,
		"GET /repairs":       read,
		"GET /episodes":      read,
		"GET /episodes/:id":  read,
		"GET /runs/:id":      read,
		"GET /console.css":   {Anyone}, // the same for everybody
		"GET /confirm/:what": operate,
		"POST /act/:what":    operate,
	}
	for _, route := range slices.Collect(maps.Keys(pages)) {
		if path, ok := strings.CutPrefix(route, "GET "); ok {
			pages["HEAD "+path] = pages[route]
		}
	}
	return pages
}

// With returns the routes of both tables.
func (t Table) With(other Table) Table {
	both := maps.Clone(t)
	maps.Copy(both, other)
	return both
}
