package online

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// routing is an Alertmanager's configuration, as far as it says where alerts go.
type routing struct {
	Route     route `yaml:"route"`
	Receivers []struct {
		Name     string `yaml:"name"`
		Webhooks []struct {
			URL          string `yaml:"url"`
			SendResolved *bool  `yaml:"send_resolved"`
		} `yaml:"webhook_configs"`
	} `yaml:"receivers"`
}

type route struct {
	Receiver  string            `yaml:"receiver"`
	Match     map[string]string `yaml:"match"`
	MatchRE   map[string]string `yaml:"match_re"`
	Matchers  []string          `yaml:"matchers"`
	Continue  bool              `yaml:"continue"`
	GroupWait *model.Duration   `yaml:"group_wait"`
	Routes    []route           `yaml:"routes"`
}

func parseRouting(text string) (*routing, error) {
	var r routing
	if err := yaml.Unmarshal([]byte(text), &r); err != nil {
		return nil, fmt.Errorf("its configuration cannot be read: %w", err)
	}
	return &r, nil
}

// end is where an alert ends up: a receiver, after a wait.
type end struct {
	receiver string
	wait     time.Duration
}

// defaultWait is Alertmanager's own group_wait.
const defaultWait = 30 * time.Second

// ends are all of them, by Alertmanager's rules.
func (r *routing) ends(labels map[string]string) []end {
	all, _ := r.Route.ends(labels, end{wait: defaultWait}, true)
	return all
}

func (r route) ends(labels map[string]string, inherited end, root bool) ([]end, bool) {
	if !root && !r.matches(labels) {
		return nil, false
	}
	own := inherited
	if r.Receiver != "" {
		own.receiver = r.Receiver
	}
	if r.GroupWait != nil {
		own.wait = time.Duration(*r.GroupWait)
	}
	var all []end
	for _, child := range r.Routes {
		found, ok := child.ends(labels, own, false)
		all = append(all, found...)
		if ok && !child.Continue {
			break
		}
	}
	if len(all) == 0 {
		all = []end{own}
	}
	return all, true
}

// matches tells whether a route takes an alert. What cannot be read matches nothing.
func (r route) matches(labels map[string]string) bool {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(r.Match)) {
		texts = append(texts, fmt.Sprintf("%s=%q", name, r.Match[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(r.MatchRE)) {
		texts = append(texts, fmt.Sprintf("%s=~%q", name, r.MatchRE[name]))
	}
	for _, text := range append(texts, r.Matchers...) {
		ms, err := parse.Matchers(text)
		if err != nil {
			return false
		}
		for _, m := range ms {
			if !m.Matches(labels[m.Name]) {
				return false
			}
		}
	}
	return true
}

// hooks tells whether a receiver has a webhook that may be fettle's: since 0.26
// Alertmanager does not tell a webhook's URL.
func (r *routing) hooks(receiver string) bool {
	for _, have := range r.Receivers {
		if have.Name != receiver {
			continue
		}
		for _, w := range have.Webhooks {
			if w.URL == "<secret>" || strings.Contains(w.URL, "/api/v1/alertmanager") {
				return true
			}
		}
	}
	return false
}
