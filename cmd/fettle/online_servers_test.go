//go:build servers

package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/demo"
	"github.com/fettle-io/fettle/internal/online"
	"github.com/fettle-io/fettle/internal/programs"
)

// installation is the demo's real servers, and the commands that look at them.
type installation struct {
	t      *testing.T
	stage  *demo.Stage
	fettle string
	dir    string
}

func install(t *testing.T) *installation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "online") // a socket's path must be short
	fatal(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	i := &installation{t: t, fettle: filepath.Join(dir, "fettle"), dir: dir}
	o := demo.Options{Dir: dir, Fettle: i.fettle, Exporter: filepath.Join(dir, "fettle_exporter"), Settle: 2 * time.Second}
	for path, what := range map[string]string{o.Fettle: ".", o.Exporter: "../fettle_exporter"} {
		if out, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, what).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", what, err, out)
		}
	}
	for name, path := range map[string]*string{"etcd": &o.Etcd, "prometheus": &o.Prometheus, "alertmanager": &o.Alertmanager} {
		p, err := programs.Find(ctx, name, programs.Options{})
		fatal(t, err)
		*path = p.Path
	}
	i.stage, err = demo.Start(ctx, o)
	fatal(t, err)
	t.Cleanup(func() { _ = i.stage.Close() })
	return i
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// file is one of the stage's.
func (i *installation) file(name string) string {
	return filepath.Join(filepath.Dir(i.stage.Journal()), name)
}

// run runs fettle, and returns what it printed and whether it ended well.
func (i *installation) run(args ...string) (stdout, stderr string, ok bool) {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, i.fettle, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	return out.String(), errs.String(), err == nil
}

// look is check --online.
func (i *installation) look(args ...string) (found []online.Finding, ok bool) {
	i.t.Helper()
	return i.lookWith(i.file("fettle.yml"), args...)
}

func (i *installation) lookWith(config string, args ...string) (found []online.Finding, ok bool) {
	i.t.Helper()
	stdout, stderr, ok := i.run(append([]string{"check", "--online", "--output=json", "--config.file=" + config, "--exporter.config.file=" + i.file("exporter.yml")}, args...)...)
	var r struct {
		Online []online.Finding `json:"online"`
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		i.t.Fatalf("%v\n%s\n%s", err, stdout, stderr)
	}
	return r.Online, ok
}

func (i *installation) wants(found []online.Finding, state online.State, area, where, says, do string) {
	i.t.Helper()
	if !slices.ContainsFunc(found, func(f online.Finding) bool {
		return f.State == state && f.Area == area && strings.Contains(f.Where, where) && strings.Contains(f.Says, says) && strings.Contains(f.Do, do)
	}) {
		i.t.Errorf("no %s in %s at %q that says %q, and what to do: %q. Found:\n%+v", state, area, where, says, do, found)
	}
}

// An installation of real servers, in order and then not: what check --online, init and
// plan say of it.
func TestOnline(t *testing.T) {
	i := install(t)
	// A scrape that takes too long is in order again with the next one.
	found, ok := i.look()
	for end := time.Now().Add(time.Minute); !ok && time.Now().Before(end); time.Sleep(time.Second) {
		found, ok = i.look()
	}
	if !ok {
		t.Errorf("an installation in order is not: %+v", found)
	}
	for _, area := range []string{"services", "prometheus", "rules", "alertmanager", "server", "delivery", "deadlines"} {
		if !slices.ContainsFunc(found, func(f online.Finding) bool { return f.Area == area && f.State == online.OK }) {
			t.Errorf("nothing of %s is in order: %+v", area, found)
		}
	}
	i.wants(found, online.Warning, "members", "demo/m1", "which is not pinned", "member_id: ")
	i.wants(found, online.OK, "delivery", i.stage.URL("alertmanager"), `arrived by its receiver "fettle"`, "")
	i.wants(found, online.OK, "prometheus", "job fettle_exporter", "1 of 1 targets up, scraped every 1s", "")
	i.wants(found, online.OK, "deadlines", "FettleRaftMemberDown", "up to 2s from fault to webhook", "")
	i.wants(found, online.Warning, "deadlines", "FettleRaftMemberDown", "no person hears of it", "continue")
	t.Run("init", i.findsItself)
	t.Run("interval", i.otherInterval)
	t.Run("service", i.unwatchedService)
	t.Run("routes", i.routes)
	t.Run("member", i.member)
}

