package service

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/fettle-io/fettle/cluster"
)

// What a real systemd said; written by TestSystemd -update. A case is named by the
// unit, the state that it was in, and the purpose of a stop.
func TestCapturedUnits(t *testing.T) {
	text, err := os.ReadFile("testdata/units.json")
	if err != nil {
		t.Fatal(err)
	}
	var seen map[string]unit
	if err := json.Unmarshal(text, &seen); err != nil {
		t.Fatal(err)
	}
	if len(seen) < 20 {
		t.Fatalf("only %d cases", len(seen))
	}
	for name, u := range seen {
		f := append(strings.Fields(name), "")
		want, purpose := cluster.ServiceState(f[1]), f[2]
		now := time.Duration(u.MainStart)*time.Microsecond + time.Second
		s := u.service(false, now)
		if s.State != want || s.Purpose != purpose {
			t.Errorf("%s: got %s %q", name, s.State, s.Purpose)
		}
		lives := want == cluster.ServiceRunning || want == cluster.ServiceStarting || want == cluster.ServiceStopping
		if lives != (s.Identity != "" && s.Identity == u.InvocationID) || lives != (s.Age == time.Second) {
			t.Errorf("%s: identity %q, age %s", name, s.Identity, s.Age)
		}
		if down := u.service(true, now); s.Gone() && s.State != cluster.ServiceAutoRestart && down.State != cluster.ServiceStopped {
			t.Errorf("%s while the host shuts down: %+v", name, down)
		}
	}
}

func TestUnitService(t *testing.T) {
	dead := unit{Load: "loaded", Active: "failed", Sub: "failed", File: "enabled", Result: "signal", InactiveExit: 10, ActiveExit: 30, MainStart: 10, MainExit: 29, MainCode: 2, MainStatus: 9}
	with := func(f func(*unit)) unit { u := dead; f(&u); return u }
	for _, c := range []struct {
		name    string
		unit    unit
		state   cluster.ServiceState
		purpose string
	}{
		{"killed", dead, cluster.ServiceDead, ""},
		{"killed, then disabled", with(func(u *unit) { u.File = "disabled" }), cluster.ServiceStopped, "disabled"},
		{"killed, then masked", with(func(u *unit) { u.Load = "masked" }), cluster.ServiceStopped, "masked"},
		{"killed, and its file is broken", with(func(u *unit) { u.Load = "bad-setting" }), cluster.ServiceUnknown, ""},
		{"out of memory, stopped by systemd for it", with(func(u *unit) { u.Result = "oom-kill"; u.MainExit = 31 }), cluster.ServiceDead, ""},
		{"started too often", with(func(u *unit) { u.Result = "start-limit-hit" }), cluster.ServiceDead, ""},
		{"condition not met", with(func(u *unit) { u.Active = "inactive"; u.Result = "exec-condition" }), cluster.ServiceDead, ""},
		{"started by nobody since boot", unit{Load: "loaded", Active: "inactive", File: "enabled", Result: "success"}, cluster.ServiceDead, ""},
		{"static, and wanted", unit{Load: "loaded", Active: "inactive", File: "static", Result: "success", Wanted: 1}, cluster.ServiceDead, ""},
		{"static, and nothing refers to it", unit{Load: "loaded", Active: "inactive", File: "static", Result: "success"}, cluster.ServiceStopped, "disabled"},
		{"reloading", unit{Load: "loaded", Active: "reloading"}, cluster.ServiceRunning, ""},
		{"maintenance", unit{Load: "loaded", Active: "maintenance"}, cluster.ServiceUnknown, ""},
		{"queued to restart", unit{Load: "loaded", Active: "activating", Sub: "auto-restart-queued"}, cluster.ServiceAutoRestart, ""},
	} {
		s := c.unit.service(false, time.Minute)
		if s.State != c.state || s.Purpose != c.purpose {
			t.Errorf("%s: got %s %q, want %s %q", c.name, s.State, s.Purpose, c.state, c.purpose)
		}
		if (s.State == cluster.ServiceUnknown) != (s.Error != "") {
			t.Errorf("%s: error %q", c.name, s.Error)
		}
	}
}

func TestDecodeUnit(t *testing.T) {
	u := decodeUnit(map[string]any{
		"LoadState": "loaded", "ActiveState": "active", "InvocationID": []byte{0xab, 1}, "MainPID": uint32(7),
		"Job": []any{uint32(12), dbus.ObjectPath("/j")}, "WantedBy": []string{"a.target"}, "RequiredBy": []string{"b.target"},
		"TimeoutStartUSec": uint64(math.MaxUint64), "TimeoutStopUSec": uint64(3e6), "Result": 5, // of a wrong kind
	})
	if u.InvocationID != hex.EncodeToString([]byte{0xab, 1}) || u.Job != 12 || u.Wanted != 2 || u.Result != "" {
		t.Errorf("got %+v", u)
	}
	if s := u.service(false, time.Minute); !s.Busy || s.Wait != 10*time.Minute+3*time.Second {
		t.Errorf("got %+v", s)
	}
	if u := decodeUnit(nil); u != (unit{}) {
		t.Errorf("of nothing: %+v", u)
	}
}

func TestExplain(t *testing.T) {
	denied := explain(dbus.Error{Name: "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", Body: []any{"Interactive authentication required."}})
	if want := "Interactive authentication required.: add a polkit rule that lets fettle's user manage this unit (org.freedesktop.systemd1.manage-units)"; denied.Error() != want {
		t.Errorf("got %q", denied)
	}
	plain := errors.New("x")
	if got := explain(plain); got.Error() != "x" {
		t.Error("an error that is not D-Bus' is changed")
	}
}
