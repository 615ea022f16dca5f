//go:build linux

package keepalived

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

const (
	// maxAnswers is how much comes in for one look: an instance has some 2 KiB in it.
	maxAnswers = 1 << 20

	name      = "org.keepalived.Vrrp1"
	root      = "/org/keepalived/Vrrp1/Instance"
	instances = name + ".Instance"
	busError  = "org.freedesktop.DBus.Error."
)

// bus is a connection to the message bus.
type bus struct {
	raw  *line.Conn
	conn *dbus.Conn
}

func dial(ctx context.Context, network, address string) (*bus, error) {
	raw, err := line.Dial(ctx, network, address, maxAnswers)
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			err = line.Because(cluster.BadAuth, err)
		}
		return nil, err
	}
	until, _ := ctx.Deadline() // none is no deadline
	_ = raw.SetDeadline(until)
	conn, err := dbus.NewConn(raw)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	if err := greet(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	// From here on each call has its own deadline, and what is read in between is the bus'.
	_ = raw.SetDeadline(time.Time{})
	return &bus{raw, conn}, nil
}

func greet(conn *dbus.Conn) error {
	err := conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))})
	if err == nil {
		err = conn.Hello()
	}
	if err != nil && line.Reason(err) == cluster.Other {
		return line.Because(cluster.BadProtocol, fmt.Errorf("no message bus answers here: %w", err))
	}
	return err
}

func (b *bus) close() { _ = b.conn.Close() }

// instances reads the state of each instance: their objects are at
// root/INTERFACE/ROUTER/FAMILY.
func (b *bus) instances(ctx context.Context) (*Member, error) {
	b.raw.Allow()
	paths := []string{root}
	for range 3 {
		var below []string
		for _, path := range paths {
			names, err := b.children(ctx, path)
			if gone(err) && path != root {
				continue // a reload takes them away, and makes them anew
			}
			if err != nil {
				return nil, err
			}
			for _, n := range names {
				below = append(below, path+"/"+n)
			}
		}
		paths = below
	}
	m := &Member{LeftOut: max(0, len(paths)-maxInstances)}
	for _, path := range paths[:len(paths)-m.LeftOut] {
		var properties map[string]dbus.Variant
		err := b.call(ctx, path, "org.freedesktop.DBus.Properties.GetAll", &properties, instances)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		values := map[string]any{}
		for key, v := range properties {
			values[key] = v.Value()
		}
		in, err := instanceOf(values)
		if err != nil {
			return nil, line.Because(cluster.BadProtocol, fmt.Errorf("%s: %w", path, err))
		}
		m.Instances = append(m.Instances, in)
	}
	slices.SortFunc(m.Instances, func(a, b Instance) int { return cmp.Compare(a.Name, b.Name) })
	m.Instances = slices.CompactFunc(m.Instances, func(a, b Instance) bool { return a.Name == b.Name })
	return m, nil
}

func (b *bus) children(ctx context.Context, path string) ([]string, error) {
	var text string
	if err := b.call(ctx, path, "org.freedesktop.DBus.Introspectable.Introspect", &text); err != nil {
		return nil, err
	}
	names, err := nodes(text)
	if err != nil {
		return nil, line.Because(cluster.BadProtocol, fmt.Errorf("%s: %w", path, err))
	}
	return names, nil
}

func (b *bus) call(ctx context.Context, path, method string, result any, args ...any) error {
	err := b.conn.Object(name, dbus.ObjectPath(path)).CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...).Store(result)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e, said := errors.AsType[dbus.Error](err)
	switch kind, _ := strings.CutPrefix(e.Name, busError); {
	case !said:
		return err
	case kind == "NameHasNoOwner" || kind == "ServiceUnknown":
		return line.Because(cluster.Refused, fmt.Errorf("keepalived is not on the bus: it does not run, or without enable_dbus: %w", err))
	case kind == "AccessDenied":
		return line.Because(cluster.BadAuth, err)
	case kind == "NoReply" || kind == "Timeout" || kind == "TimedOut":
		return line.Because(cluster.Timeout, err)
	default:
		return line.Because(cluster.BadProtocol, err)
	}
}

// answered tells that the bus, or keepalived, said no: the connection is as good as
// before.
func answered(err error) bool {
	_, said := errors.AsType[dbus.Error](err)
	return said
}

// gone tells that an object is not there any more.
func gone(err error) bool {
	e, said := errors.AsType[dbus.Error](err)
	return said && strings.HasPrefix(e.Name, busError+"Unknown")
}
