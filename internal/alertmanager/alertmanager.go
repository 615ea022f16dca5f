// Package alertmanager asks an Alertmanager for its active alerts, over the client
// of the Alertmanager project: rule 3 (what a message left out) and rule 4 (what
// is no longer active, what is silenced) of the engine's rules.
package alertmanager

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"time"

	openapi "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
	"github.com/prometheus/alertmanager/api/v2/client"
	alertapi "github.com/prometheus/alertmanager/api/v2/client/alert"
	"github.com/prometheus/alertmanager/api/v2/client/general"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/repair"
)

const (
	// maxAnswer caps what an Alertmanager may answer, in bytes.
	maxAnswer = 256 << 20
	// timeout bounds one answer: for 100,000 alerts a busy Alertmanager takes up to 10 s.
	timeout = 20 * time.Second
)

// Client asks one Alertmanager. It never follows what a message says of where it
// came from: its address is the configuration's.
type Client struct {
	name string
	api  *client.AlertmanagerAPI
}

// New makes a Client for a base URL, such as http://127.0.0.1:9093. The transport
// brings TLS and credentials; nil: neither.
func New(base string, transport http.RoundTripper) (*Client, error) {
	if transport == nil {
		transport = http.DefaultTransport
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("alertmanager url %q: want http(s)://host:port", base)
	}
	t := openapi.NewWithClient(u.Host, path.Join("/", u.Path, "api/v2"), []string{u.Scheme}, &http.Client{
		Timeout:       timeout,
		Transport:     capped{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	return &Client{name: base, api: client.New(t, strfmt.Default)}, nil
}

// Name is its address, as it is configured.
func (c *Client) Name() string { return c.name }

// Alive asks for its status: nil if it answers.
func (c *Client) Alive(ctx context.Context) error {
	if _, err := c.api.General.GetStatus(general.NewGetStatusParamsWithContext(ctx)); err != nil {
		return fmt.Errorf("ask %s for its status: %w", c.name, err)
	}
	return nil
}

// Poll asks for the active alerts, silenced ones included. With fetch it brings
// the alerts themselves too.
func (c *Client) Poll(ctx context.Context, fetch bool) repair.PollSource {
	if !fetch {
		return c.poll(ctx, func(seen func(active) bool) alertapi.ClientOption {
			return streamed(func(a active) error { seen(a); return nil })
		})
	}
	var all []alert.Alert
	s := c.Fetch(ctx, func(a alert.Alert) error { all = append(all, a); return nil })
	if s.Err == nil {
		s.Alerts = all
	}
	return s
}

// Fetch is a Poll that hands each alert over as it comes, but for the silenced ones:
// those start nothing. What was handed over was active, also where an error follows;
// an error of take ends it.
func (c *Client) Fetch(ctx context.Context, take func(alert.Alert) error) repair.PollSource {
	return c.poll(ctx, func(seen func(active) bool) alertapi.ClientOption {
		return streamed(func(a whole) error {
			if seen(a.active) {
				return nil
			}
			return take(a.alert())
		})
	})
}

// poll asks with the option that answer makes; what that sees is active, and it
// learns whether it is silenced.
func (c *Client) poll(ctx context.Context, answer func(seen func(active) bool) alertapi.ClientOption) repair.PollSource {
	s := repair.PollSource{Name: c.name, Active: map[alert.Fingerprint]bool{}}
	option := answer(func(a active) (silenced bool) {
		silenced = len(a.Status.SilencedBy) > 0
		s.Active[alert.FingerprintOf(a.Labels)] = silenced
		return silenced
	})
	if _, err := c.api.Alert.GetAlerts(alertapi.NewGetAlertsParamsWithContext(ctx), option); err != nil {
		return repair.PollSource{Name: c.name, Err: fmt.Errorf("ask %s for its alerts: %w", c.name, err)}
	}
	return s
}

// alert is what Alertmanager would have sent of it.
func (w whole) alert() alert.Alert {
	return alert.Bound(alert.Alert{
		Status: alert.Firing, Labels: w.Labels, Annotations: w.Annotations, StartsAt: w.StartsAt, GeneratorURL: w.GeneratorURL,
	})
}

// capped bounds every answer.
type capped struct{ next http.RoundTripper }

func (c capped) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	return resp, nil
}
