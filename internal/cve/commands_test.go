package cve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/promql"
	"github.com/fettle-io/fettle/repair"
)

// commandClasses are those by which text became a command.
func commandClasses() []class {
	return []class{
		{"webhook JSON in a shell", "OliveTin CVE-2026-27626", func(t *testing.T, s *site) {
			for _, v := range hostile() {
				s.post(t, down("w1"+v))
				s.post(t, down("w1").with("cluster", "web"+v))
				s.post(t, down("w1").with("alertname", "FettleServiceDown"+v))
			}
			if calls := s.calls(t, "w1"); len(calls) > 0 {
				t.Errorf("a hostile name reached a command: %q", calls)
			}
		}},
		{"labels that nobody declared, in a command", "OliveTin CVE-2026-27626, adnanh/webhook #692", func(t *testing.T, s *site) {
			a := down("w1")
			for i, v := range hostile() {
				a = a.with(fmt.Sprintf("extra%d", i), v).with(v, "x")
			}
			s.post(t, a)
			until(t, "w1 is restarted", func() bool { return called(s.calls(t, "w1"), "restart") })
			s.onlyDeclared(t, "w1", "restart")
		}},
		{"arguments of a reserved name", "OliveTin GHSA-prj9", func(t *testing.T, s *site) {
			before := len(s.calls(t, "w1"))
			a := down("w1")
			for _, name := range []string{"ot_args", "argv", "args", "identity", "{identity}", "command", "PATH", "LD_PRELOAD", "GODEBUG", "HOME", "unit", "action"} {
				a = a.with(name, "reboot")
			}
			s.post(t, a)
			until(t, "w1 is looked at", func() bool { return len(s.calls(t, "w1")) > before })
			s.onlyDeclared(t, "w1", "restart")
		}},
		{"a command in an annotation", "treydock/alertmanager-command-responder", func(t *testing.T, s *site) {
			a := alert{labels: map[string]string{"alertname": "Other", "cluster": "web", "member": "w2"}, annotations: map[string]string{}}
			for _, name := range []string{"cr_local_cmd", "cr_ssh_cmd", "command", "playbook", "runbook", "action"} {
				a.annotations[name] = "service-restart"
			}
			s.post(t, a)
			s.settled(t)
			if calls := s.calls(t, "w2"); len(calls) > 0 {
				t.Errorf("an annotation reached a command: %q", calls)
			}
		}},
		{"a failing command ends the daemon", "prometheus-am-executor", func(t *testing.T, s *site) {
			s.post(t, down("w2"))
			until(t, "w2's command has failed", func() bool { return called(s.calls(t, "w2"), "fail") })
			until(t, "the run has failed", func() bool {
				_, _, body := s.do(t, request{path: "/api/v1/runs?target=web/w2", as: "viewer"})
				return strings.Contains(body, `"outcome":"failed"`)
			})
			s.onlyDeclared(t, "w2", "fail")
		}},
		{"10,000 hostile strings as arguments", "adnanh/webhook #692", func(t *testing.T, s *site) { argv(t, s, 10_000) }},
		{"an argument cut short at a NUL", "argument truncation", func(t *testing.T, s *site) {
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := service.Exec(t.Context(), []string{exe, probe, s.file("nul"), "a\x00b"}); err == nil {
				t.Error("an argument with a NUL was passed on")
			}
			if calls := s.calls(t, "nul"); len(calls) > 0 {
				t.Errorf("called as %q", calls)
			}
		}},
		{"what one command prints in the next one", "OliveTin GHSA-vc6p", func(t *testing.T, s *site) {
			for _, v := range hostile() {
				if strings.ContainsRune(v, 0) {
					continue // no argument at all
				}
				var got []string
				run := func(_ context.Context, argv []string) ([]byte, error) {
					if argv[0] == "status" {
						return json.Marshal(map[string]string{"state": "running", "identity": v})
					}
					got = argv
					return nil, nil
				}
				c := service.NewCommands(service.CommandsOptions{Run: run})
				target := cluster.Target{Cluster: cluster.Cluster{Name: "c"}, Member: cluster.Member{Name: "m", Commands: cluster.Commands{Status: []string{"status"}, Kill: []string{"kill", "--", "{identity}", "x{identity}"}}}}
				if err := c.Kill(t.Context(), target, v); err != nil {
					continue // refused: the answer of the status command was no good
				}
				if want := []string{"kill", "--", v, "x{identity}"}; !slices.Equal(got, want) {
					t.Errorf("called as %q, want %q", got, want)
				}
			}
		}},
		{"a shell in the configuration", "OliveTin CVE-2026-67438", func(t *testing.T, _ *site) {
			for _, argv := range []string{`[sh, -c, "start {identity}"]`, `[/bin/bash, -c, "x"]`, `[/bin/sh, -ec, "x"]`} {
				_, err := config.Parse("fettle.yml", fmt.Appendf(nil, "clusters:\n  - name: w\n    kind: service\n    members:\n      - {name: a, commands: {status: %s, restart: [/bin/true]}}\n", argv))
				if err == nil || !strings.Contains(err.Error(), "shell") {
					t.Errorf("%s: %v", argv, err)
				}
			}
		}},
		{"a pattern that is not anchored", "OliveTin GHSA-xc5w", func(t *testing.T, _ *site) {
			for _, pattern := range []string{"w1", "w1|w2", "(?m)^w1$", "(?m:w1)", "w1$", "^w1", "(?s)w1"} {
				p := playbook(t, pattern)
				for _, v := range []string{"w1x", "xw1", "w1\n", "\nw1", "w1\nreboot", "x\nw1", "w1|w2", " w1", "w1 ", "W1"} {
					if _, _, err := p.Resolve(inventory(), map[string]string{"member": v}); err == nil {
						t.Errorf("pattern %s takes %q", pattern, v)
					}
				}
				if _, _, err := p.Resolve(inventory(), map[string]string{"member": "w1"}); err != nil {
					t.Errorf("pattern %s: %v", pattern, err)
				}
			}
		}},
		{"a pattern that takes everything", "OliveTin GHSA-xc5w, argument without a type", func(t *testing.T, _ *site) {
			p := playbook(t, `(?s).*`)
			for _, v := range hostile() {
				if target, _, err := p.Resolve(inventory(), map[string]string{"member": v}); err == nil {
					t.Errorf("%q names %s", v, target)
				}
			}
		}},
		{"a leading dash", "adnanh/webhook #692, git's and ssh's options", func(t *testing.T, _ *site) {
			p := playbook(t, `.*`)
			inv := inventory()
			inv.Clusters[0].Members = append(inv.Clusters[0].Members, cluster.Member{Name: "-rf"})
			if _, _, err := p.Resolve(inv, map[string]string{"member": "-rf"}); err == nil {
				t.Error("a value that begins with a dash was taken")
			}
		}},
		{"a playbook's text put together from labels", "Ansible CVE-2024-11079", func(t *testing.T, _ *site) {
			for _, member := range []string{"a$member", "$member.x", "{{ member }}$member", "$$member"} {
				text := fmt.Sprintf(playbookText, ".*", member)
				if _, err := repair.LoadPlaybook("p.yml", []byte(text), actions(), parseVerify); err == nil {
					t.Errorf("member: %s was taken", member)
				}
			}
		}},
		{"what concurrent runs share", "OliveTin GHSA-7fq5", func(t *testing.T, _ *site) {
			p := playbook(t, `w[0-9]+`)
			inv := cluster.Inventory{Clusters: []cluster.Cluster{{Name: "web", Kind: cluster.KindService}}}
			for i := range 100 {
				inv.Clusters[0].Members = append(inv.Clusters[0].Members, cluster.Member{Name: fmt.Sprintf("w%d", i)})
			}
			x, err := promql.ParseExpression(`up{member="$member"} == 1`)
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for i := range 100 {
				all.Go(func() {
					name := fmt.Sprintf("w%d", i)
					for range 50 {
						target, _, err := p.Resolve(inv, map[string]string{"member": name})
						query, ferr := x.Fill(map[string]string{"member": name})
						if errors.Join(err, ferr) != nil || target.Member.Name != name || query != `up{member="`+name+`"} == 1` {
							t.Errorf("%s became %s and %s (%v)", name, target, query, errors.Join(err, ferr))
						}
					}
				})
			}
			all.Wait()
		}},
	}
}

