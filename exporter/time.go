package exporter

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"math"
	"sync"
	"syscall"
	"time"

	"github.com/fettle-io/fettle/exporter/chrony"
	"github.com/fettle-io/fettle/exporter/ntpd"
)

// askKeeper is how long one who keeps the clock is waited for. All of them are on this
// host and answer within a millisecond: who does not, hangs.
const askKeeper = time.Second

// NotAsked, in place of an address, tells not to ask.
const NotAsked = "none"

type timeCollector struct {
	chronyd, socket string // of chronyd
	chrony          func(ctx context.Context, address string) (chrony.Status, error)
	ntpd, bus       string
	adjtimex        func() (timex, error)
	hardware        hardwareClocks
	now             func() time.Time

	synchronised *Metric
	up, follows  *Metric
	offset       *Metric
	maxError     *Metric
	stratum      *Metric
	leap         *Metric
	compared     *Metric
	sources      *Metric
	reachable    *Metric
	tai          *Metric
}

func newTime(h Host) Collector {
	return &timeCollector{
		chronyd:      cmp.Or(h.Chrony, chrony.Address),
		socket:       h.path(chrony.Socket),
		chrony:       chrony.Ask,
		ntpd:         cmp.Or(h.NTPD, ntpd.Address),
		bus:          h.path("/run/dbus/system_bus_socket"),
		hardware:     newHardwareClocks(h),
		adjtimex:     adjtimex,
		now:          time.Now,
		synchronised: gauge("fettle_time_synchronised", "1 if who keeps the clock says that it follows a source of time: chrony if it runs, else ntpd, else timesyncd, else the kernel."),
		up:           gauge("fettle_time_keeper_up", "1 if this keeper of the clock runs and answers.", "keeper"),
		follows:      gauge("fettle_time_keeper_synchronised", "1 if the keeper says that the clock follows a source of time that answers.", "keeper"),
		offset:       gauge("fettle_time_offset_seconds", "How far the clock is ahead, as the keeper sees it; behind is negative. Absent while it follows nothing.", "keeper"),
		maxError:     gauge("fettle_time_max_error_seconds", "How far the clock can be off at most, as the keeper sees it.", "keeper"),
		stratum:      gauge("fettle_time_stratum", "How many hops the clock is away from a reference clock. Absent while it follows nothing.", "keeper"),
		leap:         gauge("fettle_time_leap_second", "Leap second announced for the end of the day: 1 is inserted, -1 is left out, 0 is none. Absent while it is not known.", "keeper"),
		compared:     gauge("fettle_time_compared_timestamp_seconds", "When the clock was last compared with a source, as a Unix time.", "keeper"),
		sources:      gauge("fettle_time_sources", "Sources of time that the keeper is told to use.", "keeper"),
		reachable:    gauge("fettle_time_sources_reachable", "Sources of time that answered one of the last eight polls.", "keeper"),
		tai:          gauge("fettle_time_tai_offset_seconds", "How far TAI is ahead of UTC, as the kernel was told. Absent if it was not."),
	}
}

func (c *timeCollector) Metrics() []*Metric {
	return append([]*Metric{
		c.synchronised, c.up, c.follows, c.offset, c.maxError, c.stratum, c.leap, c.compared, c.sources, c.reachable, c.tai,
	}, c.hardware.Metrics()...)
}

// keeper is what one who keeps the clock says. The zero value is one who is not there.
type keeper struct {
	up           bool
	synchronised bool
	values       map[*Metric]float64 // with the label keeper
}

// Collect asks all keepers at once. One who is not there is no error; one who is there
// and does not answer is, and the clock then counts as not synchronised: nobody else
// can say what that one does with it.
func (c *timeCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	ctx, cancel := context.WithTimeout(ctx, askKeeper)
	defer cancel()
	names := []string{"chrony", "ntpd", "timesyncd", "kernel"} // in the order in which they count
	const daemon, other, bus, own = 0, 1, 2, 3
	keepers, errs := make([]keeper, len(names)), make([]error, len(names))
	var asked sync.WaitGroup
	asked.Go(func() {
		// Port 123 is chronyd's own where that serves the time to others.
		if keepers[daemon], errs[daemon] = c.askChrony(ctx); !keepers[daemon].up && errs[daemon] == nil {
			keepers[other], errs[other] = c.askNTPD(ctx)
		}
	})
	asked.Go(func() { keepers[bus], errs[bus] = c.askTimesyncd(ctx) })
	kernel, err := c.adjtimex()
	switch {
	case err == nil:
		keepers[own] = c.fromKernel(kernel)
	case !errors.Is(err, errors.ErrUnsupported):
		errs[own] = err
	}
	asked.Wait()

	// timesyncd keeps its last answer for good, whether or not the clock still follows it.
	keepers[bus].synchronised = keepers[bus].synchronised && (err != nil || keepers[own].synchronised)

	judged, synchronised := false, false
	for i, k := range keepers {
		if !judged && (k.up || errs[i] != nil) {
			judged, synchronised = true, k.synchronised
		}
		emit(c.up, boolean(k.up), names[i])
		if !k.up {
			continue
		}
		emit(c.follows, boolean(k.synchronised), names[i])
		for m, value := range k.values {
			emit(m, value, names[i])
		}
	}
	emit(c.synchronised, boolean(synchronised))
	if kernel.taiSeconds != 0 {
		emit(c.tai, float64(kernel.taiSeconds))
	}
	return errors.Join(errors.Join(errs...), c.hardware.tell(emit))
}

