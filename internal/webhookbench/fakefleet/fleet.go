package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/journal"
	"github.com/fettle-io/fettle/repair"
)

const (
	actionName = "fake-restart"
	schema     = "fake/1"
	// size is how many targets there are: c000/m000 to c099/m099.
	size = 10_000
)

// fleet is 10,000 fake targets. The first ones fail until they are restarted, which
// takes no time, as no look does; a stuck fleet's restarts fail. It is a repair.Action.
type fleet struct {
	clock   func() journal.Reading
	failing int
	stuck   bool

	mu       sync.Mutex
	restarts map[string]int // by target
	applies  []apply        // in their order
}

// apply is one restart.
type apply struct {
	target string
	began  time.Time
}

// target is what a look saw: schema fake/1.
type target struct {
	Runs     bool `json:"runs"`
	Restarts int  `json:"restarts"`
}

func newFleet(clock func() journal.Reading, failing int, stuck bool) *fleet {
	return &fleet{clock: clock, failing: failing, stuck: stuck, restarts: map[string]int{}}
}

// look is one target as it is now.
func (f *fleet) look(t cluster.Target) (target, error) {
	n, err := place(t)
	if err != nil {
		return target{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	restarts := f.restarts[t.String()]
	return target{Runs: n >= f.failing || restarts > 0, Restarts: restarts}, nil
}

// place is a target's number, from its name: c012/m034 is 1234.
func place(t cluster.Target) (int, error) {
	number := func(name string) int {
		n, err := strconv.Atoi(name[1:])
		if err != nil {
			return -size
		}
		return n
	}
	n := number(t.Cluster.Name)*100 + number(t.Member.Name)
	if n < 0 || n >= size {
		return 0, fmt.Errorf("%s is not of the fake fleet", t)
	}
	return n, nil
}

// Observe implements repair.Action.
func (f *fleet) Observe(_ context.Context, t cluster.Target) (repair.Sighting, error) {
	asked := f.clock()
	seen, err := f.look(t)
	if err != nil {
		return repair.Sighting{}, err
	}
	state := cluster.ServiceDead
	identity := ""
	if seen.Runs {
		state, identity = cluster.ServiceRunning, strconv.Itoa(seen.Restarts)
	}
	o, err := repair.Observed(schema, fmt.Sprintf("%s is %s", t.Member.Name, state), seen)
	if err != nil {
		return repair.Sighting{}, err
	}
	return repair.Sighting{Asked: asked, Observation: o, Facts: repair.Facts{Sights: []cluster.Sight{{
		Member: t.Member.Name, Service: cluster.Service{State: state, Identity: identity}, Proof: cluster.Proof{Answer: cluster.Unknown},
		GoneByProbe: cluster.Unknown, GoneByPrometheus: cluster.Unknown, GoneByPeer: cluster.Unknown, Alive: seen.Runs,
	}}}}, nil
}

// Done implements repair.Action.
func (f *fleet) Done(before *repair.Observation, now repair.Observation) bool {
	n, ok := repair.Unpack[target](now, schema)
	if !ok || before == nil {
		return ok && n.Runs
	}
	b, ok := repair.Unpack[target](*before, schema)
	return ok && n.Runs && n.Restarts > b.Restarts
}

// Apply implements repair.Action.
func (f *fleet) Apply(_ context.Context, in repair.Intent) error {
	began := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.applies = append(f.applies, apply{in.Target.String(), began})
	if f.stuck {
		return errors.New("a fake failure")
	}
	f.restarts[in.Target.String()]++
	return nil
}

// survey is the look at the whole inventory.
func (f *fleet) survey(context.Context) repair.Fleet {
	asked := f.clock()
	f.mu.Lock()
	defer f.mu.Unlock()
	return repair.Fleet{Asked: asked, Running: size, Failing: max(0, f.failing-len(f.restarts))}
}

// applied is a line for each Apply: the target, and when it began.
func (f *fleet) applied() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b bytes.Buffer
	for _, a := range f.applies {
		fmt.Fprintf(&b, "%s %d\n", a.target, a.began.UnixNano())
	}
	return b.Bytes()
}
