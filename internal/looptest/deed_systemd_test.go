//go:build servers && linux

package looptest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/systemdtest"
	"github.com/fettle-io/fettle/repair"
)

// bench is a machine with a plain service and fettle, as units, and a command that
// takes its time.
func bench(t *testing.T) (m *machine, deed string) {
	t.Helper()
	const home = "/var/lib/loop"
	built, err := deedCommand()
	if err != nil {
		t.Fatalf("build the test's program: %v\n%s", err, built)
	}
	log := "StandardOutput=append:" + home + "/fettle.log\nStandardError=append:" + home + "/fettle.log\n"
	install := "[Install]\nWantedBy=default.target\n"
	host := systemdtest.Start(t, map[string]string{
		"web.service":    "[Service]\nExecStart=/srv/web/current/server infinity\n" + install,
		"fettle.service": "[Service]\nExecStart=" + systemdtest.Programs + "/fettle serve --config.file=" + home + "/fettle.yml\n" + log + install,
	}, map[string]string{"fettle": fettle, "deed": built})
	root := fmt.Sprintf("/proc/%d/root", host.PID)
	must(t, os.MkdirAll(filepath.Join(root, home, "deed"), 0o700))
	s := &server{
		t: t, home: root + home, socket: root + home + "/s", root: root, program: systemdtest.Programs + "/fettle",
		wrap: []string{"nsenter", "--target", fmt.Sprint(host.PID), "--all", "--root", "--wd", "--"},
		dial: dialIn(fmt.Sprintf("/proc/%d/ns/net", host.PID)),
	}
	s.furnish(options{settle: "100ms", settings: "cooldown: 0, attempts: 0, eager_gap: 50ms", clusters: []cluster.Cluster{
		{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "w1", Host: "localhost", Unit: "web.service"}}},
	}})
	m = &machine{server: s, host: host}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the journal:\n%s\nfettle:\n%s", s.story(), last(s.said(), 6000))
		}
	})
	return m, systemdtest.Programs + "/deed"
}

// serve starts fettle's unit, and waits until it takes messages.
func (m *machine) serve() {
	m.t.Helper()
	if info, err := os.Stat(m.log); err == nil {
		m.begun = info.Size()
	}
	m.systemctl("reset-failed")
	m.systemctl("start", "fettle")
	m.ready()
}

// A command is a unit of its own under systemd. fettle is killed and started again, and
// stopped and started again, while it runs: it goes on, is found, and is never begun a
// second time. Where fettle is killed just before it would begin, it was never begun,
// and is by a new intent.
func TestACommandOutlivesFettle(t *testing.T) {
	needRoot(t)
	m, deed := bench(t)
	must(t, os.MkdirAll(m.root+"/srv/web/current", 0o755))
	must(t, os.Symlink("/bin/sleep", m.root+"/srv/web/current/server"))
	m.systemctl("enable", "web")
	m.systemctl("start", "web")
	const dir = "/var/lib/loop/deed"
	outside := m.root + dir
	must(t, os.WriteFile(filepath.Join(m.playbooks(), "slow.yml"), slowly(deed, dir, "", "user: root, writable: ["+dir+"], timeout: 60s"), 0o600))
	alert := alertOf(map[string]string{"alertname": "ItIsSlow"})
	m.serve()
	m.send(alert)
	first := begun(t, outside, 1)
	for _, how := range [][]string{{"kill", "--signal=KILL", "fettle"}, {"stop", "fettle"}} {
		m.systemctl(how...)
		until(t, "fettle is gone", func() error {
			if _, err := m.host.Systemctl("is-active", "fettle"); err == nil {
				return errNotYet
			}
			return nil
		})
		m.serve()
		if _, err := m.host.Run("kill", "-0", fmt.Sprint(first[0])); err != nil {
			t.Fatalf("after %v the command is gone: %v", how, err)
		}
	}
	must(t, os.WriteFile(filepath.Join(outside, "go"), nil, 0o600))
	run := m.outcome(1)
	results := m.results(m.story())
	if run.Outcome != repair.Repaired || len(results) != 1 || results[0].Result != repair.StepVerified || len(begun(t, outside, 1)) != 1 || m.intents("web/w1") != 1 {
		t.Errorf("%+v: %+v", run, results)
	}
	must(t, m.api.Close(t.Context(), run.Episode, "", "done"))

	// The next one is killed before it begins the command.
	must(t, os.Remove(filepath.Join(outside, "done")))
	m.systemctl("stop", "fettle")
	m.systemctl("set-environment", "FETTLE_FAILPOINT=before-apply")
	m.serve()
	m.send(alertOf(map[string]string{"alertname": "ItIsSlow", "n": "2"}))
	until(t, "fettle is killed", func() error {
		if state, _ := m.host.Systemctl("is-active", "fettle"); state != "failed" {
			return errNotYet
		}
		return nil
	})
	m.systemctl("unset-environment", "FETTLE_FAILPOINT")
	m.serve()
	if run := m.outcome(2); run.Outcome != repair.Repaired {
		t.Errorf("%+v", run)
	}
	results = m.results(m.story())[1:]
	if len(results) != 2 || results[0].Result != repair.StepFailed || !strings.Contains(results[0].Says, "systemd has no such unit") || results[1].Result != repair.StepVerified || len(begun(t, outside, 2)) != 2 {
		t.Errorf("%+v", results)
	}
	m.verify()
}

