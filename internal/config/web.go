package config

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

// maxSocketPath is what fits into the kernel's address of a unix socket.
const maxSocketPath = 107

func (k check) web() {
	at, w := strictyaml.Path{"web"}, k.config.Web
	k.listen(at.Join("listen"), w)
	k.path(at.Join("socket"), w.Socket)
	if len(w.Socket) > maxSocketPath {
		k.doc.Errorf(at.Join("socket"), "socket is longer than the %d bytes that a socket's path may have: choose a shorter one", maxSocketPath)
	}
	if w.ExternalURL != "" {
		k.url(at.Join("external_url"), w.ExternalURL)
	}
	k.path(at.Join("config_file"), w.ConfigFile)
	if w.MaxBody < 64<<10 {
		k.doc.Errorf(at.Join("max_body"), "max_body %s is below 64KiB: a single alert would not fit", w.MaxBody)
	}
	if w.MaxConnections < 1 {
		k.doc.Errorf(at.Join("max_connections"), "max_connections is %d: it must be at least 1", w.MaxConnections)
	}
	for i, r := range w.Roles {
		k.role(at.Join("roles", i), r)
		if slices.ContainsFunc(w.Roles[:i], func(b Role) bool {
			return b.TokenFile == r.TokenFile && b.User == r.User && b.CertificateName == r.CertificateName
		}) {
			k.doc.Errorf(at.Join("roles", i), "this credential has a role already: each has one")
		}
	}
}

func (k check) listen(at strictyaml.Path, w Web) {
	host, port, err := net.SplitHostPort(w.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	switch {
	case err != nil:
		k.doc.Errorf(at, "listen %s is no address to listen on: write it like 127.0.0.1:9774 or :9774", strictyaml.Clip(w.Listen))
	case len(w.Roles) == 0 && !loopback(host) && !k.doc.Bad(strictyaml.Path{"web", "roles"}):
		k.doc.Errorf(at, "listen %s can be reached from other machines, and without web.roles anybody there could use it: configure web.roles, or listen on 127.0.0.1", strictyaml.Clip(w.Listen))
	}
}

func (k check) role(at strictyaml.Path, r Role) {
	known := []string{"webhook", "metrics", "viewer", "operator"}
	switch {
	case r.Role == "":
		k.doc.Errorf(at.Join("role"), "the entry has no role: write role: webhook, metrics, viewer or operator")
	case !slices.Contains(known, r.Role):
		k.doc.Errorf(at.Join("role"), "unknown role %s; %s", strictyaml.Clip(r.Role), strictyaml.DidYouMean(r.Role, known))
	}
	if len(r.Name) > 64 || strings.ContainsFunc(r.Name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		k.doc.Errorf(at.Join("name"), "name %s is too long, or no plain text: it is the actor in the journal", strictyaml.Clip(r.Name))
	}
	given := 0
	for _, s := range []string{r.TokenFile, r.User, r.CertificateName} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		k.doc.Errorf(at, "the entry needs exactly one of token_file, user and certificate_name: it has %d", given)
	}
	k.path(at.Join("token_file"), r.TokenFile)
}
