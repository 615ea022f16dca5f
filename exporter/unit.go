package exporter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

const (
	// unitTimeout bounds all that one scrape asks of systemd.
	unitTimeout = 3 * time.Second
	// unitsAtOnce is of how many units the details are asked at a time.
	unitsAtOnce = 8
)

type unitCollector struct {
	systemd *systemd
	choice  choice
	members []cluster.Target
	timeout time.Duration // of all that one scrape asks

	manager, leftOut, memberReachable, memberRunning *Metric // state
	state, substate, startType                       *Metric // of each unit
	restarts, start, memory, nextElapse, lastTrigger *Metric // measured
}

func newUnit(h Host) Collector {
	unit, member := []string{"unit"}, []string{"cluster", "member"}
	return &unitCollector{
		systemd: newSystemd(h), choice: h.Units.choice(), members: h.Units.Members, timeout: unitTimeout,
		manager:         gauge("fettle_unit_manager_reachable", "1 if the machine's systemd answers, on Windows its service manager. 0 also on a machine that systemd does not run."),
		leftOut:         gauge("fettle_unit_left_out", "Units that are not told of because there are too many of them. Absent while systemd does not answer."),
		memberReachable: gauge("fettle_unit_member_reachable", "1 if systemd tells of the unit of this member, which is a service of the inventory on this machine.", member...),
		memberRunning:   gauge("fettle_unit_member_running", "1 if the unit of this member is active.", member...),
		state:           gauge("fettle_unit_state", "1 for the state that the unit is in: active, activating, deactivating, failed or inactive. Reloading counts as active.", "unit", "state"),
		substate:        gauge("fettle_unit_substate", "1 for the unit's substate, a word of systemd's or of the service manager's. Only the one that it is in is there.", "unit", "substate"),
		startType:       gauge("fettle_unit_start_type", "1 for how the unit is started: enabled, disabled, static, masked and others of systemd's words; on Windows automatic, manual and others. Absent for a unit without a unit file.", "unit", "start_type"),
		restarts:        counter("fettle_unit_restarts_total", "Restarts of the service by systemd itself (Restart=).", unit...),
		start:           gauge("fettle_unit_start_time_seconds", "When the unit became active, as a Unix time. Absent while it is not active.", unit...),
		memory:          gauge("fettle_unit_memory_bytes", "Memory of the service's control group. Absent while it does not run, and without memory accounting.", unit...),
		nextElapse:      gauge("fettle_unit_timer_next_elapse_timestamp_seconds", "When the timer elapses next, as a Unix time. Absent if it is not going to.", unit...),
		lastTrigger:     gauge("fettle_unit_timer_last_trigger_timestamp_seconds", "When the timer elapsed last, as a Unix time. Absent if it never did.", unit...),
	}
}

func (c *unitCollector) Metrics() []*Metric {
	return []*Metric{
		c.manager, c.leftOut, c.memberReachable, c.memberRunning, c.state, c.substate, c.startType,
		c.restarts, c.start, c.memory, c.nextElapse, c.lastTrigger,
	}
}

// Close ends the connection to systemd.
func (c *unitCollector) Close() error { return c.systemd.Close() }

func (c *unitCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	membersErr := c.tellMembers(ctx, emit)
	all, err := c.systemd.list(ctx)
	emit(c.manager, boolean(err == nil))
	switch {
	case errors.Is(err, errNotBooted) && len(c.members) == 0:
		return nil // there is nothing to read
	case err != nil:
		return fmt.Errorf("list units: %w", err)
	}
	chosen, leftOut := c.choice.of(all)
	emit(c.leftOut, float64(leftOut))
	for _, u := range chosen {
		for _, state := range unitStates() {
			emit(c.state, boolean(unitState(u.Active) == state), u.Name, state)
		}
		emit(c.substate, 1, u.Name, word(u.Sub))
	}
	return errors.Join(membersErr, c.tellDetails(ctx, chosen, emit))
}

// tellMembers tells of every member, also when systemd does not answer.
func (c *unitCollector) tellMembers(ctx context.Context, emit Emit) error {
	if len(c.members) == 0 {
		return nil
	}
	names := make([]string, len(c.members))
	for i, t := range c.members {
		names[i] = t.Member.Unit
	}
	slices.Sort(names)
	listed, err := c.systemd.named(ctx, slices.Compact(names))
	for _, t := range c.members {
		// systemd answers with the unit's own name, which for an alias is another one.
		i := slices.IndexFunc(listed, func(u listedUnit) bool { return u.Name == t.Member.Unit })
		if i < 0 && err == nil {
			err = fmt.Errorf("systemd does not list %s: is it an alias? Write the unit's own name", t.Member.Unit)
		}
		emit(c.memberReachable, boolean(i >= 0), t.Cluster.Name, t.Member.Name)
		emit(c.memberRunning, boolean(i >= 0 && unitState(listed[max(i, 0)].Active) == "active"), t.Cluster.Name, t.Member.Name)
	}
	if err != nil {
		return fmt.Errorf("look at the inventory's units: %w", err)
	}
	return nil
}

