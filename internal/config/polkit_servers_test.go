//go:build servers && linux

package config_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/systemdtest"
)

// asked is what polkit answers to who asks for what.
var asked = []struct { //nolint:gochecknoglobals // a table
	user, action, unit, verb string
	plain, run               bool // without and with a playbook that runs commands
}{
	{"fettle", "manage-units", `etcd-m1\x2dx.service`, "start", true, true},
	{"fettle", "manage-units", `etcd-m1\x2dx.service`, "kill", true, true},
	{"fettle", "manage-units", `etcd-m1\x2dx.service`, "reset-failed", true, true},
	{"fettle", "manage-units", `etcd-m1\x2dx.service`, "stop", false, false},
	{"fettle", "manage-units", "web.service", "restart", true, true},
	{"fettle", "manage-units", "web.service", "start", false, false},
	{"fettle", "manage-units", "other.service", "restart", false, false},
	{"fettle", "manage-units", "etcd.service", "start", false, false},
	{"fettle", "manage-units", "commanded.service", "start", false, false},
	{"fettle", "manage-units", "hasOwnProperty", "start", false, false},
	{"fettle", "manage-units", "", "", false, true},
	{"fettle", "manage-units", aTransient, "start", false, true},
	{"fettle", "manage-units", aTransient, "kill", false, true},
	{"fettle", "manage-units", "fettle-look-aaaabbbbccccddddeeeeffff22.service", "stop", false, true},
	{"fettle", "manage-units", aTransient, "set-property", false, false},
	{"fettle", "manage-units", "fettle-exporter.service", "stop", false, false},
	{"fettle", "manage-units", "x" + aTransient, "start", false, false},
	{"fettle", "manage-units", aTransient + ".service", "start", false, false},
	{"nobody", "manage-units", "web.service", "restart", false, false},
	{"fettle", "manage-unit-files", "web.service", "restart", false, false},
	{"fettle", "reload-daemon", "", "", false, false},
}

// The rules are run by a JavaScript engine, as polkit does.
func TestPolkit(t *testing.T) {
	for _, run := range []bool{false, true} {
		var js strings.Builder
		js.WriteString(`var rule, polkit = {Result: {YES: "yes", NOT_HANDLED: "no"}, addRule: function(f) { rule = f }};` + "\n" + polkit(t, run))
		var want []string
		for _, q := range asked {
			unit, verb := "undefined", "undefined"
			if q.unit != "" {
				unit, verb = "String.raw`"+q.unit+"`", `"`+q.verb+`"`
			}
			js.WriteString(`console.log(rule({id: "org.freedesktop.systemd1.` + q.action + `", lookup: function(k) { return k == "unit" ? ` + unit + ` : ` + verb + ` }}, {user: "` + q.user + `"}));` + "\n")
			answer := "no"
			if run && q.run || !run && q.plain {
				answer = "yes"
			}
			want = append(want, answer)
		}
		cmd := exec.CommandContext(t.Context(), "node", "--input-type=commonjs")
		cmd.Stdin = strings.NewReader(js.String())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for i, answer := range strings.Fields(string(out)) {
			if answer != want[i] {
				t.Errorf("with commands %v, asked %+v: %s", run, asked[i], answer)
			}
		}
		if n := len(strings.Fields(string(out))); n != len(asked) {
			t.Errorf("%d answers to %d questions", n, len(asked))
		}
	}
}

// The rules under a real polkit and a real systemd, asked by fettle's user.
func TestPolkitForReal(t *testing.T) {
	unit := "[Service]\nExecStart=/bin/sleep infinity\n"
	host := systemdtest.Start(t, map[string]string{"web.service": unit, "other.service": unit}, nil)
	must := func(argv ...string) {
		t.Helper()
		if _, err := host.Run(argv...); err != nil {
			t.Fatal(err)
		}
	}
	must("useradd", "--system", "fettle")
	must("systemctl", "start", "polkit")
	as := func(want bool, argv ...string) {
		t.Helper()
		enter := []string{"setpriv", "--reuid=fettle", "--regid=fettle", "--clear-groups"}
		if _, err := host.Run(append(enter, argv...)...); (err == nil) != want {
			t.Errorf("%q: %v, want %v", argv, err, want)
		}
	}
	systemctl := func(want bool, args ...string) {
		t.Helper()
		as(want, append([]string{"systemctl", "--no-ask-password"}, args...)...)
	}
	transient := func(want bool) {
		t.Helper()
		as(want, "systemd-run", "--no-ask-password", "--quiet", "--unit="+aTransient, "--remain-after-exit", "/bin/true")
	}
	systemctl(false, "restart", "web")
	for _, run := range []bool{false, true} {
		c, playbooks := powerful(run)
		c.Clusters[0].Members = []cluster.Member{{Name: "m1", Host: "here", Unit: "etcd.service"}}
		text, err := config.Polkit(c, playbooks, "fettle")
		if err != nil {
			t.Fatal(err)
		}
		rules := fmt.Sprintf("/proc/%d/root/etc/polkit-1/rules.d/50-fettle.rules", host.PID)
		if err := os.WriteFile(rules, []byte(text), 0o644); err != nil { //nolint:gosec // polkit reads it as another user
			t.Fatal(err)
		}
		must("systemctl", "restart", "polkit")
		systemctl(true, "restart", "web")
		systemctl(false, "stop", "web")
		systemctl(false, "restart", "other")
		transient(run)
	}
	systemctl(true, "stop", aTransient)
	systemctl(false, "daemon-reload")
}
