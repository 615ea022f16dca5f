//go:build servers && linux

package config

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
	"github.com/fettle-io/fettle/internal/servertest"
	"github.com/fettle-io/fettle/internal/systemdtest"
)

// The real promtool takes the example, with the real rules and a token where it says.
func TestExampleForPrometheus(t *testing.T) {
	dir := etc(t, "prometheus.yml")
	rules, err := filepath.Glob("../../rules/*.rules.yml")
	if err != nil || len(rules) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	for _, path := range rules {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "prometheus/fettle", filepath.Base(path)), string(text))
	}
	write(t, filepath.Join(dir, "prometheus/fettle.token"), "0123456789abcdef\n")
	out, err := exec.CommandContext(t.Context(), program(t, "promtool"), "check", "config", filepath.Join(dir, "prometheus.yml")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "rules found"); n != len(rules) {
		t.Errorf("promtool found %d of %d rule files:\n%s", n, len(rules), out)
	}
}

// The real Alertmanager starts with the example.
func TestExampleForAlertmanager(t *testing.T) {
	dir := etc(t, "alertmanager.yml")
	path := program(t, "alertmanager")
	address := servertest.FreeAddress(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, path, "--config.file="+filepath.Join(dir, "alertmanager.yml"),
		"--storage.path="+t.TempDir(), "--web.listen-address="+address, "--cluster.listen-address=")
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		resp, err := http.Get("http://" + address + "/-/ready")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		select {
		case err := <-ended:
			t.Fatalf("Alertmanager ended: %v\n%s", err, &said)
		case <-time.After(50 * time.Millisecond):
		}
	}
	cancel()
	<-ended
}

// etc puts an example where its paths lead into a directory of the test's own.
func etc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, name), strings.ReplaceAll(string(text), " /etc/", " "+dir+"/"))
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func program(t *testing.T, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // it may have to be built
	defer cancel()
	p, err := programs.Find(ctx, name, programs.Options{Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	return p.Path
}

// The script for the members' own machines says under a real systemd what happened
// to a unit, and does what it may.
func TestExampleForMembers(t *testing.T) {
	const unit = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=default.target\n"
	host := systemdtest.Start(t, map[string]string{"etcd.service": unit}, map[string]string{"etcd-member": filepath.Join(examples, "etcd-member.sh")})
	run := func(argv ...string) string {
		t.Helper()
		out, err := host.Run(argv...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	type status struct {
		State     string  `json:"state"`
		Identity  string  `json:"identity"`
		MemberID  string  `json:"member_id"`
		DataDirOK bool    `json:"data_dir_ok"`
		Age       float64 `json:"age_seconds"`
	}
	ask := func() (s status) {
		t.Helper()
		out := run("/opt/fettle-test/etcd-member", "status")
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return s
	}
	await := func(state string) status {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			s := ask()
			if s.State == state {
				return s
			}
			if time.Now().After(deadline) {
				t.Fatalf("want %s, got %+v", state, s)
			}
		}
	}

	run("rm", "-rf", "/var/lib/etcd")
	run("systemctl", "enable", "etcd.service")
	if s := await("dead"); s.DataDirOK || s.MemberID != "" { // wanted, never started, nothing there
		t.Errorf("without a data directory: %+v", s)
	}
	run("mkdir", "-p", "/var/lib/etcd/member/wal")
	run("sh", "-c", "echo 8e9e05c52164694d > /var/lib/etcd/member/fettle-member-id; echo log > /var/lib/etcd/member/wal/0.wal")
	run("/opt/fettle-test/etcd-member", "start")
	if s := ask(); s.State == "dead" { // fettle would take it for a start without effect
		t.Errorf("right after the start: %+v", s)
	}
	first := await("running")
	if !first.DataDirOK || first.MemberID != "8e9e05c52164694d" || first.Identity == "" {
		t.Errorf("running: %+v", first)
	}
	if out, err := host.Run("/opt/fettle-test/etcd-member", "kill 0123456789abcdef"); err == nil {
		t.Errorf("it killed another process than the one named: %s", out)
	}
	run("/opt/fettle-test/etcd-member", "kill "+first.Identity)
	await("dead")
	run("/opt/fettle-test/etcd-member", "start")
	if second := await("running"); second.Identity == first.Identity {
		t.Errorf("two starts with the identity %s", second.Identity)
	}
	run("systemctl", "stop", "etcd.service")
	await("stopped_on_purpose")
	for _, hostile := range []string{"", "stop", "status; id", "kill", "start\nid"} {
		if out, err := host.Run("/opt/fettle-test/etcd-member", hostile); err == nil {
			t.Errorf("%q was taken: %s", hostile, out)
		}
	}
}
