// Package access decides who may do what over HTTP.
//
// A request is identified by its connection (the unix socket, a verified
// client certificate) or by what it carries (a bearer token, a user that the
// web configuration has checked). An identity has one role, and a Table names
// the roles of every route: a route that stands in no table is for nobody.
// Without any role configured there is no authentication, which is why the
// server must then listen on loopback only (CheckListen).
package access

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/gin-gonic/gin"
)

// Role is what an identity may be.
type Role string

const (
	// Webhook may post Alertmanager's messages, and nothing else.
	Webhook Role = "webhook"
	// Metrics may read the metrics, and nothing else.
	Metrics Role = "metrics"
	// Viewer may read everything.
	Viewer Role = "viewer"
	// Operator may read everything, and pause, release, close and reload.
	Operator Role = "operator"
	// Anonymous is everybody on loopback while no role is configured; it may
	// use every route. It cannot be configured.
	Anonymous Role = "anonymous"
	// Anyone in a Table opens a route to requests without an identity. It
	// cannot be configured.
	Anyone Role = "anyone"
)

// Identity is who sent a request. Name is the actor in the journal.
type Identity struct {
	Name string
	Role Role
	// How it was established: unix, token, user, certificate or none.
	How string
}

// Options is what a Policy needs.
type Options struct {
	// Grants are the configured roles; none means no authentication.
	Grants []Grant
	// Table is the routes and who may use them.
	Table Table
	// Users is who checks names and passwords (basic_auth_users in the web
	// configuration). Without it a user's name in a request proves nothing, and a
	// grant to a user is an error.
	Users Users
}

// Users checks names and passwords. It is asked for a request only where its route
// wants to know who sends it.
type Users interface {
	// Has tells whether there is such a user.
	Has(name string) bool
	// Authenticate returns the user whose password r carries. An error is a
	// refusal; Busy tells the one after which it may try again.
	Authenticate(r *http.Request) (name string, err error)
	Busy(err error) bool
}

// Policy identifies requests and lets them pass, or not.
type Policy struct {
	o      Options
	origin *http.CrossOriginProtection
	known  atomic.Pointer[credentials]
}

// New reads the grants' token files and makes a Policy.
func New(o Options) (*Policy, error) {
	p := &Policy{o: o, origin: http.NewCrossOriginProtection()}
	known, err := load(o.Grants, o.Users)
	if err != nil {
		return nil, err
	}
	p.known.Store(known)
	return p, nil
}

// Reload takes other grants, and reads all token files again. On an error the
// old ones stay. It refuses to begin or to end authentication: where the
// server may listen depends on it, so that takes a restart.
func (p *Policy) Reload(grants []Grant) error {
	known, err := load(grants, p.o.Users)
	if err != nil {
		return err
	}
	if known.none() != p.known.Load().none() {
		return errors.New("web.roles: adding the first role or removing the last one takes a restart")
	}
	p.known.Store(known)
	return nil
}

// identityKey is where Check leaves the identity.
const identityKey = "fettle/access.identity"

// From returns who sent the request, as Check found. Before Check, or on a
// route for anyone, that may be nobody: the zero Identity.
func From(c *gin.Context) Identity {
	id, _ := c.Value(identityKey).(Identity)
	return id
}

// Check is the middleware: it answers 401 to requests without a valid
// identity, 403 to those whose role is not in the route's list or that a web
// page of another origin sent, and lets the others pass.
func (p *Policy) Check(c *gin.Context) {
	if err := p.origin.Check(c.Request); err != nil {
		deny(c, http.StatusForbidden, "sent by a web page of another origin", "use the API from a program, not from a page elsewhere")
		return
	}
	if c.FullPath() == "" {
		return // no such route: the 404 tells nothing
	}
	roles := p.o.Table.Roles(c.Request.Method, c.FullPath())
	open := slices.Contains(roles, Anyone)
	id, err := p.known.Load().identify(c.Request, !open)
	var refused *refusedError
	switch {
	case err == nil && id.Role == Anonymous && len(roles) > 0:
	case err == nil && slices.Contains(roles, id.Role):
	case open:
	case errors.As(err, &refused) && refused.status != http.StatusUnauthorized:
		if refused.status == http.StatusServiceUnavailable {
			c.Header("Retry-After", "1")
		}
		deny(c, refused.status, refused.message, refused.hint)
		return
	case err != nil:
		c.Header("WWW-Authenticate", `Bearer realm="fettle"`)
		if len(p.known.Load().users) > 0 {
			c.Writer.Header().Add("WWW-Authenticate", `Basic realm="fettle"`)
		}
		deny(c, http.StatusUnauthorized, err.Error(), hintWho)
		return
	default:
		deny(c, http.StatusForbidden, fmt.Sprintf("role %s may not %s %s", id.Role, c.Request.Method, c.FullPath()),
			fmt.Sprintf("it takes one of %v; web.roles in fettle.yml says who has which", roles))
		return
	}
	c.Set(identityKey, id)
}

const hintWho = "send `Authorization: Bearer TOKEN` with a token of web.roles in fettle.yml, or use the unix socket"

func deny(c *gin.Context, status int, message, hint string) {
	c.AbortWithStatusJSON(status, gin.H{"error": message, "hint": hint})
}
