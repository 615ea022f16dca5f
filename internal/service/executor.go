package service

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Executor runs the commands that playbooks declare. Start begins one and does not
// wait for it; by its name it is found again, in the next process too where the
// service manager keeps it. Transient and Groups are the two that there are.
type Executor interface {
	// Start begins c. A second one of that name is refused with ErrExists.
	Start(ctx context.Context, c Command) error
	// Execution tells how the command of that name is, or how it ended.
	Execution(ctx context.Context, name string) (Execution, error)
	// Look runs a command that only looks to its end, and returns its standard output.
	// Its Name is not used. The error is about not knowing how it ended.
	Look(ctx context.Context, c Command) ([]byte, Execution, error)
}

// Command is one execution of a program, without a shell.
type Command struct {
	Name string // lower-case letters, digits and dashes, beginning with "fettle-"
	Argv []string
	Env  map[string]string
	// User runs it; empty: one that exists only meanwhile, where there is systemd, else fettle's own.
	User         string
	Timeout      time.Duration // then it is killed
	Writable     []string      // paths beneath which it may write
	Network      bool          // it may open connections
	Capabilities uint64        // of Linux, a bit each
}

// ExecutionState is how a command is.
type ExecutionState string

// The states of an Execution.
const (
	// Running: it was begun, or is about to be, and something of it is left.
	Running ExecutionState = "running"
	// Ended: it was begun, and nothing of it is left.
	Ended ExecutionState = "ended"
	// Gone: nothing of that name runs. It was never begun, or somebody removed it.
	Gone ExecutionState = "gone"
	// Killed: it was begun by an earlier process, and killed with that.
	Killed ExecutionState = "killed"
	// Untold: it cannot be told.
	Untold ExecutionState = "untold"
)

// Execution is how a command is, or how it ended.
type Execution struct {
	State ExecutionState
	// Exit is its status once it has Ended; -1: not by an exit of its own.
	Exit int
	Says string // for people: "exit status 3", "killed at its timeout"
	// Output is what it printed, at most OutputLimit bytes with a heading; nothing was
	// taken out of it. Empty where another process had begun it.
	Output []byte
}

// Well tells that it ended with exit status 0.
func (e Execution) Well() bool { return e.State == Ended && e.Exit == 0 }

// ErrExists: a command of that name was begun already.
var ErrExists = errors.New("a command of that name was begun already")

// commandName is also what the polkit rules allow.
var commandName = regexp.MustCompile(`^fettle-[a-z0-9][a-z0-9-]{0,120}$`)

// lookTimeout ends a command that only looks and says no other.
const lookTimeout = 5 * time.Second

func (c Command) check() error {
	switch {
	case !commandName.MatchString(c.Name):
		return fmt.Errorf("%q is no name of a command", c.Name)
	case len(c.Argv) == 0 || c.Argv[0] == "":
		return fmt.Errorf("%s has no program", c.Name)
	case c.Timeout <= 0:
		return fmt.Errorf("%s has no timeout", c.Name)
	}
	return nil
}
