//go:build linux

package exporter

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
)

// fakeBus is a D-Bus on a socket of its own, behind which a systemd answers from
// tables. It speaks as much of the protocol as one client needs: no names, no
// signals, no rights.
type fakeBus struct {
	address  string
	listener net.Listener

	mu         sync.Mutex
	units      []listedUnit
	properties map[string]any // by "UNIT NAME"; absent: an unknown property
	mute       bool           // takes calls and answers none
	alone      bool           // no systemd is behind it
	calls      int
	conns      []net.Conn
}

func startFakeBus(t *testing.T, units ...listedUnit) *fakeBus {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	b := &fakeBus{address: "unix:path=" + path, listener: l, units: units, properties: map[string]any{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.conns = append(b.conns, c)
			b.mu.Unlock()
			serving.Go(func() { b.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		b.hangUp()
		serving.Wait()
	})
	return b
}

// hangUp ends the connections, as a bus does that is restarted.
func (b *fakeBus) hangUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.conns {
		c.Close()
	}
	b.conns = nil
}

// change changes what it answers.
func (b *fakeBus) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *fakeBus) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	if _, err := r.Discard(1); err != nil { // the NUL byte that comes first
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		answer := "ERROR"
		switch line = strings.TrimSpace(line); {
		case line == "AUTH":
			answer = "REJECTED EXTERNAL"
		case strings.HasPrefix(line, "AUTH "):
			answer = "OK 0123456789abcdef0123456789abcdef"
		}
		if line == "BEGIN" {
			break
		}
		if _, err := io.WriteString(c, answer+"\r\n"); err != nil {
			return
		}
	}
	for {
		m, err := dbus.DecodeMessage(r)
		if err != nil {
			return
		}
		if answer := b.answer(m); answer != nil {
			if err := answer.EncodeTo(c, binary.LittleEndian); err != nil {
				return
			}
		}
	}
}

func (b *fakeBus) answer(m *dbus.Message) *dbus.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.mute {
		return nil
	}
	member, _ := m.Headers[dbus.FieldMember].Value().(string)
	switch member {
	case "Hello":
		return reply(m, ":1.1")
	default:
		if b.alone {
			return failure(m, "org.freedesktop.DBus.Error.NameHasNoOwner")
		}
	}
	switch member {
	case "ListUnitsByPatterns":
		return reply(m, wire(b.units))
	case "ListUnitsByNames":
		var named []listedUnit
		for _, name := range m.Body[0].([]string) {
			for _, u := range b.units {
				if u.Name == name {
					named = append(named, u)
				}
			}
		}
		return reply(m, wire(named))
	case "Get":
		path, _ := m.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
		for _, u := range b.units {
			if v, ok := b.properties[u.Name+" "+m.Body[1].(string)]; ok && u.Path == string(path) {
				if name, isError := v.(error); isError {
					return failure(m, name.Error())
				}
				return reply(m, dbus.MakeVariant(v))
			}
		}
		return failure(m, "org.freedesktop.DBus.Error.UnknownProperty")
	}
	return failure(m, "org.freedesktop.DBus.Error.UnknownMethod")
}

// wireUnit is a listedUnit with the types that D-Bus sends.
type wireUnit struct {
	Name, Description, Load, Active, Sub, Followed string

	Path    dbus.ObjectPath
	JobID   uint32
	JobType string
	JobPath dbus.ObjectPath
}

func wire(units []listedUnit) []wireUnit {
	all := make([]wireUnit, len(units))
	for i, u := range units {
		all[i] = wireUnit{u.Name, u.Description, u.Load, u.Active, u.Sub, u.Followed, dbus.ObjectPath(u.Path), u.JobID, u.JobType, "/"}
	}
	return all
}

func reply(m *dbus.Message, value any) *dbus.Message {
	return &dbus.Message{Type: dbus.TypeMethodReply, Body: []any{value}, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(m.Serial()),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(value)),
	}}
}

func failure(m *dbus.Message, name string) *dbus.Message {
	return &dbus.Message{Type: dbus.TypeError, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(m.Serial()),
		dbus.FieldErrorName:   dbus.MakeVariant(name),
	}}
}