// The example that runs a command, as it stands but for its ceiling: a web server dies
// of its newest release, gets the one before, and a person takes that back.
func TestReleaseBackForReal(t *testing.T) {
	needRoot(t)
	m, _ := bench(t)
	for _, release := range []string{"v1", "v2"} {
		must(t, os.MkdirAll(m.root+"/srv/web/"+release, 0o755))
	}
	must(t, os.Symlink("/bin/sleep", m.root+"/srv/web/v1/server"))
	must(t, os.Symlink("/bin/false", m.root+"/srv/web/v2/server"))
	must(t, os.Symlink("v1", m.root+"/srv/web/previous"))
	must(t, os.Symlink("/srv/web/v2", m.root+"/srv/web/current"))
	text, err := os.ReadFile("../../docs/examples/playbooks/web-release-back.yml")
	must(t, err)
	text = []byte(strings.Replace(string(text), "autonomy: approve ", "autonomy: auto ", 1))
	must(t, os.WriteFile(filepath.Join(m.playbooks(), "web-release-back.yml"), text, 0o600))
	m.systemctl("enable", "web")
	m.systemctl("start", "--no-block", "web")
	until(t, "the new release has died", func() error {
		if state, _ := m.host.Systemctl("is-active", "web"); state != "failed" {
			return errNotYet
		}
		return nil
	})
	m.serve()
	m.send(alertOf(map[string]string{"alertname": "WebServerDown", "cluster": "web", "member": "w1"}))
	run := m.outcome(1)
	if run.Outcome != repair.Repaired {
		t.Fatalf("%+v", run)
	}
	m.active("web")
	current := func(want string) {
		t.Helper()
		if got, err := os.Readlink(m.root + "/srv/web/current"); err != nil || got != want {
			t.Errorf("the release is %s, %v, want %s", got, err, want)
		}
	}
	current("/srv/web/previous")
	var was []string
	for _, in := range of[repair.IntentData](t, m.story(), repair.TypeIntent) {
		if in.Before.Was != nil {
			was = append(was, *in.Before.Was)
		}
	}
	if !slices.Equal(was, []string{"/srv/web/v2"}) {
		t.Errorf("the journal has the old values %q", was)
	}
	must(t, m.api.Close(t.Context(), run.Episode, "", "it is to be undone"))
	if _, err := m.api.TakeBack(t.Context(), run.Run, "", "the new release was not at fault"); err != nil {
		t.Fatal(err)
	}
	if undo := m.outcome(2); undo.Outcome != repair.Repaired {
		t.Errorf("the undo ended %+v", undo)
	}
	current("/srv/web/v2")
	m.verify()
}
