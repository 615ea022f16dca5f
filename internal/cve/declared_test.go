package cve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
	"github.com/fettle-io/fettle/repair/action"
)

// declaredClasses are those by which a label became more than the one argument or the
// one part of a request that a playbook's step has for it.
func declaredClasses() []class {
	return []class{
		{"10,000 hostile labels in a step's command", "OliveTin GHSA-xc5w, adnanh/webhook #692", func(t *testing.T, s *site) { newDeeds(t).commands(s, 10_000) }},
		{"10,000 hostile labels in a step's URL and body", "n8n CVE-2026-21858, path and parameter injection", func(t *testing.T, _ *site) { newDeeds(t).requests(10_000) }},
		{"a label that steers which program runs", "OliveTin GHSA-prj9", func(t *testing.T, _ *site) {
			for _, section := range []string{
				"argv: [$l0], creates: /x", "argv: [/bin/sh, -c, $l0], creates: /x", "argv: [/usr/bin/env, $l0], unless: [$l0]", "argv: [/bin/x, --y=$l0], creates: /x",
				"argv: [/bin/x], creates: /x/$l0", "argv: [/bin/x], creates: /x, user: $l0", "argv: [/bin/x], creates: /x, writable: [$l0]",
				"argv: [/bin/x], creates: /x, env: {LD_PRELOAD: $l0}", "argv: [/bin/x], creates: /x, env: {PATH: $l0}", "argv: [/bin/x], creates: /x, env: {BASH_ENV: $l0}",
				"argv: [/bin/x], creates: /x, env: {$l0: x}", "argv: [/bin/x], creates: /x, timeout: $l0", "argv: [/bin/x], creates: /x, capabilities: [$l0]",
			} {
				if _, err := newDeeds(t).load("exec", section, 1); err == nil {
					t.Errorf("%s was taken", section)
				}
			}
		}},
		{"a request that a label sends elsewhere", "Grafana CVE-2025-4123, StackStorm, server-side request forgery", func(t *testing.T, _ *site) {
			const look = `unless: {url: "https://a.example/"}`
			for _, section := range []string{
				`url: "https://$l0/"`, `url: "$l0"`, `url: "$l0://a.example/"`, `url: "https://a.example:$l0/"`, `url: "https://a.example$l0/"`, `url: "https://u:$l0@a.example/"`,
				`url: "https://a.example/x$l0"`, `url: "https://a.example/?$l0=1"`, `url: "https://a.example/#$l0"`, `url: "https://a.example/", headers: {Host: x}`,
				`url: "https://a.example/", headers: {X: $l0}`, `url: "https://a.example/", headers: {$l0: x}`, `url: "https://a.example/", body: "$l0"`,
				`url: "https://a.example/", token_file: $l0`, `url: "https://a.example/", private: [$l0]`, `url: "https://a.example/", ca_file: /x/$l0`,
			} {
				if _, err := newDeeds(t).load("http", "method: POST, "+look+", "+section, 1); err == nil {
					t.Errorf("%s was taken", section)
				}
			}
		}},
		{"what a command prints in its undo", "OliveTin GHSA-vc6p", func(t *testing.T, s *site) { newDeeds(t).oldValues(s) }},
	}
}

// deeds is what declared steps are done with.
type deeds struct {
	*testing.T
	table map[string]repair.ActionSpec
	clock func() journal.Reading
	runs  atomic.Int32
}

func newDeeds(t *testing.T) *deeds {
	groups := service.NewGroups()
	t.Cleanup(groups.Close)
	clock, err := journal.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	return &deeds{T: t, clock: clock, table: action.Table(action.Deps{Exec: groups, Clock: clock, Local: func(string) bool { return true }, Services: service.NewCommands(service.CommandsOptions{})})}
}

// load reads a playbook of one step with n labels that may have any value.
func (d *deeds) load(name, section string, n int) (*repair.Playbook, error) {
	var labels strings.Builder
	for i := range n {
		fmt.Fprintf(&labels, "  l%d: {pattern: '(?s).*'}\n", i)
	}
	text := "name: p\nversion: 1\non: ['alertname=\"A\"']\nlabels:\n" + labels.String() +
		"target: {kind: service, cluster: web, member: w1}\ntier: P1\nautonomy: auto\nsteps:\n  - {name: a, action: " + name + ", " + name + ": {" + section + "}}\n"
	return repair.LoadPlaybook("p.yml", []byte(text), d.table, parseVerify)
}

func (d *deeds) must(name, section string, n int) *repair.Playbook {
	d.Helper()
	p, err := d.load(name, section, n)
	if err != nil {
		d.Fatal(err)
	}
	return p
}

