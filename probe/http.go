package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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
	mostRedirects = 5
	mostAnnounced = 5       // answers that announce another one
	mostSecret    = 8 << 10 // bytes of a header's file
)

// askHTTP makes one request over a connection of its own, and follows redirects where
// that is declared. It speaks HTTP/1.1 over the bare connection: http.Transport would
// print what a hostile server sends unasked.
func askHTTP(ctx context.Context, p *Prober, a *attempt) error {
	headers, err := p.headers(a)
	if err != nil {
		return err
	}
	at, err := url.Parse(p.Target)
	if err != nil {
		return errors.New("target is no URL that can be asked")
	}
	for range mostRedirects + 1 {
		next, err := p.get(ctx, a, at, headers)
		if next == nil || err != nil {
			return err
		}
		at = next
	}
	return line.Because(BadStatus, fmt.Errorf("more than %d redirects", mostRedirects))
}

// get makes one request and judges its answer. A redirect that is to be followed leads
// to next.
func (p *Prober) get(ctx context.Context, a *attempt, at *url.URL, headers http.Header) (next *url.URL, err error) {
	conn, err := p.connect(ctx, a, at)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	request := (&http.Request{Method: p.Probe.HTTP.Method, URL: at, Host: p.Probe.HTTP.Host, Header: headers, Close: true}).WithContext(ctx)
	if err := request.Write(conn); err != nil {
		return nil, fmt.Errorf("send the request: %w", err)
	}
	begin, in := time.Now(), bufio.NewReader(conn)
	if _, err := in.Peek(1); err != nil {
		return nil, fmt.Errorf("no answer: %w", err)
	}
	a.phase("wait", time.Since(begin))
	answer, err := final(in, request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	a.status(answer.StatusCode)
	if next, err := p.redirect(at, answer); next != nil || err != nil {
		return next, err
	}
	if !p.takes(answer.StatusCode) {
		return nil, line.Because(BadStatus, fmt.Errorf("status %d", answer.StatusCode))
	}
	if p.expect == nil {
		return nil, nil
	}
	return nil, p.read(answer.Body, a)
}

// connect connects to where a URL leads.
func (p *Prober) connect(ctx context.Context, a *attempt, at *url.URL) (net.Conn, error) {
	port := at.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[at.Scheme]
	}
	conn, err := a.dial(ctx, p.network("tcp"), net.JoinHostPort(at.Hostname(), port))
	if err != nil || at.Scheme != "https" {
		return conn, err
	}
	return a.secure(ctx, conn, p.tls)
}

// final is the answer after those that only announce it.
func final(in *bufio.Reader, request *http.Request) (*http.Response, error) {
	for range mostAnnounced {
		answer, err := http.ReadResponse(in, request)
		if err != nil {
			return nil, garbled(request.Context(), err)
		}
		if answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			return answer, nil
		}
	}
	return nil, line.Because(cluster.BadProtocol, fmt.Errorf("%d announcements and no answer", mostAnnounced))
}

// garbled gives an error of what came in its reason: it is no HTTP, or only the
// beginning of it, cut off by the end of time.
func garbled(ctx context.Context, err error) error {
	until, _ := ctx.Deadline()
	switch {
	case reason(err) != cluster.Other:
		return err
	case !time.Now().Before(until):
		return line.Because(cluster.Timeout, err)
	}
	return line.Because(cluster.BadProtocol, err)
}

// headers are those of the request, with the secrets that it refers to.
func (p *Prober) headers(a *attempt) (http.Header, error) {
	h := http.Header{"User-Agent": {"fettle_exporter"}}
	for name, value := range p.Probe.HTTP.Headers {
		h.Set(name, value)
	}
	for name, file := range p.Probe.HTTP.HeaderFiles {
		value, err := secret(file)
		if err != nil {
			return nil, fmt.Errorf("header_files.%s: %w", name, err)
		}
		a.hide(value)
		h.Set(name, value)
	}
	return h, nil
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

// redirect is where an answer leads, if that is followed; nil: it is an answer like
// others. What it leads to gets the same headers, secrets among them, so it is the same
// host, and as well protected.
func (p *Prober) redirect(from *url.URL, answer *http.Response) (*url.URL, error) {
	if !p.Probe.HTTP.FollowRedirects || answer.StatusCode < 300 || answer.StatusCode > 399 || slices.Contains(p.Probe.HTTP.Status, answer.StatusCode) {
		return nil, nil
	}
	to, err := from.Parse(answer.Header.Get("Location"))
	switch {
	case err != nil || answer.Header.Get("Location") == "":
		return nil, line.Because(BadStatus, fmt.Errorf("status %d leads nowhere", answer.StatusCode))
	case to.Hostname() != from.Hostname():
		return nil, line.Because(BadStatus, errors.New("redirects to another host"))
	case to.Scheme != from.Scheme && to.Scheme != "https":
		return nil, line.Because(BadStatus, fmt.Errorf("redirects from %s to another scheme", from.Scheme))
	}
	return to, nil
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
