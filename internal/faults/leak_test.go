package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/scorecard"
)

// vitals are what a process uses.
type vitals struct {
	goroutines, descriptors int
	heap                    int // KiB that the last collection found in use
	resident                int // KiB
	children                int
}

func (s *server) vitals() vitals {
	s.t.Helper()
	return vitals{
		goroutines: int(s.metric("go_goroutines")), descriptors: int(s.metric("process_open_fds")),
		heap:     int(s.metric("go_memstats_next_gc_bytes")) >> 11, // GOGC is 100: the goal is twice the heap
		resident: s.kilobytes("VmRSS"), children: len(s.children()),
	}
}

func (v vitals) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %d MiB of heap, %d MiB resident", v.goroutines, v.descriptors, v.heap>>10, v.resident>>10)
}

// round breaks some services, has them repaired, and waits until nothing is open.
func (s *server) round(f *fleet, names []string) {
	s.t.Helper()
	var firing, over []notice
	for _, name := range names {
		f.crash(name)
		firing, over = append(firing, down(name)), append(over, down(name).over())
	}
	s.send(firing...)
	until(s.t, "they run", func() error {
		if dead := f.dead(); len(dead) > 0 {
			return fmt.Errorf("dead: %v", dead)
		}
		return nil
	})
	s.send(over...)
	until(s.t, "their episodes are closed", func() error {
		if s.metric(`fettle_episodes_open{playbook="service-restart"}`) != 0 || s.metric("fettle_run_live") != 0 {
			return errNotYet
		}
		return nil
	})
}

// After thousands of runs fettle has as many goroutines, descriptors and processes as
// after a few, and a heap that has not grown with them.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 75)
	s := configure(t, f, options{settings: "settle: 10ms, cooldown: 0, attempts: 0, live_runs: 25"})
	s.start()
	const at = 20 // at once; more than a third of the fleet would be a storm
	done := 0
	for ; done < runs/10; done += at {
		s.round(f, f.names[:at])
	}
	first := s.vitals()
	for ; done < runs; done += at {
		s.round(f, f.names[:at])
	}
	last := s.vitals()
	until(t, "goroutines, descriptors and processes are as before", func() error {
		if last = s.vitals(); last.goroutines > first.goroutines+3 || last.descriptors > first.descriptors+3 || last.children > 0 {
			return fmt.Errorf("first %s, now %s, %d children", first, last, last.children)
		}
		time.Sleep(100 * time.Millisecond)
		return nil
	})
	if last.heap > 2*first.heap+8<<10 {
		t.Errorf("the heap has grown: first %s, now %s", first, last)
	}
	s.restarted(f, done)
	s.shutdown()
	s.verify()
	figure := fmt.Sprintf("%d runs: after the first %d %s; after all of them %s", done, runs/10, first, last)
	t.Log(figure)
	if !t.Failed() {
		scorecard.Row(t, 13, figure)
	}
}
