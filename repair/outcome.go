package repair

// Outcome ends a run, not its episode.
type Outcome string

const (
	// Noop: in order already, nothing was done.
	Noop Outcome = "noop"
	// Repaired: done, verified, and still in order after the settle time.
	Repaired Outcome = "repaired"
	// ObservedOnly: autonomy is observe; the plan is in the journal.
	ObservedOnly Outcome = "observed"
	// Blocked: a guard, or a thing that cannot be had, refused.
	Blocked Outcome = "blocked"
	// Failed: attempted, not done, nothing in flight.
	Failed Outcome = "failed"
	// Unknown: cannot tell whether something is still in flight. For people.
	Unknown Outcome = "unknown"
)

// Reasons of Blocked that are no guard's.
const (
	ReasonTarget      = "target"       // the labels name nothing in the inventory, or no step that can be done
	ReasonObserve     = "observe"      // the target could not be looked at
	ReasonAutoRestart = "auto-restart" // the service manager is about to start it itself
	ReasonAgent       = "agent"        // on another host, and no declared command reaches it
	ReasonChanged     = "changed"      // playbook, inventory or version changed under the run; or what is to be put back
	ReasonQuorum      = "quorum"       // started, and without a quorum nothing can be verified yet
	ReasonConcurrency = "concurrency"  // slots taken
	ReasonApproval    = "approval"     // a person has to approve it
	ReasonVerify      = "verify"       // the look says in order, and what the playbook asks Prometheus does not
	ReasonJournal     = "journal"      // the journal has no room, or is damaged: nothing new begins
	ReasonUnmatched   = "unmatched"    // a reload removed the playbook
	ReasonUnhealthy   = "unhealthy"    // nothing is returned to service that is not in order
)

// Reasons for which people are told, and that end no run.
const (
	// ReasonIsolated is something that is still to be taken back at the tier's deadline.
	ReasonIsolated = "isolated"
)
