package exporter

import (
	"cmp"
	"slices"
)

// windowsService is what Windows' service manager says of a service, in its own
// numbers: winservice_windows.go reads them, and what they mean is here.
type windowsService struct {
	name  string
	state uint32 // SERVICE_STATUS.dwCurrentState
	exit  uint32 // SERVICE_STATUS.dwWin32ExitCode
}

// The states of a service, and the exit codes of one that did not fail.
const (
	windowsStopped         = 1
	windowsStartPending    = 2
	windowsStopPending     = 3
	windowsRunning         = 4
	windowsContinuePending = 5
	windowsPausePending    = 6
	windowsPaused          = 7

	windowsNoError      = 0
	windowsNeverStarted = 1077 // since the machine was started
)

// unit is the service as a unit, whose name has the ending that the inventory wants.
// One that is paused does not serve, so that it is not active.
func (w windowsService) unit() listedUnit {
	u := listedUnit{Name: w.name + ".service", Load: "loaded", Path: w.name}
	switch w.state {
	case windowsRunning:
		u.Active, u.Sub = "active", "running"
	case windowsStartPending:
		u.Active, u.Sub = "activating", "start-pending"
	case windowsContinuePending:
		u.Active, u.Sub = "activating", "continue-pending"
	case windowsStopPending:
		u.Active, u.Sub = "deactivating", "stop-pending"
	case windowsPausePending:
		u.Active, u.Sub = "deactivating", "pause-pending"
	case windowsPaused:
		u.Active, u.Sub = "inactive", "paused"
	case windowsStopped:
		u.Active, u.Sub = "inactive", "stopped"
		if w.exit != windowsNoError && w.exit != windowsNeverStarted {
			u.Active = "failed"
		}
	default: // none of the label's states
		u.Active, u.Sub = "unknown", "other"
	}
	return u
}

// windowsUnits are the services as units, sorted by name.
func windowsUnits(services []windowsService) []listedUnit {
	units := make([]listedUnit, len(services))
	for i, w := range services {
		units[i] = w.unit()
	}
	slices.SortFunc(units, func(a, b listedUnit) int { return cmp.Compare(a.Name, b.Name) })
	return units
}

// windowsStart is the word for QUERY_SERVICE_CONFIG.dwStartType.
func windowsStart(start uint32, delayed bool) string {
	switch start {
	case 0:
		return "boot"
	case 1:
		return "system"
	case 2:
		if delayed {
			return "automatic-delayed"
		}
		return "automatic"
	case 3:
		return "manual"
	case 4:
		return "disabled"
	default:
		return "other"
	}
}