// argv calls the probe with n strings in all: what arrives is what was given.
func argv(t *testing.T, s *site, n int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	texts := hostile()
	for len(texts) < n {
		var b strings.Builder
		for range 1 + r.IntN(3) {
			b.WriteString(texts[r.IntN(100)%len(hostile())])
			if r.IntN(2) == 0 {
				b.WriteRune(rune(1 + r.IntN(0xd7fe)))
			}
		}
		texts = append(texts, b.String())
	}
	texts = slices.DeleteFunc(texts, func(v string) bool { return strings.ContainsRune(v, 0) })
	var want []string
	for chunk := range slices.Chunk(texts, 200) {
		args := append([]string{"argv"}, chunk...)
		if _, err := service.Exec(t.Context(), append([]string{exe, probe, s.file("argv")}, args...)); err != nil {
			t.Fatal(err)
		}
		want = append(want, chunk...)
	}
	var got []string
	for _, c := range s.calls(t, "argv") {
		got = append(got, c.Args[1:]...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d arguments arrived of %d, or others", len(got), len(want))
	}
}

func called(calls []call, what string) bool {
	return slices.ContainsFunc(calls, func(c call) bool { return c.Args[0] == what })
}

// onlyDeclared demands that a member's commands were called exactly as the
// configuration says, with three variables in the environment.
func (s *site) onlyDeclared(t *testing.T, member, act string) {
	t.Helper()
	for _, c := range s.calls(t, member) {
		if !slices.Equal(c.Args, []string{"status"}) && !slices.Equal(c.Args, []string{act, "$member; reboot", "{{ .Labels }}"}) {
			t.Errorf("called as %q", c.Args)
		}
		for _, e := range c.Env {
			if name, _, _ := strings.Cut(e, "="); !slices.Contains([]string{"PATH", "LANG", "HOME"}, name) {
				t.Errorf("in the environment: %q", e)
			}
		}
	}
}

// settled waits until no run is live.
func (s *site) settled(t *testing.T) {
	t.Helper()
	until(t, "no run is live", func() bool {
		_, _, body := s.do(t, request{path: "/api/v1/runs?open=true", as: "viewer"})
		return strings.Contains(body, `"runs":[]`)
	})
}

const playbookText = `name: p
version: 1
on: ['alertname="A"']
labels: {member: {pattern: '%s'}}
target: {kind: service, cluster: web, member: "%s"}
tier: P1
autonomy: auto
steps: [{name: restart, action: service-restart}]
`

func playbook(t *testing.T, pattern string) *repair.Playbook {
	t.Helper()
	p, err := repair.LoadPlaybook("p.yml", fmt.Appendf(nil, playbookText, pattern, "$member"), actions(), parseVerify)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func actions() map[string]repair.ActionSpec {
	return map[string]repair.ActionSpec{"service-restart": {Name: "service-restart", Kind: cluster.KindService}}
}

func inventory() cluster.Inventory {
	return cluster.Inventory{Clusters: []cluster.Cluster{{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "w1"}, {Name: "w2"}}}}}
}

func parseVerify(text string) (repair.Expression, error) {
	x, err := promql.ParseExpression(text)
	return repair.Expression{Labels: x.Labels(), Fill: x.Fill}, err
}

// root is the module's directory.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
