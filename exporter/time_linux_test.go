package exporter

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/fettle-io/fettle/exporter/chrony"
)

// timeOf is a machine on which nobody but the kernel keeps the clock.
func timeOf(t *testing.T, kernel timex) *timeCollector {
	t.Helper()
	c := newTime(Host{Chrony: closedPort(t), NTPD: closedPort(t), Sys: t.TempDir()}).(*timeCollector)
	c.bus = filepath.Join(t.TempDir(), "none")
	c.socket = c.bus
	c.adjtimex = func() (timex, error) { return kernel, nil }
	return c
}

func closedPort(t *testing.T) string {
	t.Helper()
	conn := listenUDP(t)
	address := conn.LocalAddr().String()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

func listenUDP(t *testing.T) net.PacketConn {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// The kernel of this machine, against a reading of its own.
func TestTimeOfThisMachine(t *testing.T) {
	c := timeOf(t, timex{})
	c.adjtimex = adjtimex
	var raw unix.Timex
	state, err := unix.Adjtimex(&raw)
	if err != nil {
		t.Fatal(err)
	}
	got := gathered(t, c)
	want := boolean(state != 5 && raw.Status&0x40 == 0)
	between(t, got, "fettle_time_synchronised", want, want)
	between(t, got, `fettle_time_keeper_synchronised{keeper="kernel"}`, want, want)
	// It grows by half a millisecond a second.
	between(t, got, `fettle_time_max_error_seconds{keeper="kernel"}`, float64(raw.Maxerror)/1e6, float64(raw.Maxerror)/1e6+1)
	between(t, got, `fettle_time_keeper_up{keeper="chrony"}`, 0, 0)
	between(t, got, `fettle_time_keeper_up{keeper="timesyncd"}`, 0, 0)
}

func TestReadTimex(t *testing.T) {
	for name, tc := range map[string]struct {
		state int
		raw   unix.Timex
		want  timex
	}{
		"synchronised":            {0, unix.Timex{Status: 0x1, Offset: 1500, Maxerror: 250000, Tai: 37}, timex{synchronised: true, steered: true, offset: 0.0015, maxError: 0.25, taiSeconds: 37}},
		"nanoseconds":             {0, unix.Timex{Status: 0x2001, Offset: -1500}, timex{synchronised: true, steered: true, offset: -0.0000015}},
		"nobody steers it":        {0, unix.Timex{Status: 0x2000}, timex{synchronised: true}},
		"not synchronised":        {5, unix.Timex{Status: 0x40, Maxerror: 16000000}, timex{maxError: 16}},
		"the flag alone":          {0, unix.Timex{Status: 0x40}, timex{}},
		"the state alone":         {5, unix.Timex{}, timex{}},
		"a second is inserted":    {1, unix.Timex{Status: 0x10}, timex{synchronised: true, leap: 1}},
		"a second is left out":    {2, unix.Timex{Status: 0x20}, timex{synchronised: true, leap: -1}},
		"in the inserted second":  {3, unix.Timex{Status: 0x10}, timex{synchronised: true, leap: 1}},
		"after the leap second":   {4, unix.Timex{Status: 0x10}, timex{synchronised: true, leap: 1}},
		"an offset without a PLL": {0, unix.Timex{Offset: 7}, timex{synchronised: true, offset: 0.000007}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := readTimex(tc.state, tc.raw); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestTimeFromTheKernel(t *testing.T) {
	got := gathered(t, timeOf(t, timex{synchronised: true, steered: true, offset: 0.25, maxError: 0.5, leap: 1, taiSeconds: 37}))
	between(t, got, "fettle_time_synchronised", 1, 1)
	between(t, got, `fettle_time_offset_seconds{keeper="kernel"}`, -0.25, -0.25)
	between(t, got, `fettle_time_leap_second{keeper="kernel"}`, 1, 1)
	between(t, got, "fettle_time_tai_offset_seconds", 37, 37)

	// An offset of 0 that nobody measured is none.
	for name, kernel := range map[string]timex{"not steered": {synchronised: true}, "not synchronised": {steered: true}} {
		got := gathered(t, timeOf(t, kernel))
		if v, ok := got[`fettle_time_offset_seconds{keeper="kernel"}`]; ok {
			t.Errorf("%s: offset %v", name, v)
		}
		if v, ok := got["fettle_time_tai_offset_seconds"]; ok {
			t.Errorf("%s: TAI offset %v", name, v)
		}
	}
}

// fakeChronyd is no chronyd: it answers with a fixed state of one source.
func fakeChronyd(t *testing.T, sources uint32, reachability uint16) string {
	t.Helper()
	conn := listenUDP(t)
	go func() {
		request := make([]byte, 1024)
		for {
			_, from, err := conn.ReadFrom(request)
			if err != nil {
				return // closed
			}
			reply := make([]byte, 28+76)
			reply[0], reply[1] = 6, 2
			copy(reply[4:6], request[4:6])
			copy(reply[16:20], request[8:12])
			body := reply[28:]
			switch binary.BigEndian.Uint16(request[4:]) {
			case 14:
				reply[7] = 2
				binary.BigEndian.PutUint32(body, sources)
			case 15:
				reply[7] = 3
				binary.BigEndian.PutUint16(body[30:], reachability)
			case 33:
				reply[7] = 5
				binary.BigEndian.PutUint16(body[24:], 3)             // stratum
				binary.BigEndian.PutUint16(body[26:], 2)             // a second is left out
				binary.BigEndian.PutUint32(body[32:], 1_800_000_000) // compared
				// 7 bits of exponent, 25 of coefficient, times 2^-25.
				binary.BigEndian.PutUint32(body[40:], 3<<25|1<<23) // to be moved by 2 s
				binary.BigEndian.PutUint32(body[64:], 1<<25|1<<23) // root delay 0.5 s
				binary.BigEndian.PutUint32(body[68:], 1<<23)       // dispersion 0.25 s
			}
			_, _ = conn.WriteTo(reply, from)
		}
	}()
	return conn.LocalAddr().String()
}

func TestTimeFromChrony(t *testing.T) {
	c := timeOf(t, timex{}) // the kernel's flag is not kept without rtcsync
	c.chronyd = fakeChronyd(t, 1, 0o377)
	got := gathered(t, c)
	between(t, got, "fettle_time_synchronised", 1, 1)
	between(t, got, `fettle_time_keeper_synchronised{keeper="kernel"}`, 0, 0)
	between(t, got, `fettle_time_sources{keeper="chrony"}`, 1, 1)
	between(t, got, `fettle_time_sources_reachable{keeper="chrony"}`, 1, 1)
	between(t, got, `fettle_time_offset_seconds{keeper="chrony"}`, -2, -2)
	between(t, got, `fettle_time_max_error_seconds{keeper="chrony"}`, 2.5, 2.5)
	between(t, got, `fettle_time_stratum{keeper="chrony"}`, 3, 3)
	between(t, got, `fettle_time_leap_second{keeper="chrony"}`, -1, -1)
	between(t, got, `fettle_time_compared_timestamp_seconds{keeper="chrony"}`, 1.8e9, 1.8e9)
}

// fakeNTPD is no ntpd: it answers with fixed variables and one source.
func fakeNTPD(t *testing.T, variables string, source uint16) string {
	t.Helper()
	conn := listenUDP(t)
	go func() {
		request := make([]byte, 1024)
		for {
			_, from, err := conn.ReadFrom(request)
			if err != nil {
				return // closed
			}
			data := []byte(variables)
			if request[1] == 1 {
				data = binary.BigEndian.AppendUint16([]byte{0, 7}, source)
			}
			reply := make([]byte, 12)
			copy(reply, request[:4])
			reply[1] |= 0x80
			binary.BigEndian.PutUint16(reply[10:], uint16(len(data)))
			_, _ = conn.WriteTo(slices.Concat(reply, data), from)
		}
	}()
	return conn.LocalAddr().String()
}

const ntpdFollows = "stratum=3,refid=192.0.2.1,offset=-2000,rootdelay=500,rootdisp=250,reftime=0xee000000.0"

func TestTimeFromNTPD(t *testing.T) {
	c := timeOf(t, timex{})
	c.ntpd = fakeNTPD(t, ntpdFollows, 0x9600)
	got := gathered(t, c)
	between(t, got, "fettle_time_synchronised", 1, 1)
	between(t, got, `fettle_time_keeper_up{keeper="ntpd"}`, 1, 1)
	between(t, got, `fettle_time_offset_seconds{keeper="ntpd"}`, 2, 2) // its sources are behind
	between(t, got, `fettle_time_max_error_seconds{keeper="ntpd"}`, 2.5, 2.5)
	between(t, got, `fettle_time_stratum{keeper="ntpd"}`, 3, 3)
	between(t, got, `fettle_time_leap_second{keeper="ntpd"}`, 0, 0)
	between(t, got, `fettle_time_sources_reachable{keeper="ntpd"}`, 1, 1)
	between(t, got, `fettle_time_compared_timestamp_seconds{keeper="ntpd"}`, 0xee000000-2208988800, 0xee000000-2208988800)

	c.ntpd = fakeNTPD(t, ntpdFollows, 0x8000) // it answers no more
	got = gathered(t, c)
	between(t, got, "fettle_time_synchronised", 0, 0)
	if v, ok := got[`fettle_time_offset_seconds{keeper="ntpd"}`]; ok {
		t.Errorf("offset %v", v)
	}
}

// Where chronyd runs, port 123 is its own; and where it is said not to be asked, nobody is.
func TestTimeAsksNoNTPD(t *testing.T) {
	c := timeOf(t, timex{synchronised: true})
	c.chronyd = fakeChronyd(t, 1, 0o377)
	c.ntpd = listenUDP(t).LocalAddr().String() // does not answer
	between(t, gathered(t, c), `fettle_time_keeper_up{keeper="ntpd"}`, 0, 0)

	c = timeOf(t, timex{synchronised: true})
	c.ntpd = NotAsked
	between(t, gathered(t, c), "fettle_time_synchronised", 1, 1)
}

// A socket of chronyd's that is for others only is nobody's failure.
func TestTimeWithoutARightToChronysSocket(t *testing.T) {
	for name, failure := range map[string]error{"of others": unix.EACCES, "in a sandbox": unix.EROFS} {
		t.Run(name, func(t *testing.T) {
			c := timeOf(t, timex{synchronised: true})
			c.chrony = func(_ context.Context, address string) (chrony.Status, error) {
				if address == c.socket {
					return chrony.Status{}, fmt.Errorf("ask chronyd: %w", failure)
				}
				return chrony.Status{}, chrony.ErrAbsent
			}
			got := gathered(t, c)
			between(t, got, `fettle_time_keeper_up{keeper="chrony"}`, 0, 0)
			between(t, got, "fettle_time_synchronised", 1, 1)
		})
	}
}

// What chrony says of the clock while it follows nothing is a guess; the kernel's flag,
// which chrony sets for its own clock too, does not count while chrony is there.
func TestTimeFromChronyWithoutASource(t *testing.T) {
	for name, tc := range map[string]struct {
		sources      uint32
		reachability uint16
	}{"none": {0, 0}, "none answers": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			c := timeOf(t, timex{synchronised: true})
			c.chronyd = fakeChronyd(t, tc.sources, tc.reachability)
			got := gathered(t, c)
			between(t, got, "fettle_time_synchronised", 0, 0)
			between(t, got, `fettle_time_keeper_up{keeper="chrony"}`, 1, 1)
			between(t, got, `fettle_time_sources_reachable{keeper="chrony"}`, 0, 0)
			for _, absent := range []string{"offset_seconds", "max_error_seconds", "stratum", "leap_second", "compared_timestamp_seconds"} {
				if v, ok := got["fettle_time_"+absent+`{keeper="chrony"}`]; ok {
					t.Errorf("%s: %v", absent, v)
				}
			}
		})
	}
}

// One who is there and never answers costs a second, and only what it alone knows; and
// nothing is left of the question.
func TestTimeOfAMuteKeeper(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	socket := filepath.Join(t.TempDir(), "bus")
	bus, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	for name, set := range map[string]func(c *timeCollector){
		"chrony":    func(c *timeCollector) { c.chronyd = listenUDP(t).LocalAddr().String() },
		"ntpd":      func(c *timeCollector) { c.ntpd = listenUDP(t).LocalAddr().String() },
		"timesyncd": func(c *timeCollector) { c.bus = socket },
	} {
		t.Run(name, func(t *testing.T) {
			c := timeOf(t, timex{synchronised: true, maxError: 0.5})
			set(c)
			r := readOnce(t, c)
			if !errors.Is(r.err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v", r.err)
			}
			got := series(t, registryOf(t, c, r))
			between(t, got, `fettle_time_keeper_up{keeper="`+name+`"}`, 0, 0)
			between(t, got, "fettle_time_synchronised", 0, 0)
			between(t, got, `fettle_time_max_error_seconds{keeper="kernel"}`, 0.5, 0.5)
		})
	}
}

func TestTimeOfAnUnreadableKernel(t *testing.T) {
	c := timeOf(t, timex{})
	c.adjtimex = func() (timex, error) { return timex{}, unix.EPERM }
	r := readOnce(t, c)
	if !errors.Is(r.err, unix.EPERM) {
		t.Errorf("got %v", r.err)
	}
	got := series(t, registryOf(t, c, r))
	between(t, got, "fettle_time_synchronised", 0, 0)
	if len(got) != 5 {
		t.Errorf("want that and the state of four keepers, got %v", got)
	}
}

func TestTimeFromTimesyncd(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) uint64 { return uint64(now.Add(d).UnixMicro()) } //nolint:gosec // after 1970
	type change = func(m *ntpMessage)
	for name, tc := range map[string]struct {
		change       change
		synchronised bool
	}{
		"follows":              {func(*ntpMessage) {}, true},
		"no answer yet":        {func(m *ntpMessage) { *m = ntpMessage{} }, false},
		"the server is not":    {func(m *ntpMessage) { m.Leap = 3 }, false},
		"a spike":              {func(m *ntpMessage) { m.Ignored = true }, false},
		"silent for too long":  {func(m *ntpMessage) { m.Destination = at(-time.Hour) }, false},
		"from the far future":  {func(m *ntpMessage) { m.Destination = 1 << 63 }, false},
		"one answer is missed": {func(m *ntpMessage) { m.Destination = at(-3 * time.Minute) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := ntpMessage{
				Leap: 1, Stratum: 2, RootDelay: 10_000, RootDispersion: 2_000, Packets: 3,
				Originate: at(-time.Second), Receive: at(-time.Second + 51*time.Millisecond),
				Transmit: at(-time.Second + 51*time.Millisecond), Destination: at(-time.Second + 2*time.Millisecond),
			}
			tc.change(&m)
			c := timeOf(t, timex{})
			c.now = func() time.Time { return now }
			k, err := c.fromTimesyncd(map[string]dbus.Variant{
				"NTPMessage": dbus.MakeVariant(m), "PollIntervalUSec": dbus.MakeVariant(uint64(64_000_000)),
			})
			if err != nil || !k.up || k.synchronised != tc.synchronised {
				t.Fatalf("got %+v, %v", k, err)
			}
			if _, ok := k.values[c.offset]; ok != tc.synchronised {
				t.Errorf("an offset: %v", ok)
			}
			if name != "follows" {
				return
			}
			for metric, want := range map[*Metric]float64{c.offset: -0.05, c.maxError: 0.05 + 0.002 + 0.005 + 0.001, c.stratum: 3, c.leap: 1} {
				if got := k.values[metric]; got < want-1e-9 || got > want+1e-9 {
					t.Errorf("%s: %v, want %v", metric.Name, got, want)
				}
			}
		})
	}
}

func TestTimeFromAStrangeTimesyncd(t *testing.T) {
	c := timeOf(t, timex{})
	for name, properties := range map[string]map[string]dbus.Variant{
		"nothing":       {},
		"another shape": {"NTPMessage": dbus.MakeVariant("text"), "PollIntervalUSec": dbus.MakeVariant(uint64(1))},
		"no interval":   {"NTPMessage": dbus.MakeVariant(ntpMessage{})},
	} {
		if k, err := c.fromTimesyncd(properties); err == nil || k.up {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
	}
}

func TestTimeWithoutADeadlineOfItsOwnEnds(t *testing.T) {
	c := timeOf(t, timex{synchronised: true})
	c.chronyd = listenUDP(t).LocalAddr().String()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Collect(ctx, nil, func(*Metric, float64, ...string) {}); err == nil {
		t.Error("no error of a chronyd that did not answer")
	}
}
