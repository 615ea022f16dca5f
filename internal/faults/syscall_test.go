//go:build faults

package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/scorecard"
)

// tally is what a sweep did.
type tally struct {
	mu             sync.Mutex
	kinds          map[string]bool
	runs, injected int
	syncs          int // failed syncs in a fettle that lived on
	ended          map[string]int
}

func (n *tally) add(c call, how string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.runs++
	if how == "" {
		return
	}
	n.injected++
	n.kinds[c.name] = true
	n.ended[how]++
}

// Every system call by which fettle serve reaches its journal fails once, with EIO,
// with ENOSPC, and with fettle's death; the first of its kind, and later ones. The
// journal was left by a kill, so that it is recovered first. Whatever comes of it,
// what was acknowledged is there afterwards, and the next fettle goes on.
func TestEverySystemCallFails(t *testing.T) {
	crashed := leftByAKill(t)
	dry := crashed.life(t, nil)
	files := callsOn(t, dry.trace, dry.journal)
	if len(files) < 15 {
		t.Fatalf("only %d calls on %s:\n%v", len(files), dry.journal, files)
	}
	n := tally{kinds: map[string]bool{}, ended: map[string]int{}}
	t.Run("sweep", func(t *testing.T) {
		for _, c := range files {
			rel, err := filepath.Rel(dry.home, c.path)
			must(t, err)
			t.Run(c.name+" "+strings.ReplaceAll(rel, "/", ":"), func(t *testing.T) {
				t.Parallel()
				for _, f := range allFaults {
					for _, nth := range nth() {
						one := crashed.life(t, func(home string) []string { return inject(call{c.name, filepath.Join(home, rel)}, f, nth) })
						how := one.judge(t, c.name, f, nth)
						n.add(c, how)
						if how == "" {
							if nth == 1 {
								t.Errorf("%s never happened", f.name)
							}
							break
						}
						if one.failedSync {
							n.mu.Lock()
							n.syncs++
							n.mu.Unlock()
						}
					}
				}
			})
		}
	})
	figure := fmt.Sprintf("%d faults in %d kinds of calls on %d pairs of call and file: what was acknowledged is in each journal, each verifies; fettle %s", n.injected, len(n.kinds), len(files), words(n.ended))
	t.Log(figure)
	if !t.Failed() {
		scorecard.Row(t, 3, figure)
		scorecard.Row(t, 7, fmt.Sprintf("%d failed syncs while fettle lived: each time 503, not ready, /metrics says so, no step began, and no second sync of that file", n.syncs))
	}
}

