package repair_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"go.uber.org/goleak"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

var (
	holds      = repair.VerifyResult{True: true, Believed: true, Says: "it returned {} 1"}          //nolint:gochecknoglobals // a value
	denied     = repair.VerifyResult{Believed: true, Says: "it returned nothing"}                   //nolint:gochecknoglobals // a value
	unbelieved = repair.VerifyResult{True: true, Says: "up[5m] has one sample, and two are needed"} //nolint:gochecknoglobals // a value
)

const upOfMember = `min(up{instance="m2",job="etcd"}) == 1`

// verifyWorld is a world whose playbook asks Prometheus too, and what it was asked.
func verifyWorld(t *testing.T, answer func(now time.Duration) repair.VerifyResult) (*fakeWorld, *[]repair.Verification) {
	t.Helper()
	w := newWorld(t, 3)
	asked := &[]repair.Verification{}
	w.verify = func(v repair.Verification) repair.VerifyResult {
		*asked = append(*asked, v)
		return answer(w.now)
	}
	w.cfg.Playbooks = []*repair.Playbook{w.playbook(`
name: etcd-member-restart
version: 1
description: A dead member is started.
on: ['alertname="FettleRaftMemberDown"']
labels:
  cluster: {pattern: '[a-z0-9-]+'}
  member: {pattern: '[a-z0-9-]+'}
target: {kind: etcd, cluster: $cluster, member: $member}
tier: P0
autonomy: auto
steps:
  - {name: end-hung, action: member-end-hung}
  - {name: start, action: member-start}
verify: {promql: 'min(up{job="etcd", instance="$member"}) == 1'}
`)}
	w.restart()
	return w, asked
}

func always(r repair.VerifyResult) func(time.Duration) repair.VerifyResult {
	return func(time.Duration) repair.VerifyResult { return r }
}

func lastFinished(w *fakeWorld) (f repair.FinishedData) {
	w.each(repair.TypeFinished, func(b []byte) { w.decode(b, &f) })
	return f
}

// In order is what the look and Prometheus both say.
func TestVerifyOfAHealthyMember(t *testing.T) {
	for name, tc := range map[string]struct {
		answer repair.VerifyResult
		want   string
		says   string
	}{
		"holds":        {holds, "noop", "verify holds: it returned {} 1"},
		"denied":       {denied, "blocked(verify/verify)", "verify does not hold: it returned nothing (" + upOfMember + ")"},
		"not believed": {unbelieved, "blocked(verify/verify)", "verify is not believed: up[5m] has one sample, and two are needed (" + upOfMember + ")"},
	} {
		t.Run(name, func(t *testing.T) {
			w, asked := verifyWorld(t, always(tc.answer))
			fire(w, "m2")
			w.run(10 * time.Minute)
			wantList(t, "outcomes", w.finished(), tc.want)
			f := lastFinished(w)
			if !strings.Contains(f.Says+f.Detail, tc.says) {
				t.Errorf("says %q, detail %q, want %q", f.Says, f.Detail, tc.says)
			}
			if n := w.count(repair.TypeIntent); n != 0 {
				t.Errorf("%d mutations of a member that is in order", n)
			}
			if len(*asked) < 10 {
				t.Errorf("asked %d times only, while the episode is open", len(*asked))
			}
			for _, v := range *asked {
				if v.Expr != upOfMember || v.Since != 5*time.Minute {
					t.Fatalf("asked %+v", v)
				}
			}
			var plan repair.Planned
			w.each(repair.TypePlanned, func(b []byte) { w.decode(b, &plan) })
			if plan.Verify != upOfMember {
				t.Errorf("the plan has %q", plan.Verify)
			}
		})
	}
}

// What Prometheus does not say now it may say later: the run then ends, and the episode closes.
func TestVerifyIsAskedOn(t *testing.T) {
	for name, first := range map[string]repair.VerifyResult{"denied": denied, "not believed": unbelieved} {
		start := time.Hour
		w, _ := verifyWorld(t, func(now time.Duration) repair.VerifyResult {
			if now < start+2*time.Minute {
				return first
			}
			return holds
		})
		fire(w, "m2")
		w.run(time.Minute)
		wantList(t, name+", closed before", w.closed())
		w.run(2 * time.Minute)
		w.send(alert.Resolved, downLabels("m2"))
		w.run(2 * time.Minute)
		wantList(t, name+", outcomes", w.finished(), "blocked(verify/verify)")
		wantList(t, name+", closed", w.closed(), "recovered_by_itself")
	}
}

// An alert that is over ends an episode that cannot be verified, and not one whose verify is denied.
func TestVerifyWhenTheAlertIsOver(t *testing.T) {
	for name, tc := range map[string]struct {
		answer repair.VerifyResult
		closed []string
	}{"denied": {denied, nil}, "not believed": {unbelieved, []string{"alert_ended"}}} {
		w, _ := verifyWorld(t, always(tc.answer))
		fire(w, "m2")
		w.run(time.Minute)
		w.send(alert.Resolved, downLabels("m2"))
		w.run(10 * time.Minute)
		wantList(t, name, w.closed(), tc.closed...)
	}
}

