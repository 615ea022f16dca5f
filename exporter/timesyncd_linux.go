package exporter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

// askTimesyncd asks systemd-timesyncd over the system bus. Only one that runs is
// asked: by default the bus would start it, and this program starts nothing.
func (c *timeCollector) askTimesyncd(ctx context.Context) (keeper, error) {
	properties, err := timesyncd(ctx, c.bus)
	if err != nil {
		return keeper{}, fmt.Errorf("ask systemd-timesyncd: %w", err)
	}
	if properties == nil {
		return keeper{}, nil
	}
	k, err := c.fromTimesyncd(properties)
	if err != nil {
		return keeper{}, fmt.Errorf("read what systemd-timesyncd says: %w", err)
	}
	return k, nil
}

// timesyncd reads its properties; nil if there is no bus, or nobody of that name on it.
func timesyncd(ctx context.Context, socket string) (map[string]dbus.Variant, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "unix", socket)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// The deadline stands on the socket itself: the greeting takes no context.
	if until, ok := ctx.Deadline(); ok {
		if err := raw.SetDeadline(until); err != nil {
			return nil, errors.Join(err, raw.Close())
		}
	}
	bus, err := dbus.NewConn(raw)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	defer func() { _ = bus.Close() }() // only asked
	if err := bus.Auth(nil); err != nil {
		return nil, fmt.Errorf("greet the bus: %w", err)
	}
	if err := bus.Hello(); err != nil {
		return nil, fmt.Errorf("greet the bus: %w", err)
	}
	var properties map[string]dbus.Variant
	err = bus.Object("org.freedesktop.timesync1", "/org/freedesktop/timesync1").
		CallWithContext(ctx, "org.freedesktop.DBus.Properties.GetAll", dbus.FlagNoAutoStart, "org.freedesktop.timesync1.Manager").
		Store(&properties)
	if e, ok := errors.AsType[dbus.Error](err); ok {
		switch e.Name {
		case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
			return nil, nil
		}
	}
	return properties, err
}

// ntpMessage is the last answer of timesyncd's server, as the property NTPMessage has
// it; times and delays in microseconds.
type ntpMessage struct {
	Leap, Version, Mode, Stratum uint32
	Precision                    int32
	RootDelay, RootDispersion    uint64
	Reference                    []byte
	Originate, Receive           uint64
	Transmit, Destination        uint64
	Ignored                      bool
	Packets                      uint64
	Jitter                       uint64
}

// answersMissed is after how many poll intervals without an answer the server is gone.
const answersMissed = 4

func (c *timeCollector) fromTimesyncd(properties map[string]dbus.Variant) (keeper, error) {
	var m ntpMessage
	if err := stored(properties, "NTPMessage", &m); err != nil {
		return keeper{}, err
	}
	var poll uint64
	if err := stored(properties, "PollIntervalUSec", &poll); err != nil {
		return keeper{}, err
	}
	k := keeper{up: true, values: map[*Metric]float64{}}
	if m.Packets == 0 { // no server answered yet
		return k, nil
	}
	answered := time.UnixMicro(int64(m.Destination)) //nolint:gosec // what does not fit is far from now, and thus too old
	k.values[c.compared] = float64(m.Destination) / 1e6
	age := c.now().Sub(answered).Abs()
	if m.Leap > 2 || m.Ignored || age > answersMissed*time.Duration(min(poll, uint64(24*time.Hour/time.Microsecond)))*time.Microsecond { //nolint:gosec // bounded
		return k, nil
	}
	k.synchronised = true
	// Half of what the way there and the way back differ by, as timedatectl has it.
	ahead := -(signed(m.Receive, m.Originate) + signed(m.Transmit, m.Destination)) / 2
	delay := signed(m.Destination, m.Originate) - signed(m.Transmit, m.Receive)
	k.values[c.offset] = ahead
	k.values[c.maxError] = max(ahead, -ahead) + float64(m.RootDispersion)/1e6 + float64(m.RootDelay)/2e6 + max(delay, 0)/2
	k.values[c.stratum] = float64(m.Stratum) + 1
	k.values[c.leap], _ = leapSecond(m.Leap)
	return k, nil
}

// signed is a − b in seconds, of microseconds.
func signed(a, b uint64) float64 { return float64(int64(a-b)) / 1e6 } //nolint:gosec // the difference is meant

func stored(properties map[string]dbus.Variant, name string, to any) error {
	v, ok := properties[name]
	if !ok {
		return fmt.Errorf("no property %s", name)
	}
	if err := v.Store(to); err != nil {
		return fmt.Errorf("property %s: %w", name, err)
	}
	return nil
}
