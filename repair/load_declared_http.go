package repair

import (
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

var (
	headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
	hostName   = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?$`)
	// numeric is the last part of a name that some resolvers read as a number.
	numeric = regexp.MustCompile(`^(0[xX][0-9A-Fa-f]*|[0-9]+)$`)
	queryIs = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
)

// narrowest are the widest ranges that may be declared, in bits of their prefix.
const narrowest4, narrowest6 = 8, 7

func (l *playbookLoader) http(at strictyaml.Path, once bool, x HTTP) {
	l.request(at, x.Method, x.URL, x.Headers, x.Body, x.JSON, x.Expect, false)
	l.looksOrOnce(at, once, x.Unless != nil, "unless (a GET that looks)")
	if x.Unless != nil {
		l.httpLook(at.Join("unless"), *x.Unless)
	}
	l.absolute(at.Join("token_file"), x.TokenFile)
	l.absolute(at.Join("ca_file"), x.CAFile)
	if x.TokenFile != "" && slices.ContainsFunc(x.urls(), inClear) {
		l.doc.Errorf(at.Join("token_file"), "a token is not sent over http, where anybody on the way reads it: ask over https")
	}
	l.atMost(at.Join("private"), len(x.Private))
	for i, r := range x.Private {
		l.private(at.Join("private", i), r)
	}
	l.timing(at, x.Timeout, x.Disturbs)
	if u := x.Undo; u != nil {
		under := at.Join("undo")
		l.undoes(under, x.Unless != nil, u.Unless != nil || u.Was != nil, "unless (a GET that looks) or was (a GET that reads the old value)")
		l.request(under, u.Method, u.URL, u.Headers, u.Body, u.JSON, u.Expect, u.Was != nil)
		if u.Unless != nil {
			l.httpLook(under.Join("unless"), *u.Unless)
		}
		if u.Was != nil {
			l.httpLook(under.Join("was"), *u.Was)
			if u.Was.Pointer == "" || u.Was.Equals != nil {
				l.doc.Errorf(under.Join("was"), "`was` reads one value: give it a url and a pointer, and nothing that it equals")
			}
		}
	}
}

// urls are all that the step may ask, each with its token.
func (x HTTP) urls() []string {
	all := []string{x.URL}
	looks := []*HTTPLook{x.Unless}
	if u := x.Undo; u != nil {
		all, looks = append(all, u.URL), append(looks, u.Unless, u.Was)
	}
	for _, l := range looks {
		if l != nil {
			all = append(all, l.URL)
		}
	}
	return all
}

// inClear tells whether a URL is of http, in whatever letters.
func inClear(raw string) bool {
	scheme, _, _ := strings.Cut(raw, ":")
	return strings.EqualFold(scheme, "http")
}

func (l *playbookLoader) request(at strictyaml.Path, method, rawURL string, headers map[string]string, body, text string, expect []int, was bool) {
	methods := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	if !slices.Contains(methods, method) {
		l.doc.Errorf(at.Join("method"), "unknown method %s; %s", strictyaml.Clip(method), strictyaml.DidYouMean(method, methods))
	}
	l.url(at.Join("url"), rawURL)
	l.atMost(at.Join("headers"), len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		l.header(at.Join("headers", name), name, headers[name])
	}
	if body != "" && text != "" {
		l.doc.Errorf(at.Join("json"), "both body and json are given: keep one")
	}
	if strings.Contains(body, "$") {
		l.doc.Errorf(at.Join("body"), "body is literal: for a label write json, with the label as a whole value")
	}
	if max(len(body), len(text)) > 64<<10 {
		l.doc.Errorf(at, "the body is longer than 64 KiB")
	}
	l.json(at.Join("json"), text, was)
	l.atMost(at.Join("expect"), len(expect))
	for i, status := range expect {
		l.status(at.Join("expect", i), status)
	}
}

func (l *playbookLoader) status(at strictyaml.Path, status int) {
	if status < 200 || status > 599 {
		l.doc.Errorf(at, "%d is no status that an answer ends with: 200 to 599", status)
	}
}

func (l *playbookLoader) httpLook(at strictyaml.Path, x HTTPLook) {
	l.url(at.Join("url"), x.URL)
	if x.Expect != 0 {
		l.status(at.Join("expect"), x.Expect)
	}
	if x.Pointer != "" && x.Pointer[0] != '/' {
		l.doc.Errorf(at.Join("pointer"), "pointer %s is no JSON pointer: begin it with /, as in /status/paused", strictyaml.Clip(x.Pointer))
	}
	if strings.Contains(x.Pointer, "$") {
		l.doc.Errorf(at.Join("pointer"), "pointer is literal")
	}
	if x.Equals != nil {
		l.text(at.Join("equals"), *x.Equals)
		if x.Pointer == "" {
			l.doc.Errorf(at.Join("equals"), "equals says what stands at a pointer: give the pointer too")
		}
	}
}

// url checks that a URL goes where its text says, whatever the labels are.
func (l *playbookLoader) url(at strictyaml.Path, raw string) {
	base, path, query := splitURL(raw)
	u, err := url.Parse(base)
	switch {
	case raw == "":
		l.doc.Errorf(at, "there is no url: write the whole one, such as https://lb.example:8443/api/v1/drain")
		return
	case strings.Contains(base, "$"):
		l.doc.Errorf(at, "scheme, host and port of a url are literal: a label may be a whole segment of the path, or the whole value of a query")
		return
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		l.doc.Errorf(at, "%s is no http or https url", strictyaml.Clip(raw))
		return
	case u.User != nil:
		l.doc.Errorf(at, "a url holds no login, it is written into the journal: use token_file")
		return
	case strings.ContainsAny(raw, "#\\ ") || strings.ContainsFunc(raw, unicode.IsControl) || len(raw) > maxDeclaredLen:
		l.doc.Errorf(at, "%s has a #, a space or another character that does not belong into a url", strictyaml.Clip(raw))
		return
	}
	l.host(at, u)
	for s := range strings.SplitSeq(path, "/") {
		l.value(at, s)
		if d, err := url.PathUnescape(s); err != nil || d == "." || d == ".." {
			l.doc.Errorf(at, "%s cannot be a segment of a path", strictyaml.Clip(s))
		}
	}
	if query == "" {
		return
	}
	for pair := range strings.SplitSeq(query, "&") {
		key, v, _ := strings.Cut(pair, "=")
		l.value(at, v)
		if _, err := url.QueryUnescape(v); err != nil || !queryIs.MatchString(key) {
			l.doc.Errorf(at, "%s is no name=value of a query", strictyaml.Clip(pair))
		}
	}
}

func (l *playbookLoader) host(at strictyaml.Path, u *url.URL) {
	host := u.Hostname()
	if port, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || port < 1 || port > 65535) {
		l.doc.Errorf(at, "%s is no port", strictyaml.Clip(u.Port()))
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return
	}
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	switch {
	case numeric.MatchString(parts[len(parts)-1]):
		l.doc.Errorf(at, "host %s is a number in disguise: write the address as 192.0.2.1", strictyaml.Clip(host))
	case !hostName.MatchString(host):
		l.doc.Errorf(at, "%s is no host name and no address", strictyaml.Clip(host))
	}
}

func (l *playbookLoader) header(at strictyaml.Path, name, value string) {
	own := []string{"Authorization", "Connection", "Content-Length", "Cookie", "Host", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}
	switch {
	case !headerName.MatchString(name):
		l.doc.KeyErrorf(at, "%s is no name of a header", strictyaml.Clip(name))
	case slices.ContainsFunc(own, func(s string) bool { return strings.EqualFold(s, name) }):
		l.doc.KeyErrorf(at, "header %s is not for a playbook to set; a secret comes from token_file", name)
	case strings.Contains(value, "$"), strings.ContainsFunc(value, unicode.IsControl), len(value) > maxDeclaredLen:
		l.doc.Errorf(at, "a header is literal, without $ and control characters")
	}
}

// json checks that the text is one JSON value whose strings are literals or references.
func (l *playbookLoader) json(at strictyaml.Path, text string, was bool) {
	if text == "" {
		return
	}
	if _, err := fillJSON(text, func(s string) string {
		switch {
		case s == Was && was:
		case s == Was:
			l.doc.Errorf(at, "%s stands only in an undo that says under `was` how the old value is read", Was)
		default:
			l.value(at, s)
		}
		return s
	}); err != nil {
		l.doc.Errorf(at, "json cannot be read: %s", err)
	}
}

// private checks a range that may be asked although it is not public.
func (l *playbookLoader) private(at strictyaml.Path, text string) {
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		l.doc.Errorf(at, "%s is no range of addresses: write it as 10.0.0.0/24, or 10.0.0.7/32 for one", strictyaml.Clip(text))
	case p.Addr().Is4In6():
		l.doc.Errorf(at, "%s: write a range of IPv4 as IPv4", strictyaml.Clip(text))
	case p != p.Masked():
		l.doc.Errorf(at, "%s has bits outside its prefix: write %s", strictyaml.Clip(text), p.Masked())
	case p.Addr().Is4() && p.Bits() < narrowest4, p.Addr().Is6() && p.Bits() < narrowest6:
		l.doc.Errorf(at, "%s is too wide: name the ranges that are needed, /%d or narrower (/%d for IPv6)", strictyaml.Clip(text), narrowest4, narrowest6)
	}
}
