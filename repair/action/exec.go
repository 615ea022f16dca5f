package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/repair"
)

// command is a declared command.
type command struct {
	Deps
	says   repair.Exec
	undoes bool
	before *string // of an undo: the value that was overwritten
}

func (d Deps) openExec(declared json.RawMessage, u *repair.Undoes) (way, repair.ActionSpec, error) {
	c := command{Deps: d}
	if err := json.Unmarshal(declared, &c.says); err != nil {
		return nil, repair.ActionSpec{}, fmt.Errorf("what the step declares cannot be read: %w", err)
	}
	if len(c.says.Argv) == 0 {
		return nil, repair.ActionSpec{}, errors.New("the step declares no command")
	}
	if u != nil {
		c.undoes, c.before = true, u.Was
	}
	if err := c.old(); err != nil {
		return nil, repair.ActionSpec{}, err
	}
	return c, spec(c.says.Disturbs, c.says.Takes), nil
}

// old demands the old value where an undo needs it.
func (c command) old() error {
	if c.undoes && c.before == nil && (c.says.Was != nil || slices.Contains(c.says.Argv, repair.Was)) {
		return errors.New("it puts back an old value, and none was recorded")
	}
	return nil
}

func (c command) timeout() time.Duration {
	if c.says.Timeout > 0 {
		return c.says.Timeout
	}
	return repair.DefaultTimeout
}

// reaches: a command runs on this machine.
func (c command) reaches(t cluster.Target) error {
	if c.says.FromHere || c.Local(t.Member.Host) {
		return nil
	}
	return fmt.Errorf("%w: %s runs on host %q, a command runs on this one; one that reaches it from here says from_here: true", repair.ErrAgent, t, t.Member.Host)
}

func (c command) looks() bool {
	return c.says.Unless != nil || c.says.Creates != "" || c.says.Absent != "" || c.undoes && c.says.Was != nil
}

// inOrder implements way: all that is declared must say so.
func (c command) inOrder(ctx context.Context) (bool, string, error) {
	var says []string
	all := true
	add := func(yes bool, text string) {
		all = all && yes
		says = append(says, text)
	}
	for _, p := range []struct {
		path  string
		there bool
	}{{c.says.Creates, true}, {c.says.Absent, false}} {
		if p.path == "" {
			continue
		}
		_, err := os.Lstat(p.path)
		switch {
		case err == nil:
			add(p.there, p.path+" is there")
		case errors.Is(err, fs.ErrNotExist):
			add(!p.there, p.path+" is not there")
		default:
			return false, "", err
		}
	}
	if c.says.Unless != nil {
		yes, text, err := c.unless(ctx)
		if err != nil {
			return false, "", err
		}
		add(yes, text)
	}
	if c.undoes && c.says.Was != nil {
		v, err := c.was(ctx)
		if err != nil {
			return false, "", err
		}
		if *v == *c.before {
			add(true, "the old value is back")
		} else {
			add(false, "the old value is not back")
		}
	}
	return all, strings.Join(says, "; "), nil
}

func (c command) unless(ctx context.Context) (yes bool, says string, err error) {
	program := c.says.Unless[0]
	_, e, err := c.look(ctx, c.says.Unless)
	if err != nil {
		return false, "", fmt.Errorf("%s: %w", program, err)
	}
	if e.State != service.Ended || e.Exit != 0 && e.Exit != 1 {
		return false, "", fmt.Errorf("%s cannot tell whether it is in order: %s%s", program, e.Says, c.quote(e))
	}
	if e.Exit == 0 {
		return true, program + " says that it is in order", nil
	}
	return false, program + " says that it is not in order", nil
}

// was implements way.
func (c command) was(ctx context.Context) (*string, error) {
	if c.says.Was == nil {
		return nil, nil
	}
	program := c.says.Was[0]
	out, e, err := c.look(ctx, c.says.Was)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	if !e.Well() {
		return nil, fmt.Errorf("%s does not tell the old value: %s%s", program, e.Says, c.quote(e))
	}
	v, err := oldValue(string(out))
	if err == nil {
		err = repair.Fits(c.says.Was, *v) // what puts it back goes where this was read
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	return v, nil
}

// quote is the last line that a command printed, without secrets.
func (c command) quote(e service.Execution) string {
	lines := strings.Split(strings.TrimSpace(string(e.Output)), "\n")
	last := lines[len(lines)-1]
	if last == "" {
		return ""
	}
	if c.Redact != nil {
		last = c.Redact(last)
	}
	if len(last) > 200 {
		last = last[:200] + "…"
	}
	return fmt.Sprintf(": it says %q", last)
}

func (c command) look(ctx context.Context, argv []string) ([]byte, service.Execution, error) {
	if c.Exec == nil {
		return nil, service.Execution{}, errors.New("this fettle runs no commands")
	}
	l := c.command("", argv)
	l.Timeout, l.Writable = min(l.Timeout, lookTimeout), nil
	return c.Exec.Look(ctx, l)
}

// lookTimeout ends a command that only looks.
const lookTimeout = 5 * time.Second

func (c command) command(name string, argv []string) service.Command {
	var caps uint64
	for i, name := range repair.Capabilities() {
		if slices.Contains(c.says.Capabilities, name) {
			caps |= 1 << i
		}
	}
	return service.Command{
		Name: name, Argv: argv, Env: c.says.Env, User: c.says.User, Timeout: c.timeout(),
		Writable: c.says.Writable, Network: c.says.Network, Capabilities: caps,
	}
}

// executionName is an attempt's own name, which nothing else ever has.
func executionName(in repair.Intent) string {
	return fmt.Sprintf("fettle-%s-%d-%d", in.Run, in.Step, in.Attempt)
}

// begin implements way: the command is started, and not waited for.
func (c command) begin(ctx context.Context, in repair.Intent) error {
	if c.Exec == nil {
		return errors.New("this fettle runs no commands")
	}
	argv := slices.Clone(c.says.Argv)
	if c.undoes && c.before != nil {
		if err := repair.Fits(argv, *c.before); err != nil && slices.Contains(argv, repair.Was) {
			return fmt.Errorf("the old value: %w", err)
		}
		for i, arg := range argv {
			argv[i] = repair.FillWas(arg, *c.before)
		}
	}
	return c.Exec.Start(ctx, c.command(executionName(in), argv))
}

// watch implements way.
func (c command) watch(ctx context.Context, in repair.Intent) (service.Execution, error) {
	if c.Exec == nil {
		return service.Execution{}, errors.New("this fettle runs no commands")
	}
	return c.Exec.Execution(ctx, executionName(in))
}