// tellDetails asks for what is not in the list, of some units at a time, and tells
// it in their order, which the page likes to be the same each time.
func (c *unitCollector) tellDetails(ctx context.Context, units []listedUnit, emit Emit) error {
	found := make([][]sample, len(units))
	errs := make([]error, len(units))
	places := make(chan int)
	var asking sync.WaitGroup
	for range min(unitsAtOnce, len(units)) {
		asking.Go(func() {
			for i := range places {
				errs[i] = c.detail(ctx, units[i], func(m *Metric, value float64, labels ...string) {
					found[i] = append(found[i], sample{m, value, append([]string{units[i].Name}, labels...)})
				})
			}
		})
	}
	for i := range units {
		places <- i
	}
	close(places)
	asking.Wait()
	for _, samples := range found {
		for _, s := range samples {
			emit(s.metric, s.value, s.labels...)
		}
	}
	// One stands for all: when systemd stops answering, each unit says so.
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return fmt.Errorf("ask for the units' details: %w", errs[i])
	}
	return nil
}

// detail asks for one unit's. A unit that is gone meanwhile has none.
func (c *unitCollector) detail(ctx context.Context, u listedUnit, emit Emit) error {
	file, ok, err := property[string](ctx, c.systemd, u, "Unit", "UnitFileState")
	if err != nil {
		return err
	}
	if ok && file != "" {
		emit(c.startType, 1, word(file))
	}
	if unitState(u.Active) == "active" {
		if err := c.moment(ctx, u, "Unit", "ActiveEnterTimestamp", c.start, emit); err != nil {
			return err
		}
	}
	switch {
	case strings.HasSuffix(u.Name, ".service"):
		return c.service(ctx, u, emit)
	case strings.HasSuffix(u.Name, ".timer"):
		if err := c.moment(ctx, u, "Timer", "LastTriggerUSec", c.lastTrigger, emit); err != nil {
			return err
		}
		return c.timer(ctx, u, emit)
	}
	return nil
}

func (c *unitCollector) service(ctx context.Context, u listedUnit, emit Emit) error {
	restarts, ok, err := property[uint32](ctx, c.systemd, u, "Service", "NRestarts")
	if err != nil {
		return err
	}
	if ok {
		emit(c.restarts, float64(restarts))
	}
	if u.Active == "inactive" || u.Active == "failed" {
		return nil
	}
	memory, ok, err := property[uint64](ctx, c.systemd, u, "Service", "MemoryCurrent")
	if ok && memory != math.MaxUint64 { // which stands for "not counted"
		emit(c.memory, float64(memory))
	}
	return err
}

// moment tells a property that is a time: microseconds, 0 or the maximum for none.
func (c *unitCollector) moment(ctx context.Context, u listedUnit, kind, name string, m *Metric, emit Emit) error {
	at, ok, err := property[uint64](ctx, c.systemd, u, kind, name)
	if ok && at != 0 && at != math.MaxUint64 {
		emit(m, seconds(at))
	}
	return err
}

// timer tells when it elapses next: by the clock on the wall (OnCalendar=), or by the
// one that counts since boot (OnBootSec= and the like), whichever is earlier.
func (c *unitCollector) timer(ctx context.Context, u listedUnit, emit Emit) error {
	wall, _, err := property[uint64](ctx, c.systemd, u, "Timer", "NextElapseUSecRealtime")
	if err != nil {
		return err
	}
	since, _, err := property[uint64](ctx, c.systemd, u, "Timer", "NextElapseUSecMonotonic")
	if err != nil {
		return err
	}
	now, err := monotonic()
	if err != nil {
		return fmt.Errorf("read the monotonic clock: %w", err)
	}
	if at, ok := elapses(wall, since, time.Now(), now); ok {
		emit(c.nextElapse, at)
	}
	return nil
}

// elapses is the earlier of two moments, one by each clock, as a Unix time to the
// second, for what the clocks say of each other varies by a little.
func elapses(wall, since uint64, now time.Time, monotonic time.Duration) (float64, bool) {
	at := math.Inf(1)
	if wall != 0 && wall != math.MaxUint64 {
		at = seconds(wall)
	}
	if since != 0 && since != math.MaxUint64 {
		at = min(at, float64(now.UnixNano())/1e9+seconds(since)-monotonic.Seconds())
	}
	return math.Round(at), !math.IsInf(at, 1)
}

func seconds(micros uint64) float64 { return float64(micros) / 1e6 }
