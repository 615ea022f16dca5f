package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// markName is the variable that marks what belongs to a command, in whatever process
// group it is.
const markName = "FETTLE_COMMAND"

// Groups is the Executor where there is no systemd: each command runs in a process
// group of its own, without a sandbox, and dies with its time-out and with this
// process. On Linux what has left the group is found by its mark, and killed too.
// Its methods may be called at the same time.
type Groups struct {
	ctx  context.Context
	stop context.CancelFunc
	all  sync.WaitGroup

	mu    sync.Mutex
	known map[string]*Execution
	order []string // the names in known, the oldest first
}

// maxKnown is how many commands Groups remembers.
const maxKnown = 256

// NewGroups makes a Groups; Close it.
func NewGroups() *Groups {
	ctx, stop := context.WithCancel(context.Background())
	return &Groups{ctx: ctx, stop: stop, known: map[string]*Execution{}}
}

// Close kills what runs, and waits for its end.
func (g *Groups) Close() {
	g.stop()
	g.all.Wait()
}

// Start implements Executor. The context ends nothing that was begun.
func (g *Groups) Start(_ context.Context, c Command) error {
	if err := c.check(); err != nil {
		return err
	}
	as, err := credential(c.User)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath(c.Argv[0]); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known[c.Name] != nil {
		return fmt.Errorf("%s: %w", c.Name, ErrExists)
	}
	if err := g.ctx.Err(); err != nil {
		return err
	}
	g.known[c.Name] = &Execution{State: Running, Says: "it runs"}
	g.order = append(g.order, c.Name)
	g.forget()
	g.all.Go(func() {
		_, e := g.run(g.ctx, c, as)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.known[c.Name] = &e
	})
	return nil
}

// forget drops the oldest that have ended.
func (g *Groups) forget() {
	for i := 0; len(g.order) > maxKnown && i < len(g.order); {
		if g.known[g.order[i]].State == Running {
			i++
			continue
		}
		delete(g.known, g.order[i])
		g.order = slices.Delete(g.order, i, i+1)
	}
}

// Execution implements Executor. What an earlier process began was killed with it:
// what bears its mark and has survived is killed now.
func (g *Groups) Execution(_ context.Context, name string) (Execution, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e := g.known[name]; e != nil {
		return *e, nil
	}
	left, ok := killMarked(name)
	switch {
	case !ok:
		return Execution{State: Untold, Says: "it was begun by an earlier process, if at all, and what is left of that cannot be told"}, nil
	case left > 0:
		return Execution{State: Running, Says: fmt.Sprintf("%d processes of an earlier fettle were left of it, and are being killed", left)}, nil
	}
	return Execution{State: Killed, Exit: -1, Says: "it was killed with the fettle that began it, or never begun"}, nil
}

// Look implements Executor.
func (g *Groups) Look(ctx context.Context, c Command) ([]byte, Execution, error) {
	c.Name = "fettle-look"
	if c.Timeout <= 0 {
		c.Timeout = lookTimeout
	}
	if err := c.check(); err != nil {
		return nil, Execution{}, err
	}
	as, err := credential(c.User)
	if err != nil {
		return nil, Execution{}, err
	}
	out, e := g.run(ctx, c, as)
	return out, e, ctx.Err()
}

// run runs a command to its end, and ends what it leaves behind.
func (g *Groups) run(ctx context.Context, c Command, as *syscall.Credential) ([]byte, Execution) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	env := environment()
	for name, v := range c.Env {
		env = append(env, name+"="+v)
	}
	slices.Sort(env[3:])
	if c.Name != "fettle-look" {
		env = append(env, markName+"="+c.Name)
	}
	var stdout, stderr capped
	over, err := execute(ctx, c.Argv, env, as, &stdout, &stderr)
	if c.Name != "fettle-look" {
		if left := endMarked(c.Name); left > 0 {
			over = false
		}
	}
	e := Execution{State: Ended, Exit: -1, Says: "exit status 0"}
	var exit *exec.ExitError
	switch {
	case !over:
		return nil, Execution{State: Untold, Says: "it was killed, and has not ended"}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.Says = "killed at its timeout of " + c.Timeout.String()
	case ctx.Err() != nil:
		e.Says = "killed with fettle"
	case errors.As(err, &exit):
		e.Exit, e.Says = exit.ExitCode(), exit.String()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		e.Says = err.Error()
	default:
		e.Exit = 0
	}
	e.Output = said(&stdout, &stderr)
	return stdout.buf.Bytes(), e
}

// endMarked kills what has left the group, and tells how much of it stays.
func endMarked(name string) int {
	for range 100 {
		left, ok := killMarked(name)
		if !ok || left == 0 {
			return 0
		}
		<-time.After(10 * time.Millisecond)
	}
	left, _ := killMarked(name)
	return left
}

// credential is that of a user; nil: this process's own.
func credential(name string) (*syscall.Credential, error) {
	if name == "" {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	switch os.Geteuid() {
	case int(uid):
		return nil, nil
	case 0:
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("without systemd a command cannot run as user %s: fettle runs as another one", name)
}
