package faults

import (
	"bytes"
	"context"
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
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
	Fingerprint string            `json:"fingerprint"`
}

func alertOf(labels map[string]string) notice {
	return notice{
		Status: "firing", Labels: labels, Annotations: map[string]string{"summary": "down"},
		StartsAt: time.Now().Add(-time.Second).UTC(), Fingerprint: string(alert.FingerprintOf(labels)),
	}
}

// down is the alert that a service of the fleet is down.
func down(member string) notice {
	return alertOf(map[string]string{"alertname": "FettleServiceDown", "cluster": "fleet", "member": member, "tier": "P1"})
}

// other is an alert that no playbook matches.
func other(n string) notice { return alertOf(map[string]string{"alertname": "Other", "n": n}) }

// over is the same alert, resolved.
func (n notice) over() notice {
	n.Status, n.EndsAt = "resolved", time.Now().UTC()
	return n
}

// body is Alertmanager's webhook message, version 4, with these alerts.
func body(t testing.TB, alerts ...notice) []byte {
	t.Helper()
	status := "resolved"
	for _, a := range alerts {
		if a.Status == "firing" {
			status = "firing"
		}
	}
	b, err := json.Marshal(map[string]any{
		"receiver": "fettle", "status": status, "alerts": alerts, "groupLabels": map[string]string{}, "commonLabels": map[string]string{},
		"commonAnnotations": map[string]string{}, "externalURL": "http://alertmanager.example", "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0,
	})
	must(t, err)
	return b
}

// client has no connection left over from a fettle that was killed.
var client = http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// request asks the server something with a role's token. Status 0 is no answer.
func request(url, method, role string, b []byte, change func(*http.Request)) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), client.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(b))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+token(role))
	if b != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if change != nil {
		change(req)
	}
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

// token is a role's bearer token.
func token(role string) string { return strings.Repeat(role+"-0123456789", 3) }
