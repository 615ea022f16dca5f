package looptest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/repair"
)

// fettle serve is killed at every point of the step loop. The one that is started
// after it finishes the run: the member was started exactly once, the journal
// verifies, and whatever was acknowledged is in it.
func TestKilledAtEveryFailpoint(t *testing.T) {
	types := []string{
		repair.TypeReceived, repair.TypePlanned, repair.TypeNoop, repair.TypeIntent, repair.TypeAnswered, repair.TypeStep, repair.TypeFinished,
	}
	points := []string{"before-apply", "after-apply"}
	for _, typ := range types {
		points = append(points, "before-append/"+typ, "after-append/"+typ)
	}
	// Two clusters, half of the points on each: most of a repair is waiting.
	for i, half := range [][]string{points[:len(points)/2], points[len(points)/2:]} {
		t.Run([]string{"first", "second"}[i], func(t *testing.T) {
			t.Parallel()
			w := newWard(t, "m1", "m2", "m3")
			for _, point := range half {
				t.Run(strings.ReplaceAll(point, "/", ":"), func(t *testing.T) { w.sub(t, options{settle: "200ms"}).killedAt(point) })
			}
		})
	}
}

func (w *ward) killedAt(point string) {
	w.start("FETTLE_FAILPOINT=" + point)
	w.crash("m2")
	if strings.HasSuffix(point, "/"+repair.TypeAnswered) { // only an error is an answer worth a record
		w.with("m2", func(p *patient) { p.refuse = 1 })
	}
	message := body(w, down("m2"))
	status, said := w.post("first", message, nil)
	w.died()
	acknowledged := status == http.StatusOK
	if recorded := w.story().count(repair.TypeReceived) == 1; acknowledged && !recorded {
		w.Fatalf("acknowledged, and not in the journal: %s", said)
	} else if strings.HasSuffix(point, "-append/received") && acknowledged {
		w.Errorf("a message was acknowledged before or while it was written")
	}
	w.start()
	if !acknowledged { // Alertmanager sends it again
		w.send(down("m2"))
	}
	w.repaired("m2")
	w.startedOnce("m2")
	st := w.story()
	w.once(st)
	w.verify()
}

// once wants one episode with one run that repaired, whatever was killed.
func (w *ward) once(st story) {
	w.Helper()
	if n := st.count(repair.TypeReceived); n != 1 {
		w.Errorf("%d received records", n)
	}
	if n := st.count(repair.TypePlanned); n != 1 {
		w.Errorf("%d runs were opened", n)
	}
	verified := 0
	for _, step := range of[repair.StepData](w, st, repair.TypeStep) {
		if step.Result == repair.StepVerified {
			verified++
		} else if step.Reason != "no effect" {
			w.Errorf("a step ended %s (%s: %s)", step.Result, step.Reason, step.Says)
		}
	}
	if verified != 1 {
		w.Errorf("%d steps verified", verified)
	}
}

// A hung member takes two mutations. fettle is killed between the two, and before
// and after each reaches the member.
func TestKilledWhileItEndsAHungMember(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3")
	for _, point := range []string{"after-apply", "after-append/step.finished", "after-append/step.intent:2"} {
		t.Run(strings.ReplaceAll(point, "/", ":"), func(t *testing.T) {
			w := w.sub(t, options{settle: "200ms"})
			w.start("FETTLE_FAILPOINT=" + point)
			w.seenServing()
			w.hang("m2")
			w.send(down("m2"))
			w.died()
			w.start()
			w.repaired("m2")
			w.startedOnce("m2")
			w.with("m2", func(p *patient) {
				if p.kills != 1 {
					t.Errorf("%d processes were killed, want the hung one", p.kills)
				}
			})
			w.verify()
		})
	}
}

// While a run settles, everything is done and nothing is in flight: the next
// fettle goes on settling.
func TestKilledWhileSettling(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{})
	w.start()
	w.crash("m2")
	w.send(down("m2"))
	w.await("m2 is verified", func(st story) bool { return st.count(repair.TypeStep) == 1 })
	w.kill()
	w.start()
	w.repaired("m2")
	w.startedOnce("m2")
	w.once(w.story())
	w.verify()
}

// fettle is killed while a slow start is under way, which its supervisor goes on
// with: the next fettle waits until the old one's word can no longer begin, and says
// it again, to a supervisor that starts nothing twice.
func TestKilledWhileApplying(t *testing.T) {
	t.Parallel()
	w := newWard(t, "m1", "m2", "m3").sub(t, options{settle: "200ms"})
	w.start()
	release := w.slowStarts()
	w.crash("m2")
	w.send(down("m2"))
	w.await("the intent", func(st story) bool { return st.count(repair.TypeIntent) == 1 })
	until(t, "the start command is under way", func() error {
		if w.waiting() == 0 {
			return errNotYet
		}
		return nil
	})
	w.kill()
	w.start()
	w.await("the next attempt's intent", func(st story) bool { return st.count(repair.TypeIntent) == 2 })
	release()
	w.repaired("m2")
	w.startedOnce("m2")
	w.once(w.story())
	w.verify()
}
