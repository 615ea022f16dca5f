//go:build servers

package amtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	openapi "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
	"github.com/prometheus/alertmanager/api/v2/client"
	alertapi "github.com/prometheus/alertmanager/api/v2/client/alert"
	"github.com/prometheus/alertmanager/api/v2/client/general"
	"github.com/prometheus/alertmanager/api/v2/client/silence"
	"github.com/prometheus/alertmanager/api/v2/models"

	"github.com/fettle-io/fettle/internal/port"
	"github.com/fettle-io/fettle/internal/servertest"
)

// routing is what a test sets in alertmanager.yml. The zero value groups by '...'.
type routing struct {
	receiver  string // "": fettle
	groupBy   string // "": '...'
	interval  string // group_interval; "": 1s
	maxAlerts int
	more      string // further keys of the webhook_config, indented by six
	external  string // what an Alertmanager says that its address is
	relays    bool   // gossip goes over relays, which can be cut
}

// sender is one Alertmanager.
type sender struct {
	t       testing.TB
	name    string // a or b
	dir     string
	web     string // host:port
	gossip  string // host:port
	flags   []string
	api     *client.AlertmanagerAPI
	proc    *servertest.Process
	cutting []*relay
}

// pair is two Alertmanagers of one configuration that gossip.
type pair struct{ a, b *sender }

func (p pair) both() []*sender { return []*sender{p.a, p.b} }

// newPair starts a pair that sends to g, and waits until each sees the other.
func newPair(t testing.TB, g *gate, r routing) pair {
	t.Helper()
	addresses, err := port.Addresses(4)
	must(t, err)
	p := pair{
		a: &sender{t: t, name: "a", dir: t.TempDir(), web: addresses[0], gossip: addresses[1]},
		b: &sender{t: t, name: "b", dir: t.TempDir(), web: addresses[2], gossip: addresses[3]},
	}
	reach := map[*sender]string{p.a: p.a.gossip, p.b: p.b.gossip}
	if r.relays {
		for _, s := range p.both() {
			w := newRelay(t, s.gossip)
			reach[s] = w.address
			s.cutting = append(s.cutting, w)
		}
	}
	for _, s := range p.both() {
		peer := p.b
		if s == p.b {
			peer = p.a
		}
		s.flags = []string{
			"--config.file=" + filepath.Join(s.dir, "alertmanager.yml"), "--storage.path=" + filepath.Join(s.dir, "data"),
			"--web.listen-address=" + s.web, "--cluster.listen-address=" + s.gossip, "--cluster.advertise-address=" + reach[s],
			"--cluster.peer=" + reach[peer], "--cluster.pushpull-interval=5s", "--cluster.reconnect-interval=1s", "--cluster.settle-timeout=3s",
		}
		if r.external != "" {
			s.flags = append(s.flags, "--web.external-url="+r.external)
		}
		s.write(g, r)
		u, err := url.Parse(s.url())
		must(t, err)
		s.api = client.New(openapi.NewWithClient(u.Host, "/api/v2", []string{"http"}, &http.Client{Timeout: 20 * time.Second}), strfmt.Default)
	}
	p.a.start()
	p.b.start()
	p.joined()
	return p
}

// write writes alertmanager.yml. JSON's strings are YAML's.
func (s *sender) write(g *gate, r routing) {
	s.t.Helper()
	if r.receiver == "" {
		r.receiver = "fettle"
	}
	if r.groupBy == "" {
		r.groupBy = "..."
	}
	if r.interval == "" {
		r.interval = "1s"
	}
	q := func(v string) string {
		b, err := json.Marshal(v)
		must(s.t, err)
		return string(b)
	}
	text := fmt.Sprintf(`route:
  receiver: %s
  group_by: [%s]
  group_wait: 0s
  group_interval: %s
  repeat_interval: 1h
receivers:
  - name: %s
    webhook_configs:
    - url: %s
      send_resolved: true
      max_alerts: %d
      http_config: {authorization: {credentials: %s}}
%s`, q(r.receiver), q(r.groupBy), r.interval, q(r.receiver), q(g.url+"/"+s.name), r.maxAlerts, q(token(webhookRole)), r.more)
	must(s.t, os.WriteFile(filepath.Join(s.dir, "alertmanager.yml"), []byte(text), 0o600))
}

func (s *sender) url() string    { return "http://" + s.web }
func (s *sender) output() string { return filepath.Join(s.dir, "output") }

// start starts it and waits until it answers.
func (s *sender) start() {
	s.t.Helper()
	proc := &servertest.Process{Name: "Alertmanager " + s.name, Argv: append([]string{alertmanager.Path}, s.flags...), Log: s.output()}
	must(s.t, proc.Start())
	s.proc = proc
	s.t.Cleanup(func() { must(s.t, proc.Kill()) })
	until(s.t, "Alertmanager "+s.name+" answers", func() error {
		if !s.proc.Running() {
			s.t.Fatalf("Alertmanager %s ended:\n%s", s.name, s.said())
		}
		_, err := s.status()
		return err
	})
}

