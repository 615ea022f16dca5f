package repair

import (
	"encoding/json"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// The actions whose steps say themselves what they do, in a section of the action's name.
const (
	ActionExec = "exec"
	ActionHTTP = "http"
)

// Was stands in an undo for the value that the step has overwritten.
const Was = "$was"

// Exec is what a step with action exec says: a command without a shell. A text is a
// literal, or a whole label written $name while it stands in a playbook; once it was
// planned (PlannedStep.Declared) the labels are in it, and it is never resolved again.
type Exec struct {
	// Argv is the program, a literal absolute path, and its arguments.
	Argv []string `json:"argv"`
	// Unless is a command that only looks: exit 0 says that the step is in order,
	// 1 that it is not, anything else that it cannot be told.
	Unless []string `json:"unless,omitempty"`
	// Creates is an absolute path: in order when it is there.
	Creates string `json:"creates,omitempty"`
	// User runs it; empty: a user of its own that exists only meanwhile.
	User string            `json:"user,omitempty"`
	Env  map[string]string `json:"env,omitempty"`
	// Timeout ends it; 0 is DefaultTimeout.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Disturbs is, where a playbook does not say, the cluster of an etcd member, else the host.
	Disturbs cluster.Disturbs `json:"disturbs,omitempty"`
	// Takes: the service may go away meanwhile; nil: it may.
	Takes *bool `json:"takes,omitempty"`
	// Writable are the absolute paths beneath which it may write.
	Writable []string `json:"writable,omitempty"`
	// Network lets it open connections.
	Network bool `json:"network,omitempty"`
	// FromHere: it runs on fettle's own machine and reaches the target from there;
	// without it the target must be on this machine.
	FromHere bool `json:"from_here,omitempty"`
	// Capabilities are those of Linux that it keeps, as CAP_NAME.
	Capabilities []string  `json:"capabilities,omitempty"`
	Undo         *ExecUndo `json:"undo,omitempty"`

	// Absent is, in a planned undo, the path that is not there once it is undone.
	Absent string `json:"absent,omitempty" yaml:"-"`
	// Was is the command that prints the value which is overwritten.
	Was []string `json:"was,omitempty" yaml:"-"`
}

// ExecUndo is how a step with action exec is taken back (ENGINE.md rule 24). It has
// the step's own user, environment, paths and network.
type ExecUndo struct {
	// Argv may have Was as an argument.
	Argv []string `json:"argv"`
	// Unless tells as in Exec that it is undone.
	Unless []string `json:"unless,omitempty"`
	// Absent is an absolute path: undone when it is not there.
	Absent string `json:"absent,omitempty"`
	// Was is the command that prints the old value: one line. Undone when it prints that again.
	Was       []string `json:"was,omitempty"`
	OnFailure bool     `json:"on_failure,omitempty"`
	Unhealthy bool     `json:"unhealthy,omitempty"`
}

// HTTP is what a step with action http says: one request. As in Exec, a text is a
// literal or a whole label; in a URL each segment of the path and each value of the
// query, in JSON each string that is a value.
type HTTP struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"` // scheme, host and port are literal
	Headers map[string]string `json:"headers,omitempty"`
	// TokenFile has the bearer token to send.
	TokenFile string `json:"token_file,omitempty"`
	// Body is sent as it is, JSON as application/json; one of them at most.
	Body string `json:"body,omitempty"`
	JSON string `json:"json,omitempty"`
	// Expect are the statuses of an answer that took the request; none: 200 to 299.
	Expect []int `json:"expect,omitempty"`
	// Unless looks whether it is in order.
	Unless *HTTPLook `json:"unless,omitempty"`
	// Private are the address ranges, beside the public ones, where the host may be.
	Private []string `json:"private,omitempty"`
	CAFile  string   `json:"ca_file,omitempty"` // instead of the host's own authorities
	// Timeout bounds a request; 0 is DefaultTimeout.
	Timeout  time.Duration    `json:"timeout,omitempty"`
	Disturbs cluster.Disturbs `json:"disturbs,omitempty"`
	Takes    *bool            `json:"takes,omitempty"`
	Undo     *HTTPUndo        `json:"undo,omitempty"`

	// Was reads the value which is overwritten.
	Was *HTTPLook `json:"was,omitempty" yaml:"-"`
}

// HTTPLook is a GET that tells a state.
type HTTPLook struct {
	URL string `json:"url"`
	// Expect is the status that tells it; 0 is 200. Any other below 500 says no.
	Expect int `json:"expect,omitempty"`
	// Pointer is where in the answer's JSON the value stands (RFC 6901), and Equals
	// what it must be: a string's text, or as JSON writes it.
	Pointer string  `json:"pointer,omitempty"`
	Equals  *string `json:"equals,omitempty"`
}

// HTTPUndo is how a step with action http is taken back. It has the step's own
// ranges, token and authorities.
type HTTPUndo struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	// Body and JSON: a string value of JSON may be Was.
	Body   string    `json:"body,omitempty"`
	JSON   string    `json:"json,omitempty"`
	Expect []int     `json:"expect,omitempty"`
	Unless *HTTPLook `json:"unless,omitempty"`
	// Was reads the old value (a URL and a pointer); undone when it is that again.
	Was       *HTTPLook `json:"was,omitempty"`
	OnFailure bool      `json:"on_failure,omitempty"`
	Unhealthy bool      `json:"unhealthy,omitempty"`
}

// DefaultTimeout ends a declared command or request that says no other; MaxTimeout is
// the longest that one may say.
const (
	DefaultTimeout = 30 * time.Second
	MaxTimeout     = time.Hour
)

// MaxWas is the longest old value that is kept, in bytes.
const MaxWas = 1024

// undone is the step that takes x back, as its own declaration.
func (x Exec) undone() Exec {
	u := x
	u.Argv, u.Unless, u.Creates, u.Absent, u.Was, u.Undo = x.Undo.Argv, x.Undo.Unless, "", x.Undo.Absent, x.Undo.Was, nil
	return u
}

func (x HTTP) undone() HTTP {
	u := x
	u.Method, u.URL, u.Headers, u.Body, u.JSON, u.Expect = x.Undo.Method, x.Undo.URL, x.Undo.Headers, x.Undo.Body, x.Undo.JSON, x.Undo.Expect
	u.Unless, u.Was, u.Undo = x.Undo.Unless, x.Undo.Was, nil
	return u
}

// pack makes the JSON of a declaration; nothing in one can fail to be encoded.
func pack(declared any) json.RawMessage {
	b, _ := json.Marshal(declared)
	return b
}