// accepted are the values that one step takes, and each that it refuses must have a
// reason: so that not everything is refused.
func (d *deeds) accepted(p *repair.Playbook, values []string, refusable string) (all []string) {
	d.Helper()
	for _, v := range values {
		_, _, err := p.Resolve(inventory(), map[string]string{"l0": v})
		if err == nil {
			all = append(all, v)
			continue
		}
		if v != "" && len(v) <= 1024 && v[0] != '-' && v[0] != '$' && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd || r >= 0xad }) &&
			!strings.ContainsAny(v, refusable) && v != "." && v != ".." {
			d.Errorf("%q is refused: %v", v, err)
		}
	}
	if len(all) < len(values)/8 {
		d.Errorf("only %d of %d are taken", len(all), len(values))
	}
	return all
}

// called builds the program that writes down how it was called: it starts in a moment,
// which this test's own program, looked for races, does not.
func (d *deeds) called() string {
	d.Helper()
	path := filepath.Join(d.TempDir(), "called")
	if out, err := exec.CommandContext(d.Context(), "go", "build", "-buildvcs=false", "-o", path, "./testdata/called").CombinedOutput(); err != nil {
		d.Fatalf("build the test's program: %v\n%s", err, out)
	}
	return path
}

// labelled has n of the values, from the first on, with "ok" for those that are missing.
func labelled(values []string, n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint("l", i)] = "ok"
		if i < len(values) {
			m[fmt.Sprint("l", i)] = values[i]
		}
	}
	return m
}

// hostiles are n hostile strings.
func hostiles(n int) []string {
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same in each run
	texts := hostile()
	some := len(texts)
	for len(texts) < n {
		var b strings.Builder
		for range 1 + r.IntN(3) {
			b.WriteString(texts[r.IntN(some)])
			if r.IntN(2) == 0 {
				b.WriteRune(rune(1 + r.IntN(0xd7fe)))
			}
		}
		texts = append(texts, b.String())
	}
	return texts
}

// apply does a playbook's step with labels, to its end.
func (d *deeds) apply(p *repair.Playbook, with map[string]string) {
	d.Helper()
	target, steps, err := p.Resolve(inventory(), with)
	if err == nil {
		err = d.run(target, steps[0])
	}
	if err != nil {
		d.Error(err)
	}
}

func (d *deeds) run(target cluster.Target, step repair.PlannedStep) error {
	d.Helper()
	spec, err := d.table[step.Action].Bind(step)
	if err != nil {
		return err
	}
	now := d.clock()
	in := repair.Intent{Run: fmt.Sprintf("018f6a00-0000-7000-8000-%012d", d.runs.Add(1)), Attempt: 1, Target: target, NotAfterBoot: now.Boot, NotAfterSince: now.Since + time.Minute}
	if err := spec.Action.Apply(d.Context(), in); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		seen, err := spec.Action.(repair.Watcher).Watch(d.Context(), target, in)
		if err != nil || !seen.Facts.Sights[0].Service.Busy {
			return err
		}
	}
	return errors.New("the step has not ended in ten minutes")
}

func references(n int, form string) string {
	parts := make([]string, n)
	for i := range n {
		parts[i] = strings.ReplaceAll(form, "#", fmt.Sprint(i))
	}
	return strings.Join(parts, "")
}

// commands: what arrives as arguments and variables is what the labels were.
func (d *deeds) commands(s *site, n int) {
	const chunk = 60
	program, file := d.called(), s.file("deeds")
	section := func(n int) string {
		return fmt.Sprintf("argv: [%q, %q%s], env: {A: $l0, B: $l%d}, creates: /nothing/here, timeout: 10m", program, file, references(n, ", $l#"), n-1)
	}
	values := d.accepted(d.must("exec", section(1), 1), hostiles(n), "")
	p := d.must("exec", section(chunk), chunk)
	var want, got []string
	var running sync.WaitGroup
	slots := make(chan struct{}, 8)
	for all := range slices.Chunk(values, chunk) {
		with := labelled(all, chunk)
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			d.apply(p, with)
		})
		args := make([]string, chunk)
		for i := range args {
			args[i] = with[fmt.Sprint("l", i)]
		}
		want = append(want, fmt.Sprintf("%q", args))
	}
	running.Wait()
	for _, c := range s.calls(d.T, "deeds") {
		args := c.Args
		if len(args) != chunk || !slices.Contains(c.Env, "A="+args[0]) || !slices.Contains(c.Env, "B="+args[chunk-1]) || len(c.Env) != 6 {
			d.Errorf("%d arguments, environment %q", len(args), c.Env)
		}
		got = append(got, fmt.Sprintf("%q", args))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		d.Errorf("%d commands were called of %d, or otherwise", len(got), len(want))
	}
	d.Logf("%d of %d values reached a command, each as it was; the others were refused", len(values), n)
}

