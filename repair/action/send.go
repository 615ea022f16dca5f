package action

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/common/config"
)

const (
	maxAnswer       = 1 << 20  // bytes of an answer's body
	maxAnswerHeader = 64 << 10 // bytes
	maxToken        = 64 << 10 // bytes of a file with a token
)

// reply is an answer.
type reply struct {
	from   string // host and port
	status int
	body   []byte
}

// send sends one request and reads its answer, on a connection of its own: no proxy,
// no redirect, and to no address but those that are allowed, whatever the host's name
// resolves to. begun tells, with an error, that the server may have got it.
func (r request) send(ctx context.Context, method, to string, headers map[string]string, body, kind string) (_ reply, begun bool, err error) {
	transport, err := r.transport()
	if err != nil {
		return reply{}, false, err
	}
	defer transport.CloseIdleConnections()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(body))
	if err != nil {
		return reply{}, false, err
	}
	if body == "" {
		req.Body, req.ContentLength = nil, 0
	} else {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("User-Agent", "fettle")
	req.Header.Set("Accept-Encoding", "identity")
	for name, v := range headers {
		req.Header.Set(name, v)
	}
	if r.says.TokenFile != "" {
		if req.URL.Scheme != "https" { // of a step that an earlier version planned
			return reply{}, false, fmt.Errorf("ask %s: a token is not sent over %s", req.URL.Host, req.URL.Scheme)
		}
		token, err := readToken(r.says.TokenFile)
		if err != nil {
			return reply{}, false, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, connected.Load(), fmt.Errorf("ask %s: %w", req.URL.Host, cause(err))
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return reply{}, true, fmt.Errorf("ask %s: the answer breaks off: %w", req.URL.Host, err)
	case len(text) > maxAnswer:
		return reply{}, true, fmt.Errorf("ask %s: the answer is longer than %d bytes", req.URL.Host, maxAnswer)
	}
	return reply{from: req.URL.Host, status: resp.StatusCode, body: text}, true, nil
}

// cause leaves out the URL: it stands in the plan, and may name much.
func cause(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func (r request) transport() (*http.Transport, error) {
	conf, err := config.NewTLSConfig(&config.TLSConfig{CAFile: r.says.CAFile})
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	dialer := &net.Dialer{
		Resolver: r.Resolver,
		Control: func(_, address string, _ syscall.RawConn) error {
			return allowed(address, r.private)
		},
	}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: conf, DisableKeepAlives: true, DisableCompression: true,
		TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: maxAnswerHeader,
	}, nil
}

func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("token_file: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Perm()&0o004 != 0 {
		return "", fmt.Errorf("token_file %s: everybody may read it: chmod 0600 %s", path, path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	token := strings.TrimSpace(string(b))
	switch {
	case err != nil:
		return "", fmt.Errorf("token_file: %w", err)
	case token == "" || len(b) > maxToken || strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }):
		return "", fmt.Errorf("token_file %s: it is not one token", path)
	}
	return token, nil
}

// valueAt is what a JSON text has at a pointer (RFC 6901): a string's text, anything
// else as JSON writes it.
func valueAt(text []byte, pointer string) (value string, there bool, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return "", false, fmt.Errorf("the answer is no JSON: %w", err)
	}
	for _, part := range strings.Split(pointer, "/")[1:] {
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		switch in := v.(type) {
		case map[string]any:
			if v, there = in[part]; !there {
				return "", false, nil
			}
		case []any:
			i, wrong := strconv.Atoi(part)
			if there = wrong == nil && i >= 0 && i < len(in); !there {
				return "", false, nil
			}
			v = in[i]
		default:
			return "", false, nil
		}
	}
	if s, ok := v.(string); ok {
		return s, true, nil
	}
	b, err := json.Marshal(v)
	return string(b), err == nil, err
}
