package repair_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/fettle-io/fettle/alert"
	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

// What a run has begun, which no look can show yet: while it is live, and, for looks
// that were asked for before, when it has ended.
func TestMayBeDown(t *testing.T) {
	w := newWorld(t, 3)
	m := w.member("m2")
	m.hung, m.broken = true, true // it is ended, and does not start
	if down := w.engine.MayBeDown("", w.reading()); len(down) > 0 {
		t.Errorf("before anything was begun: %v", down)
	}
	w.send(alert.Firing, downLabels("m2"))
	var before journal.Reading
	w.watch = func(f repair.Effect) {
		if a, ok := f.(repair.Apply); ok && a.Intent.Action == "member-end-hung" {
			before = w.reading()
			if down := w.engine.MayBeDown("", before); !slices.Equal(down, []string{"demo/m2"}) {
				t.Errorf("while it is ended: %v", down)
			}
			if down := w.engine.MayBeDown(a.Intent.Run, before); len(down) > 0 {
				t.Errorf("beside its own run: %v", down)
			}
		}
	}
	w.run(3 * time.Minute)
	if before.Boot == "" || w.count(repair.TypeFinished) == 0 {
		t.Fatalf("nothing was ended: %v", w.finished())
	}
	if down := w.engine.MayBeDown("", before); !slices.Contains(down, "demo/m2") {
		t.Errorf("for a look from before: %v", down)
	}
	w.run(20 * time.Minute)
	w.step(repair.Ticked{})
	now := w.reading()
	now.Since += time.Second // a look to come
	if down := w.engine.MayBeDown("", now); len(down) > 0 {
		t.Errorf("for a look from now: %v", down)
	}
	w.reboot()
	w.run(time.Minute)
	other := w.reading()
	other.Boot = "another"
	if down := w.engine.MayBeDown("", other); len(down) > 0 {
		t.Errorf("of an earlier process: %v", down)
	}
}

// A run that ended unknown may have down whatever it disturbs, not its target alone.
func TestUnknownMayHaveItsHostDown(t *testing.T) {
	w := newWorld(t, 3)
	end := w.cfg.Actions["member-end-hung"]
	end.Disturbs = cluster.DisturbsHost
	w.cfg.Actions["member-end-hung"] = end
	w.restart()
	w.member("m2").hung = true
	w.watch = func(f repair.Effect) {
		if _, ok := f.(repair.Apply); ok {
			w.lookErr = errors.New("its host does not answer")
		}
	}
	w.send(alert.Firing, downLabels("m2"))
	w.run(3 * time.Minute)
	wantList(t, "outcomes", w.finished(), "unknown", "blocked(observe/observe)")
	wantList(t, "may be down", w.engine.MayBeDown("", w.reading()), "demo/m1", "demo/m2", "demo/m3")
}