// words is a count by name, for people.
func words(n map[string]int) string {
	var all []string
	for how, k := range n {
		all = append(all, fmt.Sprintf("%s %d times", how, k))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// left is a journal that a killed fettle left, with its key.
type left struct {
	home  string
	acked *receipts
}

func leftByAKill(t *testing.T) left {
	f := newFleet(t, 1)
	s := configure(t, f, options{})
	s.start()
	acked := &receipts{}
	for i := range 5 {
		a := other(fmt.Sprintf("before-%d", i))
		s.send(a)
		acked.keep(a)
	}
	s.kill()
	segments, err := filepath.Glob(filepath.Join(s.journal, "[0-9]*.jsonl"))
	must(t, err)
	file, err := os.OpenFile(segments[len(segments)-1], os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = file.WriteString("\n{\"specversion\":\"1.0\",\"id\"") // torn
	must(t, err)
	must(t, file.Close())
	return left{s.home, acked}
}

// life is one fettle serve over a copy of that journal, under strace.
type life struct {
	*server
	fleet *fleet
	acked *receipts
	trace string
	// refused: a message got 503; failed: the journal did, for good, while fettle lived.
	refused, failed bool
	// failedSync: it was a sync, and fettle lived on.
	failedSync bool
	began      bool // it served
}

// life lets fettle take messages, repair a service, write a checkpoint, and stop.
func (from left) life(t *testing.T, args func(home string) []string) *life {
	t.Helper()
	l := &life{fleet: newFleet(t, 2), acked: &receipts{}}
	home := t.TempDir()
	l.server = &server{t: t, home: home, journal: filepath.Join(home, "journal"), log: filepath.Join(home, "fettle.log")}
	copied(t, filepath.Join(from.home, "journal"), l.journal)
	copied(t, from.home, home)
	must(t, os.Remove(l.log))
	l.write(l.fleet, options{})
	for f := range from.acked.all {
		l.acked.keep(notice{Fingerprint: string(f)})
	}
	l.trace = filepath.Join(t.TempDir(), "trace")
	how := []string{"-e", "trace=" + calls}
	if args != nil {
		how = args(home)
	}
	l.wrap = straced(t, l.trace, how...)
	l.launch()
	if l.began = l.serving(); l.began {
		l.live()
	}
	l.wrap = nil
	return l
}

// failedForGood is what fettle logs when its journal has failed.
const failedForGood = "journal failed, repairs have stopped"

func (l *life) live() {
	l.t.Helper()
	post := func(alerts ...notice) {
		switch status, said := l.post(body(l.t, alerts...), nil); status {
		case http.StatusOK:
			l.acked.keep(alerts...)
		case http.StatusServiceUnavailable:
			l.refused = true
		case 0: // killed
		default:
			l.t.Errorf("a message got %d: %s", status, said)
		}
	}
	until(l.t, "fettle is ready, or says why not", func() error {
		status := l.readiness()
		if l.failed = strings.Contains(l.said(), failedForGood); !l.failed && status != http.StatusOK && l.proc.Running() {
			return errNotYet
		}
		return nil
	})
	for i := range 3 {
		post(other(fmt.Sprint(i)), other(fmt.Sprintf("%d beside", i)))
	}
	l.fleet.crash("s01")
	post(down("s01"))
	for deadline := time.Now().Add(time.Second); len(l.fleet.dead()) > 0 && !l.failed && l.proc.Running() && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
		l.failed = strings.Contains(l.said(), failedForGood)
	}
	var many []notice
	for i := range 260 { // more than a checkpoint's worth
		many = append(many, other(fmt.Sprintf("many-%d", i)))
	}
	post(many...)
	l.failed = strings.Contains(l.said(), failedForGood)
	if l.failed && l.proc.Running() {
		l.standsStill()
	}
	l.t.Helper()
	_ = l.proc.Signal(syscall.SIGINT)
	select {
	case <-l.proc.Ended():
	case <-time.After(20 * time.Second):
		l.proc.Kill()
		l.t.Errorf("fettle did not stop within 20 s:\n%s", l.said())
	}
}

// standsStill wants what rule 17 wants of a fettle whose journal has failed.
func (l *life) standsStill() {
	l.t.Helper()
	if status := l.readiness(); status != http.StatusServiceUnavailable {
		l.t.Errorf("/-/ready answers %d over a journal that failed", status)
	}
	if up := l.metric("fettle_journal_writable"); up != 0 {
		l.t.Errorf("fettle_journal_writable is %v over a journal that failed", up)
	}
	before := l.fleet.counted()
	l.fleet.crash("s02")
	if status, said := l.post(body(l.t, down("s02")), nil); status != http.StatusServiceUnavailable {
		l.t.Errorf("a message over a journal that failed got %d: %s", status, said)
	}
	for range 10 {
		time.Sleep(10 * time.Millisecond)
		if n := l.fleet.counted(); n != before {
			l.t.Errorf("a step began over a journal that failed: %d restarts, then %d", before, n)
			break
		}
	}
}

// judge holds what was left of the life against what must hold, with a fettle that
// nothing is done to; "": the fault did not happen.
func (l *life) judge(t *testing.T, name string, f fault, nth int) (how string) {
	t.Helper()
	happened, after := hit(t, l.trace)
	if f.name == "SIGKILL" {
		happened = killed(l.proc)
	}
	if !happened {
		return ""
	}
	failed := t.Failed()
	defer func() {
		if t.Failed() && !failed {
			trace, _ := os.ReadFile(l.trace)
			t.Logf("that was %s in call %d; fettle said:\n%s\nthe trace:\n%s", f.name, nth, l.said(), trace)
		}
	}()
	switch {
	case killed(l.proc):
		how = "was killed"
		if f.name != "SIGKILL" {
			t.Errorf("%s killed fettle", f.name)
		}
	case !l.began:
		how = "refused to start, with the reason,"
		if text := l.said(); !strings.Contains(text, "input/output error") && !strings.Contains(text, "no space left") {
			t.Errorf("fettle did not start, and does not say why:\n%s", text)
		}
	case l.failed:
		how = "stopped acting"
	case l.refused:
		how = "refused messages for want of room"
		if name != "fallocate" {
			t.Errorf("messages were refused, and the journal has not failed:\n%s", l.said())
		}
	default:
		how = "went on"
	}
	if err := l.calmly(); err != nil {
		t.Error(err)
	}
	if sync := name == "fsync" || name == "fdatasync"; sync && f.name != "SIGKILL" {
		if how == "went on" && !l.ending() {
			t.Errorf("a sync failed, and fettle went on")
		}
		for _, line := range after {
			t.Errorf("a sync that failed was tried again: %s", line)
		}
		l.failedSync = how == "stopped acting"
	}
	if said, err := runCLI(fettle, "journal", "verify", l.journal); err != nil {
		t.Errorf("journal verify: %v:\n%s", err, said)
	}
	l.start()
	var unsent []notice
	for _, member := range l.fleet.dead() {
		unsent = append(unsent, down(member))
	}
	l.calm(l.fleet, l.acked, unsent)
	return how
}

// ending tells that the fault came when fettle stopped: it then says so at its end.
func (l *life) ending() bool { return !l.proc.State().Success() }
