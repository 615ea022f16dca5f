package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/journal"
)

const (
	clientTimeout = 30 * time.Second
	maxAnswer     = 256 << 20 // in bytes
)

// ClientOptions says where the server is. Address is needed.
type ClientOptions struct {
	// Address is unix:/path/of.sock, or an http or https URL.
	Address string
	// Token is sent as bearer token, or User with Password. The unix socket needs none.
	Token          string
	User, Password string
	// Transport is used for URLs; nil is http.DefaultTransport.
	Transport http.RoundTripper
}

// Client calls a running server. It is a Backend: what the server's Backend
// returns, it returns, errors as *Error. The actor is always who the server
// finds the caller to be; what is given as by is not sent.
type Client struct {
	base *url.URL
	o    ClientOptions
	http *http.Client
}

var _ Backend = (*Client)(nil)

// NewClient makes a Client. It connects with the first call.
func NewClient(o ClientOptions) (*Client, error) {
	c := &Client{o: o, http: &http.Client{
		Transport: o.Transport,
		Timeout:   clientTimeout,
		// A redirect could carry the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if path, ok := strings.CutPrefix(o.Address, "unix:"); ok {
		path = "/" + strings.TrimLeft(path, "/")
		c.base = &url.URL{Scheme: "http", Host: "localhost"}
		c.http.Transport = &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			},
		}
		return c, nil
	}
	base, err := url.Parse(o.Address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("server address %q: give unix:/path/of.sock, or a URL such as http://localhost:9774", o.Address)
	}
	c.base = base
	return c, nil
}

// Runs lists runs.
func (c *Client) Runs(ctx context.Context, f Filter) ([]Run, error) {
	var out runList
	err := c.call(ctx, http.MethodGet, f.query(), nil, &out, "api", "v1", "runs")
	return out.Runs, err
}

// Run returns one run.
func (c *Client) Run(ctx context.Context, id string) (Run, error) {
	var out Run
	if err := checkID(id); err != nil {
		return out, err
	}
	err := c.call(ctx, http.MethodGet, nil, nil, &out, "api", "v1", "runs", id)
	return out, err
}

// Plans lists what runs were opened to do.
func (c *Client) Plans(ctx context.Context, f Filter) ([]Plan, error) {
	var out planList
	err := c.call(ctx, http.MethodGet, f.query(), nil, &out, "api", "v1", "plans")
	return out.Plans, err
}

// Episodes lists episodes.
func (c *Client) Episodes(ctx context.Context, f Filter) ([]Episode, error) {
	var out episodeList
	err := c.call(ctx, http.MethodGet, f.query(), nil, &out, "api", "v1", "episodes")
	return out.Episodes, err
}

// Episode finds one episode.
func (c *Client) Episode(ctx context.Context, id string) (Episode, error) {
	var out Episode
	if err := checkID(id); err != nil {
		return out, err
	}
	err := c.call(ctx, http.MethodGet, nil, nil, &out, "api", "v1", "episodes", id)
	return out, err
}

// Playbooks lists the playbooks of the server's configuration.
func (c *Client) Playbooks(ctx context.Context) ([]Playbook, error) {
	var out playbookList
	err := c.call(ctx, http.MethodGet, nil, nil, &out, "api", "v1", "playbooks")
	return out.Playbooks, err
}

// Guards lists the guards in the order in which they are asked.
func (c *Client) Guards(ctx context.Context) ([]Guard, error) {
	var out guardList
	err := c.call(ctx, http.MethodGet, nil, nil, &out, "api", "v1", "guards")
	return out.Guards, err
}

// Story returns all records of a run or an episode, in order.
func (c *Client) Story(ctx context.Context, id string) ([]journal.Record, error) {
	return c.records(ctx, url.Values{"about": {id}})
}

// Pause pauses one cluster, or all.
func (c *Client) Pause(ctx context.Context, p Pause) (Pause, error) {
	var out Pause
	err := c.call(ctx, http.MethodPost, nil, pauseRequest{Cluster: p.Cluster, Reason: p.Reason}, &out, "api", "v1", "pauses")
	return out, err
}

// Unpause ends a pause.
func (c *Client) Unpause(ctx context.Context, id, _ string) error {
	if err := checkID(id); err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, nil, nil, nil, "api", "v1", "pauses", id)
}

// Pauses lists what is paused.
func (c *Client) Pauses(ctx context.Context) ([]Pause, error) {
	var out pauseList
	err := c.call(ctx, http.MethodGet, nil, nil, &out, "api", "v1", "pauses")
	return out.Pauses, err
}

// Release frees an episode's slots, and closes its circuit.
func (c *Client) Release(ctx context.Context, episode, _ string) error {
	return c.call(ctx, http.MethodPost, nil, releaseRequest{episode}, nil, "api", "v1", "releases")
}

// Close closes an episode.
func (c *Client) Close(ctx context.Context, episode, _, reason string) error {
	return c.call(ctx, http.MethodPost, nil, closureRequest{episode, reason}, nil, "api", "v1", "closures")
}

// Journal returns at most limit records from sequence number from on.
func (c *Client) Journal(ctx context.Context, from uint64, limit int) ([]journal.Record, error) {
	q := url.Values{"from": {strconv.FormatUint(from, 10)}}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return c.records(ctx, q)
}

// Ready returns why the server takes no messages.
func (c *Client) Ready(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, nil, nil, nil, "-", "ready")
}

// Reload makes the server read its configuration again.
func (c *Client) Reload(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, nil, nil, nil, "-", "reload")
}

// State returns the server in one look.
func (c *Client) State(ctx context.Context) (State, error) {
	var out State
	err := c.call(ctx, http.MethodGet, nil, nil, &out, "api", "v1", "state")
	return out, err
}

func (c *Client) records(ctx context.Context, q url.Values) ([]journal.Record, error) {
	var out recordList
	if err := c.call(ctx, http.MethodGet, q, nil, &out, "api", "v1", "journal"); err != nil {
		return nil, err
	}
	return out.records()
}

// query is what filter reads.
func (f Filter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"episode": f.Episode, "playbook": f.Playbook, "target": f.Target, "cluster": f.Cluster, "outcome": f.Outcome,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Open {
		q.Set("open", "true")
	}
	if !f.Since.IsZero() {
		q.Set("since", f.Since.UTC().Format(time.RFC3339Nano))
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	return q
}

// call sends in, if any, as JSON, and reads the answer into out, if any.
func (c *Client) call(ctx context.Context, method string, q url.Values, in, out any, path ...string) error {
	for i := range path {
		path[i] = url.PathEscape(path[i])
	}
	u := c.base.JoinPath(path...)
	u.RawQuery = q.Encode()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, u.Path, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, u.Path, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch {
	case c.o.Token != "":
		req.Header.Set("Authorization", "Bearer "+c.o.Token)
	case c.o.User != "":
		req.SetBasicAuth(c.o.User, c.o.Password)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, u.Path, err)
	}
	if resp.StatusCode == http.StatusBadRequest && bytes.Contains(b, []byte("HTTP request to an HTTPS server")) {
		return errors.New("ask the server: Client sent an HTTP request to an HTTPS server")
	}
	if resp.StatusCode >= 300 {
		e := &Error{Status: resp.StatusCode}
		if json.Unmarshal(b, e) != nil || e.Message == "" {
			return fmt.Errorf("%s %s: %s, and not as fettle answers: is it fettle that listens there?", method, u.Path, resp.Status)
		}
		return e
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s %s: the answer: %w", method, u.Path, err)
	}
	return nil
}