// A repair is one once Prometheus says so, at the end of the settle time.
func TestVerifyWhileItSettles(t *testing.T) {
	start := time.Hour
	for name, tc := range map[string]struct {
		answer func(time.Duration) repair.VerifyResult
		run    time.Duration
		want   []string
		detail string
	}{
		"holds": {always(holds), 65 * time.Second, []string{"repaired"}, ""},
		"not yet": {func(now time.Duration) repair.VerifyResult {
			if now < start+90*time.Second {
				return unbelieved
			}
			return holds
		}, 95 * time.Second, []string{"repaired"}, ""},
		"denied, still waiting": {always(denied), 115 * time.Second, nil, ""},
		"denied":                {always(denied), 124 * time.Second, []string{"failed"}, "verify does not hold: it returned nothing (" + upOfMember + ")"},
		"not believed":          {always(unbelieved), 124 * time.Second, []string{"failed"}, "verify is not believed: up[5m] has one sample, and two are needed (" + upOfMember + ")"},
	} {
		t.Run(name, func(t *testing.T) {
			w, asked := verifyWorld(t, tc.answer)
			w.kill("m2")
			fire(w, "m2")
			w.run(55 * time.Second)
			if len(*asked) != 0 {
				t.Errorf("asked %d times before it had settled", len(*asked))
			}
			w.run(tc.run - 55*time.Second)
			wantList(t, "outcomes", w.finished(), tc.want...)
			if f := lastFinished(w); f.Detail != tc.detail {
				t.Errorf("detail %q, want %q", f.Detail, tc.detail)
			} else if f.Outcome == repair.Repaired && !strings.Contains(f.Says, "; verify holds: it returned {} 1") {
				t.Errorf("says %q", f.Says)
			}
			// Samples count from the Apply on, which was just after the alert.
			if len(*asked) == 0 || (*asked)[0].Since < 60*time.Second || (*asked)[0].Since > 63*time.Second {
				t.Fatalf("asked %+v", *asked)
			}
			w.run(30 * time.Minute)
			if m := w.member("m2"); m.applied != 1 {
				t.Errorf("started %d times: no start brings that about", m.applied)
			}
			if name == "denied" {
				wantList(t, "outcomes later", w.finished(), "failed", "blocked(verify/verify)")
			}
		})
	}
}

// While the member is gone, Prometheus is not asked: it delays no repair, nor does
// its absence.
func TestVerifyDelaysNoRepair(t *testing.T) {
	w, asked := verifyWorld(t, always(unbelieved))
	w.kill("m2")
	fire(w, "m2")
	w.run(10 * time.Second)
	if m := w.member("m2"); m.applied != 1 || len(*asked) != 0 {
		t.Errorf("started %d times, asked %d times", m.applied, len(*asked))
	}
}

// A relapse while verify is waited for is a relapse.
func TestRelapseWhileVerifyIsWaitedFor(t *testing.T) {
	w, _ := verifyWorld(t, always(unbelieved))
	w.kill("m2")
	fire(w, "m2")
	w.run(80 * time.Second)
	w.kill("m2")
	w.run(10 * time.Second)
	if m := w.member("m2"); m.applied != 2 || w.count(repair.TypeRelapsed) != 1 {
		t.Errorf("started %d times, %d relapses", m.applied, w.count(repair.TypeRelapsed))
	}
}

// A step that is not in order is done where verify is denied, and not where it
// cannot be believed: the member may well be in order.
func TestVerifyBeforeAStep(t *testing.T) {
	for name, tc := range map[string]struct {
		answer repair.VerifyResult
		want   bool
	}{"denied": {denied, true}, "not believed": {unbelieved, false}, "holds": {holds, false}} {
		w, _ := verifyWorld(t, always(tc.answer))
		host := &fakeHost{w, false}
		w.cfg.Actions["host-ready"] = repair.ActionSpec{Name: "host-ready", Sees: "host/1", Kind: "etcd", Disturbs: "cluster", Does: repair.Starts, Action: host}
		p := *w.cfg.Playbooks[0]
		p.Steps = []repair.Step{{Name: "ready", Action: "host-ready"}, {Name: "start", Action: "member-start"}}
		w.cfg.Playbooks, w.cfg.Guards = []*repair.Playbook{&p}, nil
		w.restart()
		fire(w, "m2")
		w.run(time.Minute)
		if host.ready != tc.want || w.count(repair.TypePlanned) != 1 {
			t.Errorf("%s: the step was done: %v, want %v; outcomes %v", name, host.ready, tc.want, w.finished())
		}
	}
}

