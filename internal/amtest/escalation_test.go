//go:build servers

package amtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	alertapi "github.com/prometheus/alertmanager/api/v2/client/alert"
	"github.com/prometheus/alertmanager/api/v2/models"

	"github.com/fettle-io/fettle/escalate"
	"github.com/fettle-io/fettle/repair"
)

// escalation is what an Alertmanager holds active of fettle's own alerts for a cluster.
func (s *sender) escalation(cluster string) (*models.GettableAlert, error) {
	filter := []string{`alertname="` + escalate.Alertname + `"`, `cluster="` + cluster + `"`}
	got, err := s.api.Alert.GetAlerts(alertapi.NewGetAlertsParamsWithContext(s.t.Context()).WithFilter(filter))
	if err != nil {
		return nil, err
	}
	if len(got.Payload) == 0 {
		return nil, fmt.Errorf("%w: Alertmanager %s knows of none of %s", errNotYet, s.name, cluster)
	}
	return got.Payload[0], nil
}

// toldOf waits until both show an escalation of the cluster, or until neither does.
func (w *ward) toldOf(cluster string, want bool) {
	w.Helper()
	until(w, fmt.Sprintf("both Alertmanagers show an escalation of %s: %t", cluster, want), func() error {
		for _, s := range w.both() {
			if _, err := s.escalation(cluster); (err == nil) != want {
				return fmt.Errorf("%w: Alertmanager %s: %w", errNotYet, s.name, err)
			}
		}
		return nil
	})
}

// What is not in order in its tier's time is told to both Alertmanagers, again and again
// until a person knows of it, or until its episode closes; fettle is never sent its own
// alert as one to repair.
func TestPeopleAreTold(t *testing.T) {
	t.Parallel()
	const every = 3 * time.Second // an alert that is not told again is over in 12 s
	w := newWard(t, 2, routing{}, fmt.Sprintf("escalate_every: %s, deadline: 2s", every))
	server := "unix://" + w.server.socket
	w.cli("pause", "--server", server, "--reason", "nobody repairs")
	var faults []fault
	for _, name := range []string{"s1", "s2"} {
		w.crash(t, name)
		faults = append(faults, down(name))
	}
	start := time.Now()
	w.fire(faults...)
	w.toldOf("s1", true)
	took := time.Since(start)
	w.toldOf("s2", true)
	a, err := w.b.escalation("s1")
	must(t, err)
	if l := a.Labels; l["origin"] != "fettle" || l["reason"] != "deadline" || l["tier"] != "P1" || l["severity"] != "warning" || l["member"] != "" {
		t.Errorf("labels %v", l)
	}
	// The deadline may pass before the run is refused: what is told next says so.
	until(w, "what is told says what was refused", func() error {
		a, err := w.b.escalation("s1")
		if err != nil {
			return err
		}
		if d := a.Annotations["description"]; !strings.Contains(d, "s1/web") || !strings.Contains(d, "pause(paused)") || a.Annotations["runbook_url"] == "" {
			return fmt.Errorf("%w: annotations %v", errNotYet, a.Annotations)
		}
		return nil
	})
	stays(w, 12*every, func() error {
		for _, s := range w.both() {
			if _, err := s.escalation("s1"); err != nil {
				return err
			}
		}
		return nil
	})
	if n := w.metric(`fettle_escalation_firing{reason="deadline"}`); n != 2 {
		t.Errorf("%v clusters are told of", n)
	}
	w.proc.Kill() // what is told outlives the process
	w.serve()
	w.toldOf("s1", true)

	var episode string
	for _, e := range of[repair.EscalatedData](t, w.story(), repair.TypeEscalate) {
		if e.Cluster == "s1" {
			episode = e.Episode
		}
	}
	w.cli("ack", episode, "--server", server, "--comment", "on it")
	w.toldOf("s1", false)
	w.toldOf("s2", true)

	w.cli("unpause", "--server", server)
	w.settled(repair.Repaired, faults...)
	w.end(faults...)
	w.closed(2)
	w.toldOf("s2", false)
	stays(w, 3*every, func() error {
		for _, s := range w.both() {
			if _, err := s.escalation("s1"); err == nil {
				return fmt.Errorf("s1 is told of again, after an acknowledgement")
			}
		}
		return nil
	})
	for _, r := range of[repair.Received](t, w.story(), repair.TypeReceived) {
		if r.Labels["alertname"] == escalate.Alertname && (r.Playbook != "" || r.Episode != "") {
			t.Errorf("fettle's own alert opened something: %+v", r)
		}
	}
	w.once(faults...)
	t.Logf("both show it %s after the alert", took.Round(100*time.Millisecond))
}
