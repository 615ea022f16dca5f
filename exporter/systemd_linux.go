package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
)

const systemdName = "org.freedesktop.systemd1"

// systemd asks a machine's systemd over D-Bus, on one connection that is kept and
// made anew when it broke. Every call ends with its context.
type systemd struct {
	address string // of the bus, as D-Bus writes addresses; empty: the system bus
	booted  string // a directory that is there if systemd runs the machine

	mu   sync.Mutex
	conn *dbus.Conn
	quit context.CancelFunc // ends conn
}

func newSystemd(h Host) *systemd {
	s := &systemd{address: h.Units.bus, booted: h.path("/run/systemd/system")}
	if s.address == "" && h.Root != "" && h.Root != "/" {
		s.address = "unix:path=" + dbus.EscapeBusAddressValue(h.path("/run/dbus/system_bus_socket"))
	}
	return s
}

// list lists the units that systemd has in memory, sorted by name. Devices, scopes
// and slices, of which there may be thousands, are not asked for.
func (s *systemd) list(ctx context.Context) ([]listedUnit, error) {
	patterns := []string{"*.service", "*.socket", "*.timer", "*.mount", "*.automount", "*.swap", "*.path", "*.target"}
	return s.units(ctx, "ListUnitsByPatterns", []string{}, patterns)
}

// named lists these units, also those that systemd would have to load first.
func (s *systemd) named(ctx context.Context, names []string) ([]listedUnit, error) {
	return s.units(ctx, "ListUnitsByNames", names)
}

func (s *systemd) units(ctx context.Context, method string, args ...any) ([]listedUnit, error) {
	var units []listedUnit
	err := s.call(ctx, "/org/freedesktop/systemd1", systemdName+".Manager."+method, args, &units)
	// A bus without systemd on it, as containers have.
	unowned := []string{"org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.ServiceUnknown"}
	if e, ok := errors.AsType[dbus.Error](err); ok && slices.Contains(unowned, e.Name) && !s.boots() {
		err = errNotBooted
	}
	slices.SortFunc(units, func(a, b listedUnit) int { return cmp.Compare(a.Name, b.Name) })
	return units, err
}

// property reads one property of a unit; false if the unit does not have it, or is gone.
func property[T any](ctx context.Context, s *systemd, u listedUnit, kind, name string) (T, bool, error) {
	var none T
	var v dbus.Variant
	err := s.call(ctx, dbus.ObjectPath(u.Path), "org.freedesktop.DBus.Properties.Get", []any{systemdName + "." + kind, name}, &v)
	if e, ok := errors.AsType[dbus.Error](err); ok && (strings.HasPrefix(e.Name, "org.freedesktop.DBus.Error.Unknown") || strings.HasSuffix(e.Name, ".NoSuchUnit")) {
		return none, false, nil
	}
	if err != nil {
		return none, false, fmt.Errorf("%s of %s: %w", name, u.Name, err)
	}
	value, ok := v.Value().(T)
	return value, ok, nil
}

// boots tells that systemd runs the machine, as sd_booted(3) does.
func (s *systemd) boots() bool {
	_, err := os.Stat(s.booted)
	return !errors.Is(err, os.ErrNotExist)
}

// call makes one call, and again on a new connection if the one that was kept broke:
// it only asks.
func (s *systemd) call(ctx context.Context, path dbus.ObjectPath, method string, args []any, result any) error {
	if !path.IsValid() {
		return fmt.Errorf("systemd names an object %q", path)
	}
	err := ctx.Err()
	for range 2 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var c *dbus.Conn
		if c, err = s.connect(ctx); err != nil {
			return err
		}
		err = c.Object(systemdName, path).CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...).Store(result)
		if _, answered := errors.AsType[dbus.Error](err); err == nil || answered {
			return err
		}
		s.forget(c)
	}
	return cmp.Or(ctx.Err(), err)
}

func (s *systemd) connect(ctx context.Context) (*dbus.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil && s.conn.Connected() {
		return s.conn, nil
	}
	s.drop()
	// A connection lives as long as its own context, which a bus that accepts and
	// says nothing does not outlive this one.
	own, quit := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, quit)
	c, err := s.dial(own)
	if err == nil && !stop() {
		c.Close()
		err = ctx.Err()
	}
	if err != nil {
		stop()
		quit()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if errors.Is(err, os.ErrNotExist) && !s.boots() {
			return nil, errNotBooted
		}
		return nil, fmt.Errorf("connect to the system bus: %w", err)
	}
	s.conn, s.quit = c, quit
	return c, nil
}

func (s *systemd) dial(ctx context.Context) (*dbus.Conn, error) {
	connect := dbus.SystemBusPrivate
	if s.address != "" {
		connect = func(o ...dbus.ConnOption) (*dbus.Conn, error) { return dbus.Dial(s.address, o...) }
	}
	c, err := connect(dbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	err = c.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Getuid()))})
	if err == nil {
		err = c.Hello()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close ends the connection, if there is one.
func (s *systemd) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
	return nil
}

// forget closes a connection that broke, or did not answer in time.
func (s *systemd) forget(c *dbus.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == c {
		s.drop()
	}
}

func (s *systemd) drop() {
	if s.conn != nil {
		s.conn.Close()
		s.quit()
		s.conn = nil
	}
}
