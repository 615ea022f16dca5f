package looptest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
)

// notice is one alert as Alertmanager sends it.
type notice struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// message is Alertmanager's webhook message, version 4.
type message struct {
	Receiver          string            `json:"receiver"`
	Status            string            `json:"status"`
	Alerts            []notice          `json:"alerts"`
	Reason            string            `json:"notification_reason,omitempty"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   int               `json:"truncatedAlerts"`
}

// down is the alert that a member of the cluster demo is down, as the rule's.
func down(member string) notice {
	return alertOf(map[string]string{
		"alertname": "FettleRaftMemberDown", "cluster": "demo", "member": member, "severity": "critical", "tier": "P0",
	})
}

func alertOf(labels map[string]string) notice {
	return notice{
		Status: "firing", Labels: labels, Annotations: map[string]string{"summary": "down"},
		StartsAt: time.Now().Add(-time.Second).UTC(), GeneratorURL: "http://prometheus.example/graph",
		Fingerprint: string(alert.FingerprintOf(labels)),
	}
}

// over is the same alert, resolved.
func (n notice) over() notice {
	n.Status, n.EndsAt = "resolved", time.Now().UTC()
	return n
}

// body is the message with these alerts.
func body(t testing.TB, alerts ...notice) []byte {
	t.Helper()
	status := "resolved"
	for _, a := range alerts {
		if a.Status == "firing" {
			status = "firing"
		}
	}
	b, err := json.Marshal(message{
		Receiver: "fettle", Status: status, Alerts: alerts, GroupLabels: map[string]string{}, CommonLabels: map[string]string{},
		CommonAnnotations: map[string]string{}, ExternalURL: "http://alertmanager.example", Version: "4", GroupKey: "{}:{}",
	})
	must(t, err)
	return b
}

// send posts alerts as the first sender, and wants 200.
func (s *server) send(alerts ...notice) {
	s.t.Helper()
	status, said := s.post("first", body(s.t, alerts...), nil)
	if status != http.StatusOK {
		s.t.Fatalf("the message got %d: %s", status, said)
	}
}

// post posts a body with a credential's token; change may alter the request.
// Status 0 is no answer.
func (s *server) post(credential string, b []byte, change func(*http.Request)) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.url+"/api/v1/alertmanager", bytes.NewReader(b))
	must(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token(credential))
	if change != nil {
		change(req)
	}
	client := http.Client{Timeout: 30 * time.Second, Transport: s.transport()}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(said)
}

// token is a credential's bearer token.
func token(credential string) string { return strings.Repeat(credential+"-0123456789", 3) }