// forget kills it with SIGKILL and removes all that it has on disk.
func (s *sender) forget() {
	s.t.Helper()
	s.proc.Kill()
	must(s.t, os.RemoveAll(filepath.Join(s.dir, "data")))
}

func (s *sender) said() string {
	b, _ := os.ReadFile(s.output())
	return string(b[max(0, len(b)-4000):])
}

func (s *sender) status() (*models.AlertmanagerStatus, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	got, err := s.api.General.GetStatus(general.NewGetStatusParamsWithContext(ctx))
	if err != nil {
		return nil, err
	}
	return got.Payload, nil
}

// joined waits until each sees two peers and has settled.
func (p pair) joined() {
	p.a.t.Helper()
	for _, s := range p.both() {
		until(s.t, "Alertmanager "+s.name+" sees its peer", func() error {
			st, err := s.status()
			if err != nil {
				return err
			}
			if len(st.Cluster.Peers) != 2 || *st.Cluster.Status != "ready" {
				return fmt.Errorf("%d peers, %s", len(st.Cluster.Peers), *st.Cluster.Status)
			}
			return nil
		})
	}
}

// alone waits until each sees no peer.
func (p pair) alone() {
	p.a.t.Helper()
	for _, s := range p.both() {
		until(s.t, "Alertmanager "+s.name+" sees no peer", func() error {
			st, err := s.status()
			if err == nil && len(st.Cluster.Peers) > 1 {
				err = fmt.Errorf("%d peers", len(st.Cluster.Peers))
			}
			return err
		})
	}
}

// cut parts the pair, heal ends that.
func (p pair) cut() {
	for _, s := range p.both() {
		for _, r := range s.cutting {
			r.cut(true)
		}
	}
}

func (p pair) heal() {
	for _, s := range p.both() {
		for _, r := range s.cutting {
			r.cut(false)
		}
	}
}

// fault is one alert as Prometheus posts it.
type fault struct {
	labels map[string]string
	starts time.Time
}

// down is the alert of a service that is down.
func down(service string) fault {
	return fault{labels: map[string]string{
		"alertname": "FettleServiceDown", "cluster": service, "member": member, "severity": "critical", "tier": "P1",
	}, starts: time.Now()}
}

// post posts alerts, firing for an hour or over now.
func (s *sender) post(over bool, faults ...fault) {
	s.t.Helper()
	var all models.PostableAlerts
	for _, f := range faults {
		ends := time.Now().Add(time.Hour)
		if over {
			ends = time.Now()
		}
		all = append(all, &models.PostableAlert{
			Alert:       models.Alert{Labels: f.labels, GeneratorURL: "http://prometheus.example/graph"},
			Annotations: models.LabelSet{"summary": "down"},
			StartsAt:    strfmt.DateTime(f.starts), EndsAt: strfmt.DateTime(ends),
		})
	}
	_, err := s.api.Alert.PostAlerts(alertapi.NewPostAlertsParamsWithContext(s.t.Context()).WithAlerts(all))
	must(s.t, err)
}

// fire posts firing alerts to both, as Prometheus does.
func (p pair) fire(faults ...fault) {
	p.a.t.Helper()
	for _, s := range p.both() {
		s.post(false, faults...)
	}
}

// end posts their ends to both.
func (p pair) end(faults ...fault) {
	p.a.t.Helper()
	for _, s := range p.both() {
		s.post(true, faults...)
	}
}

// silence silences one service's alerts for an hour and returns the silence's ID.
func (s *sender) silence(service string) string {
	s.t.Helper()
	by, why, name, no, yes := "alice", "moving disks", "cluster", false, true
	from, to := strfmt.DateTime(time.Now()), strfmt.DateTime(time.Now().Add(time.Hour))
	got, err := s.api.Silence.PostSilences(silence.NewPostSilencesParamsWithContext(s.t.Context()).WithSilence(&models.PostableSilence{
		Silence: models.Silence{
			CreatedBy: &by, Comment: &why, StartsAt: &from, EndsAt: &to,
			Matchers: models.Matchers{{Name: &name, Value: &service, IsRegex: &no, IsEqual: &yes}},
		},
	}))
	must(s.t, err)
	return got.Payload.SilenceID
}

// unsilence ends a silence.
func (s *sender) unsilence(id string) {
	s.t.Helper()
	_, err := s.api.Silence.DeleteSilence(silence.NewDeleteSilenceParamsWithContext(s.t.Context()).WithSilenceID(strfmt.UUID(id)))
	must(s.t, err)
}

// silenced waits until it shows a service's alert silenced, or not.
func (s *sender) silenced(service string, want bool) {
	s.t.Helper()
	until(s.t, fmt.Sprintf("Alertmanager %s shows %s silenced: %t", s.name, service, want), func() error {
		got, err := s.api.Alert.GetAlerts(alertapi.NewGetAlertsParamsWithContext(s.t.Context()))
		if err != nil {
			return err
		}
		for _, a := range got.Payload {
			if a.Labels["cluster"] == service && len(a.Status.SilencedBy) > 0 == want {
				return nil
			}
		}
		return errNotYet
	})
}
