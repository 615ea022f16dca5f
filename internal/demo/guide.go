package demo

import (
	"fmt"
	"strings"

	"github.com/fettle-io/fettle/repair"
)

// settings is what the demo runs, and what it sets against the defaults.
type settings struct {
	Programs string          `json:"programs"`
	Dir      string          `json:"dir"`
	Autonomy repair.Autonomy `json:"autonomy"`
	Cooldown string          `json:"cooldown"`
	Attempts string          `json:"attempts"`
	Settle   string          `json:"settle"`
	Interval string          `json:"scrape_and_evaluation_interval"`
	Group    string          `json:"group_interval"`
	Seed     uint64          `json:"seed,string"`
}

func (s Show) settings(st *Stage, versions string) settings {
	return settings{
		Programs: versions, Dir: st.Dir, Autonomy: st.Autonomy, Cooldown: "0", Attempts: "off",
		Settle: st.Settle.String(), Interval: st.Interval.String(), Group: "1s", Seed: s.Seed,
	}
}

func (s settings) text() string {
	return fmt.Sprintf(`%s
running in %s, with tokens of its own (mode 0600)
set against the defaults:
  autonomy %s (observe), cooldown %s (10m), attempts %s (3 in 15m), settle %s (60s)
  Alertmanager: group_wait 0s (30s), group_interval %s (5m); Prometheus: scrape and evaluation %s (1m)
members are chosen by --seed=%d

`, s.Programs, s.Dir, s.Autonomy, s.Cooldown, s.Attempts, s.Settle, s.Group, s.Interval, s.Seed)
}

// guide is what a person needs who looks around in a kept demo.
type guide struct {
	Prometheus   string            `json:"prometheus"`
	Alertmanager string            `json:"alertmanager"`
	Fettle       string            `json:"fettle"`
	Socket       string            `json:"socket"`
	Exporter     string            `json:"fettle_exporter"`
	Etcd         map[string]string `json:"etcd"`   // by member
	Tokens       map[string]string `json:"tokens"` // files, by role
	Output       string            `json:"output"`

	program, supervisor string
	members             []string
}

func (s *Stage) guide() guide {
	g := guide{
		Prometheus: s.URL("prometheus"), Alertmanager: s.URL("alertmanager"), Fettle: s.URL("fettle"), Exporter: s.URL("fettle_exporter"),
		Socket: s.ServerSocket(), Etcd: map[string]string{}, Tokens: map[string]string{}, Output: s.path("output"),
		program: s.Fettle, supervisor: s.Socket, members: s.Members,
	}
	for _, m := range s.Specs {
		g.Etcd[m.Name] = m.Client
	}
	for _, role := range roles() {
		g.Tokens[role] = s.TokenFile(role)
	}
	return g
}

func (g guide) text() string {
	var b strings.Builder
	row := func(name, value string) { fmt.Fprintf(&b, "  %-16s %s\n", name, value) }
	b.WriteString("\neverything keeps running; Ctrl-C stops it\n")
	row("Prometheus", g.Prometheus+"   (built from the pinned module its web pages answer 500; the API works)")
	row("Alertmanager", g.Alertmanager)
	row("fettle", g.Fettle+"   (a token below, as Authorization: Bearer)")
	row("fettle_exporter", g.Exporter+"/metrics")
	for _, m := range g.members {
		row("etcd "+m, g.Etcd[m])
	}
	for _, role := range roles() {
		row("token "+role, g.Tokens[role])
	}
	row("output", g.Output)
	fmt.Fprintf(&b, "what fettle sees:\n  %s status --server=unix://%s\n", g.program, g.Socket)
	fmt.Fprintf(&b, "a member's process, as PID@START, for a kill -9 of your own:\n  %s demo member --socket %s status %s\n", g.program, g.supervisor, g.members[0])
	return b.String()
}
