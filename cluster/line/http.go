package line

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/cluster"
)

// HTTP asks one server over HTTP, with one connection that is kept. It follows no
// redirect, and takes a server's proxy from no environment.
type HTTP struct {
	base   string
	most   int64
	header func(http.Header) error
	client *http.Client
}

// NewHTTP makes an HTTP for the server at base ("http://host:port"); t is only looked
// at for https. An answer has `most` bytes at most. header, which may be nil, adds what
// each request has to have, such as a token.
func NewHTTP(base string, t cluster.TLS, most int64, header func(http.Header) error) (*HTTP, error) {
	conf, err := TLS(t, "")
	if err != nil {
		return nil, err
	}
	return &HTTP{
		base: strings.TrimSuffix(base, "/"), most: most, header: header,
		client: &http.Client{
			Transport: &http.Transport{
				TLSClientConfig: conf, MaxConnsPerHost: 1, MaxIdleConns: 1, DisableCompression: true,
				MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: false,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// StatusError is an answer with a status that was not wanted.
type StatusError struct {
	Code int
	Text string // the beginning of what came with it
}

func (e *StatusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("HTTP status %d %s: %s", e.Code, http.StatusText(e.Code), e.Text))
}

// Answered tells of an error of Get and JSON that a server was there and answered, if
// only with something that is not wanted: an Options.Usable.
func Answered(err error) bool {
	_, status := errors.AsType[*StatusError](err)
	return status || Reason(err) == cluster.TooLarge || Reason(err) == cluster.BadProtocol
}

// Get asks for path, which begins with /, and returns the body of an answer with
// status 200 or one of also. The error has a reason for Reason.
func (h *HTTP) Get(ctx context.Context, path string, also ...int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+path, nil)
	if err != nil {
		return nil, err
	}
	if h.header != nil {
		if err := h.header(req.Header); err != nil {
			return nil, Because(cluster.BadAuth, err)
		}
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, unanswered(err)
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	body, err := io.ReadAll(io.LimitReader(resp.Body, h.most+1))
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	if int64(len(body)) > h.most {
		return nil, fmt.Errorf("GET %s: %w", path, &TooLargeError{Most: h.most})
	}
	for _, code := range append(also, http.StatusOK) {
		if resp.StatusCode == code {
			return body, nil
		}
	}
	err = fmt.Errorf("GET %s: %w", path, &StatusError{Code: resp.StatusCode, Text: beginning(body, req)})
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, Because(cluster.BadAuth, err)
	case http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed:
		return nil, Because(cluster.BadProtocol, err)
	}
	return nil, err
}

// unanswered gives an error of net/http a reason where it tells it only in words.
func unanswered(err error) error {
	switch text := err.Error(); {
	case strings.Contains(text, "malformed HTTP"), strings.Contains(text, "readLoopPeekFailLocked: %!w(<nil>)"): // who speaks before it is asked
		return Because(cluster.BadProtocol, err)
	case strings.Contains(text, "response headers exceeded"):
		return Because(cluster.TooLarge, err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return Because(cluster.BadTLS, err)
	}
	return err
}

// beginning is what a body begins with, for people. A server that says what it was sent
// says the credentials as well: those of the request are taken out.
func beginning(body []byte, req *http.Request) string {
	var secrets []string
	for _, values := range req.Header {
		for _, v := range values {
			_, credentials, _ := strings.Cut(v, " ") // Basic and Bearer
			secrets = append(secrets, v, credentials)
		}
	}
	if _, password, ok := req.BasicAuth(); ok {
		secrets = append(secrets, password)
	}
	text := Why(errors.New(string(body[:min(len(body), 4<<10)])), secrets...) // before it is cut, so that none is cut in two
	return strings.ToValidUTF8(text[:min(len(text), 200)], "")
}

// mostElements of all lists and objects of an answer: an empty one has three bytes, and
// what is made of it some hundred.
const mostElements = 1 << 19

// JSON asks for path as Get does and reads the answer into v.
func (h *HTTP) JSON(ctx context.Context, path string, v any, also ...int) error {
	body, err := h.Get(ctx, path, also...)
	if err != nil {
		return err
	}
	if bytes.Count(body, []byte(",")) > mostElements {
		return fmt.Errorf("GET %s: %w", path, Because(cluster.TooLarge, fmt.Errorf("the answer has more than %d elements", mostElements)))
	}
	if err := json.Unmarshal(body, v); err != nil {
		return Because(cluster.BadProtocol, fmt.Errorf("GET %s: %w", path, err))
	}
	return nil
}

// Close closes the kept connection.
func (h *HTTP) Close() { h.client.CloseIdleConnections() }

// Secret reads a password or token from the file that the configuration names. It is
// read anew each time, so that a renewed one is used.
func Secret(file string) (string, error) {
	const longest = 4096
	f, err := os.Open(file)
	if err != nil {
		return "", Because(cluster.BadAuth, fmt.Errorf("read.password_file: %w", err))
	}
	defer func() { _ = f.Close() }() // only read from
	b, err := io.ReadAll(io.LimitReader(f, longest+1))
	if err != nil {
		return "", Because(cluster.BadAuth, fmt.Errorf("read.password_file: %w", err))
	}
	if len(b) > longest {
		return "", Because(cluster.BadAuth, fmt.Errorf("read.password_file: %s has more than %d bytes", file, longest))
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