// askChrony asks over the port, and where that is closed over the socket. One whose
// socket is not for this user is not there: nobody knows whether it runs.
func (c *timeCollector) askChrony(ctx context.Context) (keeper, error) {
	s, err := c.chrony(ctx, c.chronyd)
	if errors.Is(err, chrony.ErrAbsent) {
		s, err = c.chrony(ctx, c.socket)
	}
	if errors.Is(err, chrony.ErrAbsent) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return keeper{}, nil
	}
	if err != nil {
		return keeper{}, err
	}
	k := keeper{up: true, synchronised: s.Synchronised(), values: map[*Metric]float64{
		c.sources:   float64(len(s.Sources)),
		c.reachable: float64(s.Reachable()),
	}}
	if !k.synchronised { // what it says of the clock is then its own guess
		return k, nil
	}
	t := s.Tracking
	k.values[c.offset] = -t.Correction
	k.values[c.maxError] = math.Abs(t.Correction) + t.RootDispersion + t.RootDelay/2
	k.values[c.stratum] = float64(t.Stratum)
	k.values[c.compared] = float64(t.ReferenceTime.UnixNano()) / 1e9
	if leap, ok := leapSecond(uint32(t.Leap)); ok {
		k.values[c.leap] = leap
	}
	return k, nil
}

func (c *timeCollector) askNTPD(ctx context.Context) (keeper, error) {
	if c.ntpd == NotAsked {
		return keeper{}, nil
	}
	s, err := ntpd.Ask(ctx, c.ntpd)
	if errors.Is(err, ntpd.ErrAbsent) {
		return keeper{}, nil
	}
	if err != nil {
		return keeper{}, err
	}
	k := keeper{up: true, synchronised: s.Synchronised(), values: map[*Metric]float64{
		c.sources:   float64(len(s.Sources)),
		c.reachable: float64(s.Reachable()),
	}}
	if !k.synchronised {
		return k, nil
	}
	k.values[c.offset] = 0 - s.System.Offset // no negative zero
	k.values[c.maxError] = math.Abs(s.System.Offset) + s.System.RootDispersion + s.System.RootDelay/2
	k.values[c.stratum] = float64(s.System.Stratum)
	if !s.System.ReferenceTime.IsZero() {
		k.values[c.compared] = float64(s.System.ReferenceTime.UnixNano()) / 1e9
	}
	if leap, ok := leapSecond(uint32(s.System.Leap)); ok {
		k.values[c.leap] = leap
	}
	return k, nil
}

// leapSecond reads NTP's leap indicator: the seconds that the day gains, and whether
// that is known.
func leapSecond(indicator uint32) (float64, bool) {
	switch indicator {
	case 0:
		return 0, true
	case 1:
		return 1, true
	case 2:
		return -1, true
	}
	return 0, false
}

// timex is what the kernel says of its clock.
type timex struct {
	synchronised bool
	steered      bool    // by its own phase-locked loop: only then it has an offset
	offset       float64 // seconds that the clock is still to be moved forward
	maxError     float64 // seconds
	leap         float64 // seconds that the day gains
	taiSeconds   int32   // 0: nobody told it
}

func (c *timeCollector) fromKernel(t timex) keeper {
	k := keeper{up: true, synchronised: t.synchronised, values: map[*Metric]float64{c.maxError: t.maxError}}
	if !t.synchronised {
		return k
	}
	k.values[c.leap] = t.leap
	if t.steered {
		k.values[c.offset] = 0 - t.offset // no negative zero
	}
	return k
}
