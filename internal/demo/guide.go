package demo

import (
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/repair"
)

// settings says what the demo sets against the defaults.
func (s Show) settings(st *Stage, versions string) string {
	return fmt.Sprintf(`%s
three etcd members, Prometheus, Alertmanager, fettle_exporter and fettle serve run in %s
set against the defaults: autonomy %s (default observe), cooldown 0 (10 min), attempts off (3 in 15 min), settle %s (60 s),
  Alertmanager's group_wait 0 s (docs: 0 s) and group_interval 1 s (30 s), Prometheus' scrape and evaluation %s (15 s or more)
tokens of its own for every role, mode 0600; members chosen by --seed=%d

`, versions, st.Dir, repair.Auto, seconds(st.Settle), seconds(st.Interval), s.Seed)
}

// guide is what a person needs who looks around in a kept demo.
func (s *Stage) guide() string {
	var b strings.Builder
	fmt.Fprintf(&b, `
everything keeps running; Ctrl-C stops it
  Prometheus       %s/alerts   (a build from the pinned module has no web pages: they answer 500, the API works)
  Alertmanager     %s
  fettle           %s   (Authorization: Bearer, with a token from below)
  fettle_exporter  %s/metrics
`, s.URL("prometheus"), s.URL("alertmanager"), s.URL("fettle"), s.URL("fettle_exporter"))
	for _, m := range s.Specs {
		fmt.Fprintf(&b, "  etcd %-11s %s\n", m.Name, m.Client)
	}
	fmt.Fprintf(&b, "  tokens           %s/{%s}\n", s.path("tokens"), strings.Join(roles(), ","))
	fmt.Fprintf(&b, "  output           %s\n\n", s.path("output"))
	fmt.Fprintf(&b, "  %s status --server=unix://%s\n", s.Fettle, s.ServerSocket())
	fmt.Fprintf(&b, "  %s demo member --socket %s kill m1 \"$(%s demo member --socket %s status m1 | jq -r .identity)\"\n", s.Fettle, s.Socket, s.Fettle, s.Socket)
	return b.String()
}
