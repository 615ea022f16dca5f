package api

import "time"

// Run is one attempt to bring a target in order.
type Run struct {
	ID       string `json:"id"`
	Episode  string `json:"episode"`
	Playbook string `json:"playbook"`
	// Target is the inventory entry, as cluster/member. Empty when the labels
	// name none.
	Target string `json:"target,omitempty"`
	// Tier is P0, P1 or P2.
	Tier string `json:"tier"`
	// Outcome is empty while the run is live: noop, repaired, observed,
	// blocked, failed or unknown.
	Outcome string `json:"outcome,omitempty"`
	// Guard refused, for Reason; both are empty where no guard did.
	Guard  string `json:"guard,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Detail is for people.
	Detail string    `json:"detail,omitempty"`
	Opened time.Time `json:"opened"`
	Ended  time.Time `json:"ended,omitzero"`
	// Undoes is the run that this one takes back, empty for a run that repairs.
	Undoes string `json:"undoes,omitempty"`
	// Mutated says that an intent was written: something may have been changed.
	Mutated bool   `json:"mutated"`
	Steps   []Step `json:"steps"`
}

// Step is one step of a run's plan.
type Step struct {
	Name   string `json:"name"`
	Action string `json:"action"`
	// State is planned, running, noop, verified, started, failed or unknown.
	State    string    `json:"state"`
	Attempts int       `json:"attempts"`
	Detail   string    `json:"detail,omitempty"`
	Began    time.Time `json:"began,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
}

// Plan is what a run was opened to do. With autonomy observe it is all that
// the run came to.
type Plan struct {
	Run      string    `json:"run"`
	Episode  string    `json:"episode"`
	Playbook string    `json:"playbook"`
	Target   string    `json:"target,omitempty"`
	Tier     string    `json:"tier"`
	Outcome  string    `json:"outcome,omitempty"`
	Opened   time.Time `json:"opened"`
	Steps    []Step    `json:"steps"`
}

// Episode is one alert, from its first firing until it is closed.
type Episode struct {
	ID          string            `json:"id"`
	Fingerprint string            `json:"fingerprint"`
	Alertname   string            `json:"alertname"`
	Labels      map[string]string `json:"labels"`
	Playbook    string            `json:"playbook,omitempty"`
	Target      string            `json:"target,omitempty"`
	// Active says that the alert fires, as far as is known.
	Active bool      `json:"active"`
	Opened time.Time `json:"opened"`
	Closed time.Time `json:"closed,omitzero"`
	// LastAnswer is why nothing is being done; absent when the last run was
	// not refused.
	LastAnswer *Answer  `json:"last_answer,omitempty"`
	Runs       []string `json:"runs"`
	// Approval is what a person has to approve; absent where it waits for none.
	Approval *Approval `json:"approval,omitempty"`
	// Escalated are the reasons for which people are told of it.
	Escalated []Escalated `json:"escalated,omitempty"`
	// WaitsFor says in words what has to happen next, and through whom.
	WaitsFor string `json:"waits_for,omitempty"`
}

// Answer is a refusal, and how often it was the answer.
type Answer struct {
	Guard  string    `json:"guard,omitempty"`
	Reason string    `json:"reason"`
	Detail string    `json:"detail,omitempty"`
	Since  time.Time `json:"since"`
	Count  int       `json:"count"`
	// Pending says that it is no record yet: it is gathered with others like it.
	Pending bool `json:"pending,omitempty"`
}

// Pause stops all mutations, of one cluster or of all.
type Pause struct {
	// ID is given by the server.
	ID string `json:"id"`
	// Cluster is a name from the inventory; empty means all.
	Cluster string    `json:"cluster"`
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	Since   time.Time `json:"since"`
}

// State is the server in one look.
type State struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	// UptimeSeconds does not jump with the clock.
	UptimeSeconds float64 `json:"uptime_seconds"`
	// NotReady says why /-/ready answers 503; empty when it does not.
	NotReady     string       `json:"not_ready,omitempty"`
	Journal      JournalState `json:"journal"`
	Config       ConfigState  `json:"config"`
	EpisodesOpen int          `json:"episodes_open"`
	RunsLive     int          `json:"runs_live"`
	// RunsOwed counts ended runs of which something is still to be taken back.
	RunsOwed int     `json:"runs_owed"`
	Pauses   []Pause `json:"pauses"`
}

// JournalState is how the journal is doing.
type JournalState struct {
	ID       string `json:"id"`
	Dir      string `json:"dir"`
	Writable bool   `json:"writable"`
	// Records are durable, Checkpointed of them signed.
	Records      uint64 `json:"records"`
	Checkpointed uint64 `json:"checkpointed"`
	Bytes        int64  `json:"bytes"`
}

// ConfigState is which configuration runs.
type ConfigState struct {
	// File is empty when there is none.
	File string `json:"file,omitempty"`
	// Digest is sha256: and 64 hex digits.
	Digest string `json:"digest,omitempty"`
	// Loaded is when; Error is why the last reload was not taken.
	Loaded time.Time `json:"loaded"`
	Error  string    `json:"error,omitempty"`
}

// Filter narrows a listing. The newest come first. Empty fields do not narrow.
type Filter struct {
	// Limit is at most MaxLimit; the API makes 0 DefaultLimit.
	Limit int
	// Skip leaves out that many of what fits, for the next page.
	Skip int
	// Open leaves out what has ended.
	Open bool
	// Since leaves out what opened before; zero does not.
	Since time.Time
	// Episode, Playbook, Target (cluster/member), Cluster and Outcome are
	// compared whole. Episode and Outcome are for runs only.
	Episode, Playbook, Target, Cluster, Outcome string
}

const (
	// DefaultLimit is how many entries a listing has unless asked otherwise.
	DefaultLimit = 100
	// MaxLimit is how many it has at most.
	MaxLimit = 1000
)
