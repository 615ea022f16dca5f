package service

import (
	"encoding/hex"
	"math"
	"syscall"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// unit is what systemd says of one unit. Times are microseconds of
// CLOCK_MONOTONIC, 0 for never; spans are microseconds, MaxUint64 for infinity.
type unit struct {
	Load, Active, Sub, File, Result string

	InvocationID string
	Job          uint32 // a queued or running start, stop or restart; 0: none
	MainPID      uint32 // 0: no main process
	Restarts     uint32
	Wanted       int // how many units want or require it

	MainStart, MainExit uint64
	// How the main process ended: 1 exited, 2 killed, 3 dumped; its code or signal.
	MainCode, MainStatus int32

	InactiveExit uint64 // its last start began
	ActiveExit   uint64 // it last ceased to be active

	TimeoutStart, TimeoutStop, RuntimeMax uint64
}

// decodeUnit picks a unit's properties out of what GetAll returned.
func decodeUnit(p map[string]any) unit {
	u := unit{
		Load:         get[string](p, "LoadState"),
		Active:       get[string](p, "ActiveState"),
		Sub:          get[string](p, "SubState"),
		File:         get[string](p, "UnitFileState"),
		Result:       get[string](p, "Result"),
		InvocationID: hex.EncodeToString(get[[]byte](p, "InvocationID")),
		MainPID:      get[uint32](p, "MainPID"),
		Restarts:     get[uint32](p, "NRestarts"),
		Wanted:       len(get[[]string](p, "WantedBy")) + len(get[[]string](p, "RequiredBy")),
		MainStart:    get[uint64](p, "ExecMainStartTimestampMonotonic"),
		MainExit:     get[uint64](p, "ExecMainExitTimestampMonotonic"),
		MainCode:     get[int32](p, "ExecMainCode"),
		MainStatus:   get[int32](p, "ExecMainStatus"),
		InactiveExit: get[uint64](p, "InactiveExitTimestampMonotonic"),
		ActiveExit:   get[uint64](p, "ActiveExitTimestampMonotonic"),
		TimeoutStart: get[uint64](p, "TimeoutStartUSec"),
		TimeoutStop:  get[uint64](p, "TimeoutStopUSec"),
		RuntimeMax:   get[uint64](p, "RuntimeMaxUSec"),
	}
	if job := get[[]any](p, "Job"); len(job) > 0 {
		u.Job, _ = job[0].(uint32)
	}
	return u
}

func get[T any](p map[string]any, name string) T {
	v, _ := p[name].(T)
	return v
}

// service says what a unit's properties mean. hostStopping is true while systemd
// shuts the host down; now is CLOCK_MONOTONIC.
func (u unit) service(hostStopping bool, now time.Duration) cluster.Service {
	s := cluster.Service{
		Busy: u.Job != 0,
		Wait: span(u.TimeoutStop) + span(u.TimeoutStart),
	}
	switch u.Active {
	case "active", "reloading", "refreshing":
		s.State = cluster.ServiceRunning
	case "activating":
		if u.Sub == "auto-restart" || u.Sub == "auto-restart-queued" {
			s.State = cluster.ServiceAutoRestart
			return s
		}
		s.State, s.Busy = cluster.ServiceStarting, true
	case "deactivating":
		s.State, s.Busy = cluster.ServiceStopping, true
	case "failed", "inactive":
		s.State, s.Purpose = u.down(hostStopping)
		if s.State == cluster.ServiceUnknown {
			s.Error = "systemd could not load the unit file (" + u.Load + "): see systemctl status"
		}
		return s
	default:
		s.State, s.Error = cluster.ServiceUnknown, "systemd says the unit is "+u.Active
		return s
	}
	s.Identity = u.InvocationID
	if u.MainPID != 0 {
		s.Age = max(0, now-span(u.MainStart))
	}
	return s
}

// down tells whether a unit without a process died or was stopped on purpose.
func (u unit) down(hostStopping bool) (cluster.ServiceState, string) {
	switch {
	case u.Load == "masked":
		return cluster.ServiceStopped, "masked"
	case u.Load != "loaded":
		return cluster.ServiceUnknown, ""
	case hostStopping:
		return cluster.ServiceStopped, "shutdown"
	case u.File == "disabled":
		return cluster.ServiceStopped, "disabled"
	case u.stopped():
		return cluster.ServiceStopped, "stopped"
	case u.File != "enabled" && u.File != "enabled-runtime" && u.Wanted == 0 && u.InactiveExit == 0:
		// Nothing asks for it to run, and systemd forgets what nothing refers to:
		// it may have been stopped by hand a minute ago.
		return cluster.ServiceStopped, "disabled"
	}
	return cluster.ServiceDead, ""
}

// stopped tells that the last run was ended in an orderly way: by its own clean
// exit or a clean signal, or by a stop that was asked for, even one that went
// wrong. fettle itself never stops a unit, it kills.
func (u unit) stopped() bool {
	if u.InactiveExit == 0 { // not started since boot
		return false
	}
	// A process that dies takes its unit out of "active"; a stop does so first, and
	// the process ends after it. A watchdog, an OOM kill or RuntimeMaxSec= look the
	// same and are no person's doing.
	ordered := u.ActiveExit >= u.InactiveExit && u.ActiveExit < u.MainExit
	switch u.Result {
	case "success": // also what a failed unit says once it was reset
		return ordered || u.MainStart == 0 || u.cleanExit()
	case "exit-code", "signal", "core-dump":
		return ordered
	case "timeout":
		return ordered && (u.RuntimeMax == math.MaxUint64 || u.RuntimeMax == 0)
	}
	return false
}

// cleanExit is what systemd takes for one by default.
func (u unit) cleanExit() bool {
	const exited, killed = 1, 2
	switch u.MainCode {
	case exited:
		return u.MainStatus == 0
	case killed:
		sig := syscall.Signal(u.MainStatus)
		return sig == syscall.SIGHUP || sig == syscall.SIGINT || sig == syscall.SIGPIPE || sig == syscall.SIGTERM
	}
	return false
}

// infinite is what an infinite time-out counts as.
const infinite = 10 * time.Minute

func span(usec uint64) time.Duration {
	if usec > uint64(math.MaxInt64/time.Microsecond) {
		return infinite
	}
	return time.Duration(usec) * time.Microsecond
}