// requests: what arrives in the path, the query and the body is what the labels were,
// in the places that the playbook has for them.
func (d *deeds) requests(n int) {
	const chunk = 20
	type arrived struct {
		host, path string
		query      url.Values
		body       []string
	}
	var mu sync.Mutex
	var seen []arrived
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet { // the step's own look
			return
		}
		text, err := io.ReadAll(r.Body)
		a := arrived{host: r.Host, path: r.URL.EscapedPath()}
		if err == nil {
			a.query, err = url.ParseQuery(r.URL.RawQuery)
		}
		if err == nil {
			err = json.Unmarshal(text, &a.body)
		}
		if err != nil {
			d.Errorf("%v: %s", err, text)
		}
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, a)
	}))
	defer web.Close()
	took := func() []arrived { // since it was asked last
		mu.Lock()
		defer mu.Unlock()
		all := seen
		seen = nil
		return all
	}
	host := strings.TrimPrefix(web.URL, "http://")
	section := func(n int, path string) string {
		return fmt.Sprintf(`method: POST, private: [127.0.0.0/8], url: "%s/a%s/z?f=1%s", json: '["a"%s]', timeout: 10m, unless: {url: "%s/"}`, web.URL, path, references(n, "&q#=$l#"), references(n, `, "$l#"`), web.URL)
	}
	values := hostiles(n)
	inPath := d.accepted(d.must("http", section(1, "/$l0"), 1), values, `/\`)
	elsewhere := d.accepted(d.must("http", section(1, ""), 1), values, "")
	try := func(path string, values []string) {
		d.Helper()
		p := d.must("http", section(chunk, path), chunk)
		for all := range slices.Chunk(values, chunk) {
			with := labelled(all, chunk)
			d.apply(p, with)
			seen := took()
			if len(seen) != 1 || seen[0].host != host || len(seen[0].query) != chunk+1 || len(seen[0].body) != chunk+1 {
				d.Fatalf("arrived: %+v", seen)
			}
			segments := strings.Split(seen[0].path, "/")
			if first, last := segments[1], segments[len(segments)-1]; first != "a" || last != "z" || len(segments) != 3+strings.Count(path, "/") {
				d.Fatalf("path %s", seen[0].path)
			}
			for i := range chunk {
				v := with[fmt.Sprint("l", i)]
				if q := seen[0].query[fmt.Sprint("q", i)]; len(q) != 1 || q[0] != v || seen[0].body[i+1] != v {
					d.Errorf("%q arrived as %q and %q", v, q, seen[0].body[i+1])
				}
				if path == "" {
					continue
				}
				if got, err := url.PathUnescape(segments[i+2]); err != nil || got != v {
					d.Errorf("%q arrived as segment %q", v, segments[i+2])
				}
			}
		}
	}
	try(references(chunk, "/$l#"), inPath)
	try("", elsewhere)
	d.Logf("of %d values %d reached a path, and %d a query and a body, each as it was; the others were refused", n, len(inPath), len(elsewhere))
}

// oldValues: what a command says is the old value is one argument of the undo, or the
// step is not done at all.
func (d *deeds) oldValues(s *site) {
	value := s.file("old-value")
	p := d.must("exec", fmt.Sprintf("argv: [/bin/true], creates: /nothing/here, timeout: 10m, undo: {argv: [%q, %q, $was, x], was: [/bin/cat, %q]}", d.called(), s.file("undone"), value), 1)
	target, steps, err := p.Resolve(inventory(), map[string]string{"l0": "x"})
	if err != nil {
		d.Fatal(err)
	}
	do, err := d.table["exec"].Bind(steps[0])
	if err != nil {
		d.Fatal(err)
	}
	var want []string
	for _, v := range append(hostile(), "plain") {
		if err := os.WriteFile(value, []byte(v), 0o600); err != nil {
			d.Fatal(err)
		}
		seen, err := do.Action.Observe(d.Context(), target)
		if err != nil {
			continue // it is not done
		}
		undo := repair.PlannedStep{Action: "exec", Declared: steps[0].Undo.Declared, Undoes: &repair.Undoes{Declared: steps[0].Declared, Was: seen.Observation.Was}}
		if err := d.run(target, undo); err != nil {
			d.Fatal(err)
		}
		want = append(want, v)
	}
	var got []string
	for _, c := range s.calls(d.T, "undone") {
		if len(c.Args) != 2 || c.Args[1] != "x" {
			d.Errorf("called as %q", c.Args)
			continue
		}
		got = append(got, c.Args[0])
	}
	if !slices.Equal(got, want) || len(got) < 20 {
		d.Errorf("put back %q, want %q", got, want)
	}
}
