package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/scorecard"
	"github.com/fettle-io/fettle/repair"
)

// unreached are record types that this fleet's life does not bring about. They are
// written by the same lines of code, and the simulation has them all.
var unreached = map[string]string{
	"episodes.held":     "the storm guard",
	repair.TypeFreed:    "a run that ended unknown",
	repair.TypeReleased: "an operator's word",
	repair.TypePaused:   "an operator's word",
	repair.TypeUnpaused: "an operator's word",
	repair.TypeLeft:     "an operator's word",
	"carried":           "the end of a segment",
}

// failpoints are the points of the engine's code at which it can be killed: those
// that the source names, and those before and after the write of each record type.
func failpoints(t *testing.T) []string {
	t.Helper()
	sources, err := filepath.Glob("../../repair/*.go")
	must(t, err)
	var named, types []string
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		b, err := os.ReadFile(path)
		must(t, err)
		for _, m := range regexp.MustCompile(`\bfailpoint\("([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
			named = append(named, m[1])
		}
		if filepath.Base(path) == "record.go" {
			for _, m := range regexp.MustCompile(`(?m)^\tType\w+ += "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
				types = append(types, m[1])
			}
		}
	}
	if len(named) < 4 || len(types) < 15 {
		t.Fatalf("found the points %q and the types %q only", named, types)
	}
	var points []string
	for _, name := range named {
		if !strings.HasSuffix(name, "/") {
			points = append(points, name)
			continue
		}
		for _, typ := range types {
			if unreached[typ] == "" {
				points = append(points, name+typ)
			}
		}
	}
	return points
}

// fettle is killed at each point of the step loop, while services break. Whatever
// was under way, each run comes to an outcome and each service back, by one restart
// for each intent.
func TestKilledAtEveryFailpoint(t *testing.T) {
	t.Parallel()
	points := failpoints(t)
	var mu sync.Mutex
	total, ends := 0, map[repair.Outcome]int{}
	t.Run("at", func(t *testing.T) {
		for _, point := range points {
			t.Run(strings.ReplaceAll(point, "/", ":"), func(t *testing.T) {
				t.Parallel()
				a := killedAt(t, point)
				mu.Lock()
				defer mu.Unlock()
				total += passesAt(point)
				for outcome, n := range a.outcomes() {
					ends[outcome] += n
				}
			})
		}
	})
	figure := fmt.Sprintf("%d points, killed %d times at each: all %d runs have an outcome (%v), nothing started twice", len(points), passes, sum(ends), ends)
	t.Log(figure)
	wanted := 0
	for _, point := range points {
		wanted += passesAt(point)
	}
	if !t.Failed() && total == wanted {
		scorecard.Row(t, 2, figure)
	}
}

// passesAt is how often fettle is killed at a point in one journal. People are told
// once of a cluster and a reason: there is one such record for as long as that lasts.
func passesAt(point string) int {
	if strings.HasSuffix(point, "/"+repair.TypeEscalate) {
		return 1
	}
	return passes
}

func sum(ends map[repair.Outcome]int) int {
	n := 0
	for _, k := range ends {
		n += k
	}
	return n
}

// twice restarts a service and looks a second time: a noop.
const twice = `name: service-restart
version: 1
description: Restarts a service, and looks again.
on: ['alertname="FettleServiceDown"']
labels:
  cluster: {pattern: '[a-z]+'}
  member: {pattern: '[a-z0-9]+'}
target: {kind: service, cluster: $cluster, member: $member}
tier: P1
autonomy: auto
steps:
  - {name: restart, action: service-restart}
  - {name: again, action: service-restart}
`

func killedAt(t *testing.T, point string) audit {
	f := newFleet(t, 8)
	s := configure(t, f, options{})
	must(t, os.WriteFile(filepath.Join(s.home, "playbooks", "service-restart.yml"), []byte(twice), 0o600))
	var acked receipts
	var world sync.WaitGroup
	var unsent []notice
	end := make(chan struct{})
	stop := sync.OnceFunc(func() { close(end); world.Wait() })
	t.Cleanup(stop)
	world.Go(func() { unsent = s.faults(f, rand.New(rand.NewPCG(1, uint64(len(point)))), &acked, end) })
	for pass := range passesAt(point) {
		s.write(f, options{settings: fmt.Sprintf("%s, deadline: %dms", quick, 150+pass%2)}) // a new configuration is a record
		n := 1 + pass%4
		if strings.HasSuffix(point, repair.TypeConfig) {
			n = 1 // there is one for each start
		}
		s.launch(fmt.Sprintf("FETTLE_FAILPOINT=%s:%d", point, n))
		if s.ready() {
			s.died()
		} else if !killed(s.proc) {
			t.Fatalf("fettle ended by itself (%s):\n%s", s.proc.State(), s.said())
		}
	}
	s.write(f, options{})
	s.start()
	time.Sleep(20 * time.Millisecond)
	stop()
	return s.calm(f, &acked, unsent)
}
