package repair

import "time"

// Settings are the engine's numbers for one (tier, cluster, playbook). The
// defaults stand in one table, internal/config/defaults.go; every field can be
// overridden per tier, cluster or playbook.
type Settings struct {
	Look     time.Duration // how often an open episode is asked (rule 21)
	Deadline time.Duration // verified within this time of received, else it escalates (rule 21)
	Sample   time.Duration // between two observations after an Apply (rule 10)

	Settle         time.Duration // how long it must stay in order (60 s)
	Cooldown       time.Duration // between two mutating runs of one playbook on one target; 0: off
	Attempts       int           // attempts on one (action, target) before the circuit opens; 0: off
	AttemptsWithin time.Duration
	StepAttempts   int // attempts within one run (2)

	EagerLooks int           // observations that must say "not in order" before a mutation (rule 9)
	EagerGap   time.Duration // between them

	NotAfter  time.Duration // an intent may not begin later than this after its View (rule 8)
	ViewAge   time.Duration // a View asked for longer ago is a refusal (section 5)
	CommitLag uint64        // entries a voter may be behind and still count (rule 14)
	LiveRuns  int           // live runs in the fleet (concurrency)

	StillActive   time.Duration // an alert active this long after repaired or noop escalates (rule 4)
	QuietInOrder  time.Duration // with no Alertmanager: in order this long counts as no longer active (rule 4)
	Forget        time.Duration // an inactive fingerprint without an episode is forgotten (rule 2)
	ReopenClosed  time.Duration // after a person's close a firing alert opens again after this (rule 2)
	PollEvery     time.Duration // Alertmanager's active alerts (rule 4)
	PollClosed    time.Duration // an alert whose end no message told is looked for this long after its episode closed (rule 4)
	PollLeftOut   time.Duration // an Alertmanager that has not answered for this long is left out (rule 4)
	ReasonsRecord time.Duration // the same (guard, reason) of an episode is a record once in this time (section 5)
	RefusalRuns   int           // episodes that get a run of their own in an hour for the same passing (guard, reason)

	Approvers     int           // people who have to approve (rule 23)
	ApprovalValid time.Duration // how long an approval waits to be used
	EscalateEvery time.Duration // between two posts of what people are told (rule 22)
}
