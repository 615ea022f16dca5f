package cluster

import "time"

// ServiceState is the service manager's word on one process.
type ServiceState string

const (
	// ServiceRunning has a process and no pending state change.
	ServiceRunning ServiceState = "running"
	// ServiceStarting is on its way up (systemd: activating).
	ServiceStarting ServiceState = "starting"
	// ServiceStopping is on its way down (systemd: deactivating).
	ServiceStopping ServiceState = "stopping"
	// ServiceAutoRestart is down, and its manager is about to start it again itself.
	ServiceAutoRestart ServiceState = "auto-restart"
	// ServiceDead has no process, and nobody stopped it on purpose.
	ServiceDead ServiceState = "dead"
	// ServiceStopped has no process because a person or the host wanted it so.
	ServiceStopped ServiceState = "stopped-on-purpose"
	// ServiceUnknown could not be told; Error says why.
	ServiceUnknown ServiceState = "unknown"
)

// Service is what the service manager (systemd, or the declared status command)
// says of a target.
type Service struct {
	State    ServiceState `json:"state"`
	Purpose  string       `json:"purpose,omitempty"`  // with ServiceStopped: stopped, masked, disabled, shutdown, package-manager
	Identity string       `json:"identity,omitempty"` // changes with every start: InvocationID, or pid and start time; empty without a process
	// Age is how long that process has lived; 0 without one or where not told.
	Age time.Duration `json:"age,omitempty"`
	// Busy is true while the manager is still at a start, stop or restart (a queued job, a command running).
	Busy  bool   `json:"busy,omitempty"`
	Error string `json:"error,omitempty"`
	// Wait is how long the manager itself may take for a restart: TimeoutStop + TimeoutStart; 0 where not told, infinity is 10 minutes.
	Wait time.Duration `json:"wait,omitempty"`
	// MemberID and DataDirOK are a declared status command's local proof; nil: not told.
	MemberID  string `json:"member_id,omitempty"`
	DataDirOK *bool  `json:"data_dir_ok,omitempty"`
}

// Gone tells that the manager itself says there is no process.
func (s Service) Gone() bool {
	return s.State == ServiceDead || s.State == ServiceStopped || s.State == ServiceAutoRestart
}

// Answer is a yes, a no, or not to be had.
type Answer string

const (
	// Yes is shown.
	Yes Answer = "yes"
	// No is shown to be otherwise.
	No Answer = "no"
	// Unknown could not be had.
	Unknown Answer = "unknown"
)

// Proof is the local proof of rule 13 for starting a member: no such process, and
// a data directory that is there, not empty, and this member's.
type Proof struct {
	Answer Answer `json:"answer"`
	Reason string `json:"reason,omitempty"` // bounded: process-runs, empty-data-dir, no-data-dir, other-member, not-readable, not-told
	Detail string `json:"detail,omitempty"` // for people
}

// Sight is what is known about one member beyond the cluster's View: its service,
// its local proof, and what each vantage point says about whether it is gone.
type Sight struct {
	Member  string  `json:"member"`
	Service Service `json:"service"`
	Proof   Proof   `json:"proof,omitzero"`
	// The three vantage points: Yes = it is gone, No = it is there.
	GoneByProbe      Answer `json:"gone_by_probe"`
	GoneByPrometheus Answer `json:"gone_by_prometheus"`
	GoneByPeer       Answer `json:"gone_by_peer"`
	// Alive and not hung: counts for rule 13's majority.
	Alive bool `json:"alive"`
	// Hung by rule 14, all of it: shown over 6 s, past its start, silent to its leader and to its own host's probe.
	Hung bool `json:"hung,omitempty"`
}