// init finds by Prometheus alone what there is, and what it writes passes the check.
func (i *installation) findsItself(t *testing.T) {
	dir := filepath.Join(i.dir, "found")
	stdout, stderr, ok := i.run("init", "--prometheus="+i.stage.URL("prometheus"), "--dir="+dir)
	if !ok || !strings.Contains(stdout, "3 members") {
		t.Fatalf("init: %s\n%s", stdout, stderr)
	}
	text, err := os.ReadFile(filepath.Join(dir, "fettle.yml"))
	fatal(t, err)
	for _, want := range []string{`"m1"`, `"m3"`, `urls: ["` + i.stage.URL("alertmanager") + `"]`, "scrape_interval: 1s", `url: "` + i.stage.URL("prometheus") + `"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("fettle.yml lacks %s:\n%s", want, text)
		}
	}
	if stdout, stderr, ok := i.run("check", "--config.file="+filepath.Join(dir, "fettle.yml"), "--exporter.config.file="+filepath.Join(dir, "exporter.yml")); !ok || strings.Contains(stdout, "warning") {
		t.Errorf("check: %s\n%s", stdout, stderr)
	}
	i.amtool(t, filepath.Join(dir, "alertmanager-fettle.yml"))
}

// amtool reads the routes to paste as Alertmanager does, in a configuration around them.
func (i *installation) amtool(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	fatal(t, err)
	whole := strings.Replace(string(text), "  routes:", "  receiver: people\n  routes:", 1)
	whole = strings.Replace(whole, "receivers:", "receivers:\n  - name: people", 1)
	i.reload(t, whole)
}

// reload gives Alertmanager another configuration: it refuses one that it cannot read.
func (i *installation) reload(t *testing.T, text string) {
	t.Helper()
	old, err := os.ReadFile(i.file("alertmanager.yml"))
	fatal(t, err)
	put := func(text []byte) int {
		fatal(t, os.WriteFile(i.file("alertmanager.yml"), text, 0o600))
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // also when the test is over
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.stage.URL("alertmanager")+"/-/reload", nil)
		fatal(t, err)
		resp, err := http.DefaultClient.Do(req)
		fatal(t, err)
		fatal(t, resp.Body.Close())
		return resp.StatusCode
	}
	t.Cleanup(func() { put(old) })
	if code := put([]byte(text)); code != http.StatusOK {
		t.Errorf("Alertmanager does not take it (%d):\n%s", code, text)
	}
}

// A scrape interval that the configuration does not know.
func (i *installation) otherInterval(t *testing.T) {
	text, err := os.ReadFile(i.file("fettle.yml"))
	fatal(t, err)
	other := filepath.Join(i.dir, "other.yml")
	fatal(t, os.WriteFile(other, []byte(strings.Replace(string(text), "scrape_interval: 1s", "scrape_interval: 30s", 1)), 0o600))
	found, ok := i.lookWith(other)
	if ok {
		t.Error("another interval is in order")
	}
	i.wants(found, online.Problem, "prometheus", "job fettle_exporter", "scraped every 1s, and fettle.yml says 30s", "scrape_interval: 1s")
	i.wants(found, online.Warning, "server", "fettle serve", "another configuration", "reload")
}

// A service whose unit no exporter tells of.
func (i *installation) unwatchedService(t *testing.T) {
	text, err := os.ReadFile(i.file("fettle.yml"))
	fatal(t, err)
	other := filepath.Join(i.dir, "service.yml")
	const web = "clusters:\n  - name: web\n    kind: service\n    members:\n      - {name: w1, host: web1.example, unit: web.service}\n"
	fatal(t, os.WriteFile(other, []byte(strings.Replace(string(text), "clusters:\n", web, 1)), 0o600))
	found, _ := i.lookWith(other)
	i.wants(found, online.Warning, "prometheus", "web", "there is no fettle_unit_member_reachable of w1", "exporter.yml on the machine of each member")
}

// Alertmanager without a route to fettle, with a wrong token, and with one that waits too
// long.
func (i *installation) routes(t *testing.T) {
	old, err := os.ReadFile(i.file("alertmanager.yml"))
	fatal(t, err)
	t.Run("none", func(t *testing.T) {
		i.reload(t, "route: {receiver: people}\nreceivers: [{name: people}]\n")
		found, ok := i.look("--wait=3s")
		if ok {
			t.Error("an alert that does not arrive is in order")
		}
		i.wants(found, online.Problem, "delivery", i.stage.URL("alertmanager"), "did not arrive within 3s: its routes send it to people", "no route leads it to a webhook")
		i.wants(found, online.Problem, "deadlines", "FettleRaftMemberDown", "to no webhook: its routes send it to people", "fettle init")
	})
	t.Run("token", func(t *testing.T) {
		wrong := filepath.Join(i.dir, "wrong.token")
		fatal(t, os.WriteFile(wrong, []byte("0123456789abcdef0123456789abcdef\n"), 0o600))
		i.reload(t, "route: {receiver: fettle, group_wait: 0s}\nreceivers: [{name: fettle, webhook_configs: [{url: \""+i.stage.URL("fettle")+"/api/v1/alertmanager\", http_config: {authorization: {credentials_file: \""+wrong+"\"}}}]}]\n")
		found, _ := i.look("--wait=3s")
		i.wants(found, online.Problem, "delivery", i.stage.URL("alertmanager"), "its routes send it to fettle", "its token")
	})
	t.Run("slow", func(t *testing.T) {
		i.reload(t, strings.Replace(string(old), "group_wait: 0s", "group_wait: 2m", 1))
		found, _ := i.look("--wait=1s")
		i.wants(found, online.Warning, "deadlines", "FettleRaftMemberDown", "group_wait 2m0s, and etcd-member-restart (P0) is to be repaired within 1m0s", "group_wait 0s")
	})
}

// A member that is down: found, and what would be done about it is foreseen.
func (i *installation) member(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := api.NewClient(api.ClientOptions{Address: "unix:" + i.stage.ServerSocket()})
	fatal(t, err)
	_, err = client.Pause(ctx, api.Pause{Reason: "so that it stays down"})
	fatal(t, err)
	_, err = i.stage.Break(ctx, "m2", demo.Kill)
	fatal(t, err)
	found, ok := i.look("--wait=10s")
	if ok {
		t.Error("a dead member is in order")
	}
	i.wants(found, online.Problem, "members", "demo/m2", "did not answer: refused", "nobody listens there")
	i.wants(found, online.OK, "services", "demo/m2", "says dead", "")
	// Who is left may be electing a leader, and another guard refuses until then.
	wants := []string{"it would be blocked by pause(paused)", "step 2    start (member-start): to do", "guard     quorum: go", "guard     pause: refused (paused)"}
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		stdout, stderr, ok := i.run("plan", "--server=unix://"+i.stage.ServerSocket(), "alertname=FettleRaftMemberDown", "cluster=demo", "member=m2")
		missing := slices.DeleteFunc(slices.Clone(wants), func(want string) bool { return strings.Contains(stdout, want) })
		if ok && len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("plan lacks %q:\n%s\n%s", missing, stdout, stderr)
		}
	}
}
