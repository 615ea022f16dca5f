package action

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/common/config"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/repair"
)

const serviceSchema = "service/1"

// probeTimeout bounds the probe of a service's endpoint.
const probeTimeout = time.Second

// Service is what a look saw of one service: schema service/1.
type Service struct {
	Service cluster.Service `json:"service"`
	// Probed: an endpoint is declared; Answers: it answers HTTP with a status below
	// 500; ProbeError says why not.
	Probed     bool   `json:"probed,omitempty"`
	Answers    bool   `json:"answers,omitempty"`
	ProbeError string `json:"probe_error,omitempty"`
}

// inOrder tells that it runs, and answers where it can be asked.
func (s Service) inOrder() bool {
	return s.Service.State == cluster.ServiceRunning && (s.Answers || !s.Probed)
}

// serviceRestarted tells that it is in order as another process than before.
func serviceRestarted(before, now Service) bool {
	return now.inOrder() && now.Service.Identity != "" && now.Service.Identity != before.Service.Identity
}

func (s Service) says(name string) string {
	state := string(s.Service.State)
	if s.Service.Purpose != "" {
		state += " (" + s.Service.Purpose + ")"
	}
	switch {
	case !s.Probed:
		return fmt.Sprintf("%s is %s", name, state)
	case s.Answers:
		return fmt.Sprintf("%s is %s and answers", name, state)
	}
	return fmt.Sprintf("%s is %s and does not answer: %s", name, state, s.ProbeError)
}

// serviceRestart restarts one service in its manager's orderly way.
type serviceRestart struct{ Deps }

// Observe implements repair.Action.
func (a serviceRestart) Observe(ctx context.Context, t cluster.Target) (repair.Sighting, error) {
	asked := a.Clock()
	status, err := a.Services.Status(ctx, t)
	if err != nil {
		return repair.Sighting{}, reachable(err)
	}
	s := Service{Service: status}
	if t.Member.Endpoint != "" {
		s.Probed = true
		if err := probe(ctx, t); err != nil {
			s.ProbeError = err.Error()
		}
		s.Answers = s.ProbeError == ""
	}
	o, err := repair.Observed(serviceSchema, s.says(t.Member.Name), s)
	if err != nil {
		return repair.Sighting{}, fmt.Errorf("look at %s: %w", t, err)
	}
	sight := cluster.Sight{
		Member: t.Member.Name, Service: status, Proof: cluster.Proof{Answer: cluster.Unknown},
		GoneByProbe: cluster.Unknown, GoneByPrometheus: cluster.Unknown, GoneByPeer: cluster.Unknown,
		Alive: status.State == cluster.ServiceRunning || status.State == cluster.ServiceStarting,
	}
	return repair.Sighting{Asked: asked, Observation: o, Facts: repair.Facts{Sights: []cluster.Sight{sight}}}, nil
}

// Done implements repair.Action.
func (a serviceRestart) Done(before *repair.Observation, now repair.Observation) bool {
	s, ok := repair.Unpack[Service](now, serviceSchema)
	if !ok || before == nil {
		return ok && s.inOrder()
	}
	b, ok := repair.Unpack[Service](*before, serviceSchema)
	return ok && serviceRestarted(b, s)
}

// Apply implements repair.Action.
func (a serviceRestart) Apply(ctx context.Context, in repair.Intent) error {
	if err := a.mayBegin(in); err != nil {
		return err
	}
	return reachable(a.Services.Restart(ctx, in.Target))
}

// probe asks a service's endpoint. A redirect is an answer, and is not followed.
func probe(ctx context.Context, t cluster.Target) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	files := t.Cluster.TLS
	conf, err := config.NewTLSConfig(&config.TLSConfig{CAFile: files.CAFile, CertFile: files.CertFile, KeyFile: files.KeyFile, ServerName: files.ServerName})
	if err != nil {
		return fmt.Errorf("TLS files of cluster %q: %w", t.Cluster.Name, err)
	}
	client := http.Client{
		Transport:     &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.Member.Endpoint, nil)
	if err != nil {
		return fmt.Errorf("endpoint of %s: %w", t, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	if resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%s answers %s", t.Member.Endpoint, resp.Status)
	}
	return nil
}
