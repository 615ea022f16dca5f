// Package promql asks Prometheus what it last scraped, a vantage point beside
// fettle's own probe, and whether what a playbook verifies holds: Expression is
// what a playbook says, Client.Verify asks.
package promql

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// Options say which Prometheus, and how it scrapes.
type Options struct {
	// URL is its base URL.
	URL string
	// Transport brings TLS and credentials; nil: neither.
	Transport http.RoundTripper
	// ScrapeInterval is how often it scrapes fettle_exporter; 0 is 15 seconds.
	ScrapeInterval time.Duration
	// Timeout bounds each query; 0 is one second.
	Timeout time.Duration
}

// Client asks one Prometheus. Its methods may be called at the same time.
type Client struct {
	api     v1.API
	window  model.Duration // how far back a scrape counts: two intervals
	timeout time.Duration
}

// New makes a Client. It does not connect yet.
func New(o Options) (*Client, error) {
	if o.URL == "" {
		return nil, errors.New("no `prometheus.url`")
	}
	if o.ScrapeInterval == 0 {
		o.ScrapeInterval = 15 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if o.Transport == nil {
		o.Transport = api.DefaultRoundTripper
	}
	c, err := api.NewClient(api.Config{Address: o.URL, Client: &http.Client{
		Transport: bounded{o.Transport},
		// The transport would give our credentials to whoever a redirect leads to.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
	if err != nil {
		return nil, fmt.Errorf("prometheus.url %q: %w", o.URL, err)
	}
	return &Client{api: v1.NewAPI(c), window: model.Duration(2 * o.ScrapeInterval), timeout: o.Timeout}, nil
}

// maxAnswer is how much a Prometheus may answer, in bytes: many targets and rules.
const maxAnswer = 256 << 20

// bounded is a transport whose answers end there.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// MemberReachable is whether an exporter reached the member of the cluster in
// Prometheus' last scrape. known is false where no scrape of it is younger than
// two intervals, or Prometheus does not answer. Where several exporters look at
// one member, it is reachable when any of them reached it.
func (c *Client) MemberReachable(ctx context.Context, cluster, member string) (reachable, known bool) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	// A range selector gives the raw samples, where an instant one would stamp an
	// older sample with the time of asking. Prometheus' own clock decides what is
	// young, because no time is given.
	query := fmt.Sprintf("fettle_raft_member_reachable{cluster=%s,member=%s}[%s]", strconv.Quote(cluster), strconv.Quote(member), c.window)
	value, _, _, err := c.api.Query(ctx, query, time.Time{})
	if err != nil {
		return false, false
	}
	series, ok := value.(model.Matrix)
	if !ok {
		return false, false
	}
	for _, s := range series {
		if n := len(s.Values); n > 0 {
			known = true
			reachable = reachable || s.Values[n-1].Value == 1
		}
	}
	return reachable, known
}