// A restarted fettle asks what the plan has, and believes only what was scraped since.
func TestVerifyAfterARestart(t *testing.T) {
	w, asked := verifyWorld(t, always(holds))
	w.kill("m2")
	fire(w, "m2")
	w.run(40 * time.Second)
	w.restart()
	w.run(2 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired")
	if len(*asked) == 0 || (*asked)[0].Expr != upOfMember || (*asked)[0].Since > 62*time.Second {
		t.Errorf("asked %+v", *asked)
	}
}

// A crash while the goal is asked, or after the last step turned out to be in order.
func TestCrashWhileVerifying(t *testing.T) {
	for _, answer := range []repair.VerifyResult{holds, denied, unbelieved} {
		crashed := 0
		w, _ := verifyWorld(t, always(answer))
		w.crash = func(f repair.Effect) bool {
			if l, ok := f.(repair.Look); ok && l.Verify != nil && crashed < 5 {
				crashed++
				return true
			}
			return false
		}
		fire(w, "m2")
		w.run(time.Minute)
		want := "blocked(verify/verify)"
		if answer.True && answer.Believed {
			want = "noop"
		}
		wantList(t, "outcomes", w.finished(), want)
		if w.count(repair.TypeIntent) != 0 || crashed != 5 {
			t.Errorf("%d mutations, %d crashes", w.count(repair.TypeIntent), crashed)
		}
	}
}

// The last step was in order when its turn came, and fettle crashed while the run settled.
func TestCrashAfterTheLastStepWasANoop(t *testing.T) {
	w := newWorld(t, 3)
	m := w.member("m3")
	m.hung = true
	fire(w, "m3")
	for range 600 { // until it was ended
		if w.run(100 * time.Millisecond); m.killed == 1 {
			break
		}
	}
	m.up, m.pid, m.born = true, m.pid+1, w.now // its own manager is faster
	w.run(5 * time.Second)
	if n := w.count(repair.TypeNoop); n == 0 {
		t.Fatalf("the start was no noop; started %d times", m.applied)
	}
	w.restart()
	w.run(2 * time.Minute)
	wantList(t, "outcomes", w.finished(), "repaired")
}

// The sequencer asks with a deadline, and believes nothing where there is nobody to ask.
func TestSequencerVerifies(t *testing.T) {
	defer goleak.VerifyNone(t)
	asked := make(chan repair.Verification, 100)
	says := func(r repair.VerifyResult) func(context.Context, string, time.Duration) repair.VerifyResult {
		return func(ctx context.Context, expr string, since time.Duration) repair.VerifyResult {
			if _, limited := ctx.Deadline(); !limited {
				t.Error("asked without a deadline")
			}
			asked <- repair.Verification{Expr: expr, Since: since}
			return r
		}
	}
	for name, tc := range map[string]struct {
		up     bool
		verify func(context.Context, string, time.Duration) repair.VerifyResult
		want   repair.Outcome
		detail string
	}{
		"in order":      {true, says(holds), repair.Noop, ""},
		"repaired":      {false, says(holds), repair.Repaired, ""},
		"denied":        {true, says(denied), repair.Blocked, `verify does not hold: it returned nothing (up{unit="u1"} == 1)`},
		"no Prometheus": {true, nil, repair.Blocked, `verify is not believed: no Prometheus is configured (prometheus.url) (up{unit="u1"} == 1)`},
	} {
		t.Run(name, func(t *testing.T) {
			u := &fakeUnit{up: tc.up}
			cfg := u.config(t)
			p, err := repair.LoadPlaybook("unit-restart", []byte(unitPlaybook+"verify: {promql: 'up{unit=\"$unit\"} == 1'}\n"), cfg.Actions, parse)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Playbooks = []*repair.Playbook{p}
			clock, err := journal.SystemClock()
			if err != nil {
				t.Fatal(err)
			}
			j := newPlace(t).open(t, nil)
			defer j.Close()
			s := repair.NewSequencer(repair.NewEngine(cfg, repair.NewState(), newID), repair.Edges{
				Journal: j, Clock: clock, Brake: func() bool { return false }, Verify: tc.verify,
				Poll:    func(context.Context, bool) []repair.PollSource { return nil },
				Metrics: repair.NewMetrics(prometheus.NewRegistry()), Logger: promslog.NewNopLogger(),
			})
			s.Start()
			defer s.Stop()
			if _, _, err := s.Submit(t.Context(), unitDown("u1")); err != nil {
				t.Fatal(err)
			}
			await(t, s, string(tc.want), func(st *repair.State) bool {
				for _, r := range st.Runs() {
					if r.Finished != nil && r.Finished.Outcome == tc.want {
						if r.Finished.Detail != tc.detail {
							t.Errorf("detail %q, want %q", r.Finished.Detail, tc.detail)
						}
						return true
					}
				}
				return false
			})
			if tc.verify != nil {
				if v := <-asked; v.Expr != `up{unit="u1"} == 1` || (v.Since == 5*time.Minute) != tc.up {
					t.Errorf("asked %+v", v)
				}
			}
			for len(asked) > 0 {
				<-asked
			}
		})
	}
}
