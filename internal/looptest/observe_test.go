package looptest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/repair"
)

// With an inventory and nothing said about autonomy, nothing is ever changed, and
// what would be done is in the journal.
func TestObserveIsTheDefault(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{autonomy: unsaid})
	w.start()
	w.crash("m2")
	w.send(down("m2"))
	f := w.ended("m2", repair.ObservedOnly)
	if !slices.Equal(f.Would, []string{"member-start"}) {
		t.Errorf("it would do %v", f.Would)
	}
	if len(f.Verdicts) == 0 {
		t.Error("no guard's verdict is in the record")
	}
	plans, err := w.api.Plans(t.Context(), api.Filter{})
	must(t, err)
	if len(plans) != 1 || plans[0].Outcome != "observed" || len(plans[0].Steps) != 2 {
		t.Errorf("plans: %+v", plans)
	}
	if text := w.explain(f.Run); !strings.Contains(text, "member-start") || !strings.Contains(text, "autonomy") {
		t.Errorf("explain does not say what would be done, and how to allow it:\n%s", text)
	}
	if got := w.metric(`fettle_run_outcomes_total{outcome="observed",playbook="etcd-member-restart"}`); got != 1 {
		t.Errorf("%v observed runs are counted", got)
	}
	w.quiet(5 * time.Second)
	if st := w.story(); st.count(repair.TypeIntent) != 0 || st.count(repair.TypePlanned) != 1 {
		t.Error("looking on opened further runs, or wrote an intent")
	}
}

// With no configuration at all a user's own fettle keeps its journal in the user's
// folders, and says so; an alert ends blocked(target), and explain says what to
// configure.
func TestWithoutConfiguration(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for dir := home; dir != filepath.Dir(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if dir != os.TempDir() {
			must(t, os.Chmod(dir, 0o755)) // for the other user
		}
	}
	s := &server{t: t, home: home, log: filepath.Join(t.TempDir(), "log")}
	env := []string{"HOME=" + home}
	for name, sub := range map[string]string{"XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config", "XDG_RUNTIME_DIR": "run"} {
		must(t, os.Mkdir(filepath.Join(home, sub), 0o700))
		env = append(env, name+"="+filepath.Join(home, sub))
	}
	if os.Geteuid() == 0 { // root may write to the system's folders
		const nobody = 65534
		must(t, os.Chown(home, nobody, nobody))
		for _, sub := range []string{"state", "config", "run"} {
			must(t, os.Chown(filepath.Join(home, sub), nobody, nobody))
		}
		s.as = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	t.Cleanup(s.shutdown)
	s.launch(env, "--web.listen-address=127.0.0.1:0")
	if log := s.said(); !strings.Contains(log, "this user's own folders") || !strings.Contains(log, filepath.Join(home, "state", "fettle", "journal")) {
		t.Errorf("the log does not say where the journal is:\n%s", log)
	}
	s.journalDir = filepath.Join(home, "state", "fettle", "journal")
	if status, said := s.post("", body(t, down("m2")), nil); status != 200 {
		t.Fatalf("got %d: %s", status, said)
	}
	f := s.outcome(1)
	if f.Outcome != repair.Blocked || f.Reason != repair.ReasonTarget {
		t.Errorf("ended %s(%s): %s", f.Outcome, f.Reason, f.Detail)
	}
	text := s.cli("explain", f.Run, "--server="+s.url)
	for _, want := range []string{"blocked", "target", "clusters", "fettle.yml"} {
		if !strings.Contains(text, want) {
			t.Errorf("explain does not say %q:\n%s", want, text)
		}
	}
	if n := s.story().count(repair.TypeIntent); n != 0 {
		t.Errorf("%d intents", n)
	}
}
