package inventory

import (
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

var (
	headerName  = lazily(`^[A-Za-z0-9-]{1,64}$`)
	headerValue = lazily(`^[ -~]{0,1000}$`)
)

// secretHeaders are headers whose values are secrets, and ownHeaders those that the
// request has from elsewhere.
func secretHeaders() []string {
	return []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token"}
}

func ownHeaders() []string {
	return []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Te", "Trailer", "Expect"}
}

// http checks what a probe of kind http is told.
func (c probeCheck) http() {
	at, h := c.at.Join("http"), c.Probe.HTTP
	if h.Method != "" && h.Method != http.MethodGet && h.Method != http.MethodHead {
		c.doc.Errorf(at.Join("method"), "method %s: a probe changes nothing, write GET or HEAD", strictyaml.Clip(h.Method))
	}
	for i, s := range h.Status {
		if s < 200 || s > 599 {
			c.doc.Errorf(at.Join("status", i), "status %d is none: want 200 to 599", s)
		}
	}
	c.pattern(at.Join("match"), "match", h.Match)
	if h.Match != "" && h.Method == http.MethodHead {
		c.doc.Errorf(at.Join("match"), "an answer to HEAD has no body that could match")
	}
	if h.Host != "" && !hostName.MatchString(strings.TrimRight(h.Host, ":0123456789")) {
		c.doc.Errorf(at.Join("host"), "host %s is no host name", strictyaml.Clip(h.Host))
	}
	for _, name := range slices.Sorted(maps.Keys(h.Headers)) {
		c.header(at.Join("headers", name), name)
		if slices.Contains(secretHeaders(), textproto.CanonicalMIMEHeaderKey(name)) {
			c.doc.KeyErrorf(at.Join("headers", name), "the value of %s is a secret: put it into a file, and name that under header_files", name)
		}
		if !headerValue.MatchString(h.Headers[name]) {
			c.doc.Errorf(at.Join("headers", name), "the value of %s has characters that no header takes, or more than 1000", strictyaml.Clip(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.HeaderFiles)) {
		c.header(at.Join("header_files", name), name)
		if problem := PathProblem(h.HeaderFiles[name]); problem != "" {
			c.doc.Errorf(at.Join("header_files", name), "%s %s", strictyaml.Clip(h.HeaderFiles[name]), problem)
		}
	}
}

func (c probeCheck) header(at strictyaml.Path, name string) {
	switch {
	case !headerName.MatchString(name):
		c.doc.KeyErrorf(at, "%s is no name of a header", strictyaml.Clip(name))
	case textproto.CanonicalMIMEHeaderKey(name) == "Host":
		c.doc.KeyErrorf(at, "the host of the request stands under http.host")
	case slices.Contains(ownHeaders(), textproto.CanonicalMIMEHeaderKey(name)):
		c.doc.KeyErrorf(at, "%s is not set by hand: leave it out", name)
	}
}
