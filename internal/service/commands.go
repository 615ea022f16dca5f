package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// Run runs one command to its end and returns what it printed, at most
// OutputLimit bytes. Exec is the one that really does.
type Run func(ctx context.Context, argv []string) ([]byte, error)

// OutputLimit is how much a command may print, in bytes; more is an error.
const OutputLimit = 64 << 10

// CommandsOptions tune Commands. The zero value is ready for use.
type CommandsOptions struct {
	Run           Run           // nil: Exec
	StatusTimeout time.Duration // 0: 5 seconds
	ActTimeout    time.Duration // for start, restart and kill; 0: 30 seconds
	// Redact takes secrets out of what a command says in an error; nil: nothing is.
	Redact func(string) string
}

// Commands is the Manager for members with declared commands (ENGINE.md rule 25):
// an argv each, without a shell. The start and restart commands hand the service
// to a supervisor outside their own process group, because what stays inside is
// killed with them. Its methods may be called at the same time.
type Commands struct {
	o CommandsOptions

	mu     sync.Mutex
	acting map[string]acting // by target
}

// acting is what changes a target.
type acting struct {
	running int    // commands that have not ended
	turns   uint64 // how often one began or ended
}

// NewCommands makes a Commands.
func NewCommands(o CommandsOptions) *Commands {
	if o.Run == nil {
		o.Run = Exec
	}
	if o.StatusTimeout == 0 {
		o.StatusTimeout = 5 * time.Second
	}
	if o.ActTimeout == 0 {
		o.ActTimeout = 30 * time.Second
	}
	if o.Redact == nil {
		o.Redact = func(s string) string { return s }
	}
	return &Commands{o: o, acting: map[string]acting{}}
}

// Status implements Manager. Busy tells that a command of this process that
// changes the target was running at any time while the status command did: what
// that saw may be over. One of an earlier process is not running, since commands
// die with the process that ran them.
func (c *Commands) Status(ctx context.Context, t cluster.Target) (cluster.Service, error) {
	before := c.actingOn(t)
	out, err := c.run(ctx, t, "status", t.Member.Commands.Status, c.o.StatusTimeout)
	if err != nil {
		return cluster.Service{}, err
	}
	s, err := parseStatus(out)
	if err != nil {
		return cluster.Service{}, fmt.Errorf("%s: the status command's answer: %w", t, c.shown(out))
	}
	s.Busy = s.Busy || before.running > 0 || c.actingOn(t) != before
	return s, nil
}

func (c *Commands) actingOn(t cluster.Target) acting {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acting[t.String()]
}

// shown is why an answer is refused, without secrets that stand in it: the answer
// is read again without them, because an error may quote a part of one.
func (c *Commands) shown(out []byte) error {
	if _, err := parseStatus([]byte(c.o.Redact(string(out)))); err != nil {
		return err
	}
	return errors.New("it cannot be read, and what is wrong with it looks like a secret")
}

// Start implements Manager.
func (c *Commands) Start(ctx context.Context, t cluster.Target) error {
	return c.act(ctx, t, "start", t.Member.Commands.Start)
}

// Restart implements Manager.
func (c *Commands) Restart(ctx context.Context, t cluster.Target) error {
	return c.act(ctx, t, "restart", t.Member.Commands.Restart)
}

// Kill implements Manager. The status command is asked immediately before, and the
// identity is handed to the kill command as well.
func (c *Commands) Kill(ctx context.Context, t cluster.Target, identity string) error {
	s, err := c.Status(ctx, t)
	if err != nil {
		return err
	}
	if identity == "" || s.Identity != identity {
		return fmt.Errorf("%s: %q is to be killed, %q runs: %w", t, identity, s.Identity, ErrIdentity)
	}
	argv := slices.Clone(t.Member.Commands.Kill)
	for i, arg := range argv {
		if arg == "{identity}" {
			argv[i] = identity
		}
	}
	return c.act(ctx, t, "kill", argv)
}

func (c *Commands) act(ctx context.Context, t cluster.Target, what string, argv []string) error {
	c.mark(t, 1)
	defer c.mark(t, -1)
	_, err := c.run(ctx, t, what, argv, c.o.ActTimeout)
	return err
}

func (c *Commands) mark(t cluster.Target, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.acting[t.String()]
	a.running += n
	a.turns++
	c.acting[t.String()] = a
}

func (c *Commands) run(ctx context.Context, t cluster.Target, what string, argv []string, timeout time.Duration) ([]byte, error) {
	if len(argv) == 0 {
		return nil, fmt.Errorf("%s has no `commands.%s` in fettle.yml: %w", t, what, ErrNotDeclared)
	}
	run, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := c.o.Run(run, argv)
	if err == nil {
		return out, nil
	}
	var failed *FailedError
	if !errors.As(err, &failed) {
		failed = &FailedError{Err: err}
	}
	failed.Says = c.o.Redact(failed.Says)
	if ctx.Err() == nil && errors.Is(run.Err(), context.DeadlineExceeded) {
		failed = &FailedError{Err: fmt.Errorf("did not end within %s and was killed", timeout), output: failed.output}
		return nil, fmt.Errorf("%s: the %s command (%s) %w", t, what, argv[0], failed)
	}
	return nil, fmt.Errorf("%s: the %s command (%s): %w", t, what, argv[0], failed)
}
