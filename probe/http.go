package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

const (
	mostHeaders   = 64 << 10 // bytes of an answer's headers
	mostRedirects = 5
	mostSecret    = 8 << 10 // bytes of a header's file
)

// askHTTP makes one request over a connection of its own, and follows redirects where
// that is declared.
func askHTTP(ctx context.Context, p *Prober, a *attempt) error {
	request, err := p.request(ctx, a)
	if err != nil {
		return err
	}
	transport := &http.Transport{ // no proxy: the probe is about the target
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return a.dial(ctx, p.network("tcp"), address)
		},
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			conn, err := a.dial(ctx, p.network("tcp"), address)
			if err != nil {
				return nil, err
			}
			return a.secure(ctx, conn, p.tls)
		},
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: mostHeaders,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: p.redirect}
	answer, err := client.Do(request)
	if err != nil {
		return unwrapped(err)
	}
	defer func() { _ = answer.Body.Close() }()
	a.status(answer.StatusCode)
	if !p.takes(answer.StatusCode) {
		return line.Because(BadStatus, fmt.Errorf("status %d", answer.StatusCode))
	}
	if p.expect == nil {
		return nil
	}
	return p.read(answer.Body, a)
}

// request is the request, with the secrets that it refers to.
func (p *Prober) request(ctx context.Context, a *attempt) (*http.Request, error) {
	var wrote time.Time
	trace := &httptrace.ClientTrace{
		WroteRequest:         func(httptrace.WroteRequestInfo) { wrote = time.Now() },
		GotFirstResponseByte: func() { a.phase("wait", time.Since(wrote)) },
	}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), p.Probe.HTTP.Method, p.Target, nil)
	if err != nil {
		return nil, errors.New("target is no URL that can be asked")
	}
	r.Header.Set("User-Agent", "fettle_exporter")
	r.Host = p.Probe.HTTP.Host
	for name, value := range p.Probe.HTTP.Headers {
		r.Header.Set(name, value)
	}
	for name, file := range p.Probe.HTTP.HeaderFiles {
		value, err := secret(file)
		if err != nil {
			return nil, fmt.Errorf("header_files.%s: %w", name, err)
		}
		a.hide(value)
		r.Header.Set(name, value)
	}
	return r, nil
}

// secret reads a header's value.
func secret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", line.Because(cluster.Other, err) // not the kernel's word on the probe
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, mostSecret+1))
	if err != nil {
		return "", line.Because(cluster.Other, err)
	}
	value := strings.TrimRight(string(text), "\r\n")
	switch {
	case value == "" || len(text) > mostSecret:
		return "", fmt.Errorf("%s is empty, or has more than %d bytes", path, mostSecret)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
		return "", fmt.Errorf("%s has more than one line, or characters that no header takes", path)
	}
	return value, nil
}

// redirect says whether a redirect is followed: what it leads to gets the same headers.
func (p *Prober) redirect(to *http.Request, before []*http.Request) error {
	from := before[len(before)-1].URL
	switch {
	case !p.Probe.HTTP.FollowRedirects:
		return http.ErrUseLastResponse
	case len(before) > mostRedirects:
		return line.Because(BadStatus, fmt.Errorf("more than %d redirects", mostRedirects))
	case to.URL.Hostname() != from.Hostname():
		return line.Because(BadStatus, errors.New("redirects to another host"))
	case from.Scheme == "https" && to.URL.Scheme != "https":
		return line.Because(BadStatus, errors.New("redirects from https to http"))
	}
	to.Host = p.Probe.HTTP.Host
	return nil
}

// takes tells that a status is in order.
func (p *Prober) takes(status int) bool {
	if len(p.Probe.HTTP.Status) == 0 {
		return status >= 200 && status <= 299
	}
	return slices.Contains(p.Probe.HTTP.Status, status)
}

// read looks for the match in the body.
func (p *Prober) read(body io.Reader, a *attempt) error {
	begin := time.Now()
	text, err := io.ReadAll(io.LimitReader(body, DefaultBody+1))
	if err == nil {
		a.phase("read", time.Since(begin))
	}
	switch {
	case p.expect.Match(text[:min(len(text), DefaultBody)]):
		return nil
	case err != nil:
		return fmt.Errorf("read the body: %w", err)
	case len(text) > DefaultBody:
		return line.Because(cluster.TooLarge, fmt.Errorf("no match in the first %d bytes of the body", DefaultBody))
	}
	return errNoMatch
}

// unwrapped is an error of a client without the URL that it repeats. What failed
// without a reason of its own, behind a connection, was no HTTP.
func unwrapped(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if reason(err) == cluster.Other {
		return line.Because(cluster.BadProtocol, err)
	}
	return err
}

// hide keeps a secret, and its words, out of what is told.
func (a *attempt) hide(value string) {
	for _, s := range append(strings.Fields(value), value) {
		if s == value || len(s) > 6 { // not Basic, not Bearer
			a.secrets = append(a.secrets, s, strings.Trim(strconv.Quote(s), `"`))
		}
	}
}

func (a *attempt) status(code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.result.Status = code
}
