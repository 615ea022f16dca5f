//go:build servers

package looptest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/demo"
	"github.com/fettle-io/fettle/repair"
)

// The whole loop with a real Prometheus, Alertmanager and exporter. fettle dies at
// its first message, before anything of it is on disk: nobody but the real
// Alertmanager sends it again.
func TestWholeLoopAndAlertmanagerSendsAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	short, err := os.MkdirTemp("", "loop")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	exporter := filepath.Join(short, "fettle_exporter")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", exporter, "../../cmd/fettle_exporter").CombinedOutput(); err != nil {
		t.Fatalf("build the exporter: %v\n%s", err, out)
	}
	t.Setenv("FETTLE_FAILPOINT", "before-append/"+repair.TypeReceived)
	stage, err := demo.Start(ctx, demo.Options{
		Dir: short, Fettle: fettle, Exporter: exporter,
		Etcd: programOf(t, "etcd"), Prometheus: programOf(t, "prometheus"), Alertmanager: programOf(t, "alertmanager"),
		Settle: 2 * time.Second,
	})
	must(t, err)
	t.Cleanup(func() { must(t, stage.Close()) })
	s := &server{t: t, journalDir: stage.Journal(), socket: stage.ServerSocket(), url: stage.URL("fettle")}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(stage.Output("fettle"))
			t.Logf("the journal:\n%s\nfettle:\n%s", s.story(), last(string(log), 6000))
		}
	})
	_, err = stage.Break(ctx, "m2", demo.Kill)
	must(t, err)
	client, err := api.NewClient(api.ClientOptions{Address: "unix:" + stage.ServerSocket()})
	must(t, err)
	until(t, "fettle is killed at its first message", func() error {
		if err := client.Ready(ctx); !errors.Is(err, syscall.ECONNREFUSED) { // whatever else, it lives
			return fmt.Errorf("%w: %w", errNotYet, err)
		}
		return nil
	})
	if n := s.story().count(repair.TypeReceived); n != 0 {
		t.Fatalf("%d records of a message that was not written", n)
	}
	must(t, os.Unsetenv("FETTLE_FAILPOINT"))
	must(t, stage.StartServe(ctx))
	s.repaired("m2")
	st := s.story()
	if n := st.count(repair.TypeIntent); n != 1 {
		t.Errorf("%d intents, want one", n)
	}
	if text := s.explain("demo/m2"); !strings.Contains(text, "repaired") {
		t.Errorf("explain does not say repaired:\n%s", text)
	}
	must(t, stage.AwaitWhole(ctx))
	if said := s.verify(); !strings.HasPrefix(said, "verified") {
		t.Errorf("verify: %s", said)
	}
	st = s.await("the alert's end closes the episode", func(st story) bool { return st.count(repair.TypeClosed) == 1 })
	if c := of[repair.ClosedData](t, st, repair.TypeClosed)[0]; c.Reason != "in_order" || !c.Mutated {
		t.Errorf("closed %+v", c)
	}
}
