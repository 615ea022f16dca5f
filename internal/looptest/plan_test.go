package looptest

import (
	"slices"
	"testing"

	"github.com/fettle-io/fettle/api"
)

// What would happen is asked of a running fettle with a real cluster: it is what then
// happens, and asking leaves no record.
func TestPlan(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.start()
	labels := map[string]string{"alertname": "FettleRaftMemberDown", "cluster": "demo", "member": "m2"}
	ask := func(in api.PlanRequest) api.Foresight {
		t.Helper()
		before, err := w.api.State(t.Context())
		must(t, err)
		f, err := w.api.Foresee(t.Context(), in)
		must(t, err)
		after, err := w.api.State(t.Context())
		must(t, err)
		if before.Journal.Records != after.Journal.Records {
			t.Errorf("to ask made %d records", after.Journal.Records-before.Journal.Records)
		}
		return f
	}
	if f := ask(api.PlanRequest{Labels: labels}); f.Outcome != "noop" || f.Target != "demo/m2" || len(f.Steps) != 2 || f.Steps[1].State != "in order" {
		t.Errorf("in order: %+v", f)
	}
	p, err := w.api.Pause(t.Context(), api.Pause{Reason: "to look at it first"})
	must(t, err)
	w.crash("m2")
	f := ask(api.PlanRequest{Labels: labels})
	if f.Outcome != "blocked" || f.Refused == nil || f.Refused.Guard != "pause" || f.Steps[0].State != "in order" || f.Steps[1].State != "to do" {
		t.Errorf("paused: %+v", f)
	}
	refusing := slices.DeleteFunc(slices.Clone(f.Verdicts), func(v api.Verdict) bool { return v.Answer == "go" })
	if len(f.Verdicts) < 10 || len(refusing) != 1 || refusing[0].Reason != "paused" {
		t.Errorf("verdicts: %+v", f.Verdicts)
	}
	w.send(down("m2"))
	w.refused("m2", "pause", "paused")
	if f = ask(api.PlanRequest{ID: "demo/m2"}); f.Episode == "" || f.Refused == nil || f.Refused.Guard != "pause" {
		t.Errorf("of the open episode: %+v", f)
	}
	must(t, w.api.Unpause(t.Context(), p.ID, ""))
	w.repaired("m2")
	w.startedOnce("m2")
	if _, err := w.api.Foresee(t.Context(), api.PlanRequest{ID: "nobody"}); !api.IsNotFound(err) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := w.api.Foresee(t.Context(), api.PlanRequest{}); err == nil {
		t.Error("nothing was asked for, and it was answered")
	}
}
