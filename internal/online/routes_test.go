package online

import (
	"slices"
	"testing"
	"time"
)

const routesFile = `
route:
  receiver: people
  group_wait: 10s
  routes:
    - receiver: fettle
      matchers: ['alertname="FettleTest"']
      group_wait: 0s
    - receiver: fettle
      matchers: ['tier=~"P[012]"', 'origin!="fettle"']
      group_wait: 1s
      continue: true
    - match: {team: db}
      routes:
        - receiver: pager
          match_re: {severity: 'crit.*'}
    - receiver: night
      matchers: ['a="1", b="2"']
    - receiver: people
receivers:
  - name: people
  - name: pager
  - name: night
  - name: fettle
    webhook_configs: [{url: <secret>}]
  - name: chat
    webhook_configs: [{url: "http://chat/hook"}]
`

func TestRoutes(t *testing.T) {
	r, err := parseRouting(routesFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		labels map[string]string
		want   []end
	}{
		"the test":       {map[string]string{"alertname": "FettleTest", "tier": "P2", "origin": "fettle"}, []end{{"fettle", 0}}},
		"an alert":       {map[string]string{"alertname": "X", "tier": "P0"}, []end{{"fettle", time.Second}, {"people", 10 * time.Second}}},
		"fettle's own":   {map[string]string{"alertname": "X", "tier": "P0", "origin": "fettle"}, []end{{"people", 10 * time.Second}}},
		"a child":        {map[string]string{"team": "db", "severity": "critical"}, []end{{"pager", 10 * time.Second}}},
		"its parent":     {map[string]string{"team": "db", "severity": "info"}, []end{{"people", 10 * time.Second}}},
		"two in one":     {map[string]string{"a": "1", "b": "2"}, []end{{"night", 10 * time.Second}}},
		"one of the two": {map[string]string{"a": "1"}, []end{{"people", 10 * time.Second}}},
	} {
		if got := r.ends(c.labels); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for name, want := range map[string]bool{"fettle": true, "people": false, "chat": false, "none": false} {
		if r.hooks(name) != want {
			t.Errorf("hooks(%s) is %v", name, !want)
		}
	}
	if _, err := parseRouting("route: ["); err == nil {
		t.Error("what cannot be read is read")
	}
}

func TestClockAndCertificate(t *testing.T) {
	now := time.Date(2026, 11, 21, 2, 34, 0, 500e6, time.UTC)
	for name, c := range map[string]struct {
		date time.Time
		took time.Duration
		want int
	}{
		"the same second": {now.Truncate(time.Second), time.Millisecond, 0},
		"2 s ahead":       {now.Add(2 * time.Second).Truncate(time.Second), 0, 0},
		"5 s ahead":       {now.Add(5 * time.Second).Truncate(time.Second), 0, 1},
		"slow, not ahead": {now.Add(5 * time.Second).Truncate(time.Second), 4 * time.Second, 0},
		"5 s behind":      {now.Add(-5 * time.Second).Truncate(time.Second), 0, 1},
		"not told":        {time.Time{}, 0, 0},
	} {
		f := &found{tell: func(Finding) {}}
		f.clock("x", c.date, now, c.took)
		if len(f.all) != c.want {
			t.Errorf("%s: %+v", name, f.all)
		}
	}
	for days, want := range map[int]State{-1: Problem, 5: Warning, 40: ""} {
		f := &found{tell: func(Finding) {}}
		f.certificate("x", now.AddDate(0, 0, days), now)
		if len(f.all) > 0 && f.all[0].State != want || len(f.all) == 0 && want != "" {
			t.Errorf("%d days left: %+v", days, f.all)
		}
	}
}

// The rules that come with fettle can be compared with what Prometheus prints.
func TestShipped(t *testing.T) {
	all, err := shipped()
	if err != nil || all["FettleRaftMemberDown"] == "" || len(all) < 20 {
		t.Errorf("%d rules, %v", len(all), err)
	}
}
