package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const prometheusAnswer = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`

const alertmanagerAnswer = `{"cluster":{"status":"disabled","peers":[]},"config":{"original":""},"uptime":"2026-11-21T02:24:51Z",` +
	`"versionInfo":{"branch":"","buildDate":"","buildUser":"","goVersion":"","revision":"","version":"0.34.2"}}`

// Whether Prometheus and the Alertmanagers answer is told as it is: a time of the last
// answer that goes on only while they do.
func TestMonitorsAreAsked(t *testing.T) {
	var down atomic.Bool
	serve := func(body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if down.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	a := start(t, plain+"prometheus: {url: "+serve(prometheusAnswer)+"}\nalertmanager: {urls: [http://127.0.0.1:1, "+serve(alertmanagerAnswer)+"]}\n")

	a.lookAtMonitors(t.Context())
	first := time.Now()
	for name, want := range map[string]float64{
		"fettle_prometheus_reachable": 1, "fettle_alertmanagers": 2, "fettle_alertmanagers_reachable": 1,
		"fettle_alertmanager_last_answer_timestamp_seconds": 0, // one has never answered
		"fettle_approvals_waiting":                          0, "fettle_circuits_open": 0,
	} {
		if got := value(t, a, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	at := value(t, a, "fettle_prometheus_last_answer_timestamp_seconds")
	if at < float64(first.Add(-time.Minute).Unix()) {
		t.Errorf("Prometheus answered last at %f", at)
	}

	down.Store(true)
	a.lookAtMonitors(t.Context())
	if got := value(t, a, "fettle_prometheus_reachable"); got != 0 {
		t.Errorf("a Prometheus that answers 503 is told as reachable: %v", got)
	}
	if got := value(t, a, "fettle_alertmanagers_reachable"); got != 0 {
		t.Errorf("%v Alertmanagers are told as reachable", got)
	}
	stopped := value(t, a, "fettle_prometheus_last_answer_timestamp_seconds")
	a.lookAtMonitors(t.Context())
	if got := value(t, a, "fettle_prometheus_last_answer_timestamp_seconds"); got != stopped || got == 0 {
		t.Errorf("the time of the last answer goes on without one, from %f to %f", stopped, got)
	}
}

// Without a Prometheus nothing is said of one.
func TestMonitorsThatAreNotConfigured(t *testing.T) {
	a := start(t, plain)
	a.lookAtMonitors(t.Context())
	for _, name := range []string{"fettle_prometheus_reachable", "fettle_prometheus_last_answer_timestamp_seconds", "fettle_alertmanager_last_answer_timestamp_seconds"} {
		if _, ok := find(t, a, name); ok {
			t.Errorf("%s is there", name)
		}
	}
	if got := value(t, a, "fettle_alertmanagers"); got != 0 {
		t.Errorf("%v Alertmanagers", got)
	}
}

// The dead man's switch: the alert that always fires is seen when it comes in, its end is not.
func TestWatchdogIsSeen(t *testing.T) {
	a := start(t, plain)
	send := func(name, status string) {
		t.Helper()
		body := strings.Replace(strings.ReplaceAll(firing, `"firing"`, `"`+status+`"`), "FettleRaftMemberDown", name, 1)
		if code, answer := post(t, a, body); code != http.StatusOK {
			t.Fatalf("%d %s", code, answer)
		}
	}
	send("FettleRaftMemberDown", "firing")
	send("FettleWatchdog", "resolved")
	if got := value(t, a, "fettle_watchdog_last_seen_timestamp_seconds"); got != 0 {
		t.Errorf("seen at %f before it came", got)
	}
	send("FettleWatchdog", "firing")
	first := value(t, a, "fettle_watchdog_last_seen_timestamp_seconds")
	if age := float64(time.Now().UnixNano())/1e9 - first; age < 0 || age > 60 {
		t.Fatalf("seen %f s ago", age)
	}
	send("FettleWatchdog", "firing") // a repeat, of which there is no record
	if again := value(t, a, "fettle_watchdog_last_seen_timestamp_seconds"); again <= first {
		t.Errorf("a repeat was not seen: %f, then %f", first, again)
	}
}

func value(t *testing.T, a *App, name string) float64 {
	t.Helper()
	v, ok := find(t, a, name)
	if !ok {
		t.Errorf("there is no %s", name)
	}
	return v
}

func find(t *testing.T, a *App, name string) (float64, bool) {
	t.Helper()
	families, err := a.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue(), true
		}
	}
	return 0, false
}
