package etcdproc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
)

// Cluster is a running etcd cluster. Its methods may be called at the same time,
// for different members.
type Cluster struct {
	program string
	options Options
	network *network // nil: without relays

	mu    sync.Mutex
	specs []Spec
	procs map[string]*process // last process by member name, ended or not
}

// process is one started etcd. done is closed when it has ended and was reaped.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Start plans a cluster below dir, starts all members with the etcd at program,
// and waits until each serves or ctx ends. Where another program was quicker to
// take a port, it plans again. Nothing is left running if it fails.
func Start(ctx context.Context, program, dir string, names []string, o Options) (*Cluster, error) {
	const tries = 3
	for try := 1; ; try++ {
		c, err := startOnce(ctx, program, filepath.Join(dir, fmt.Sprintf("cluster%d", try)), names, o)
		if err == nil || try == tries || !errors.Is(err, syscall.EADDRINUSE) {
			return c, err
		}
	}
}

func startOnce(ctx context.Context, program, dir string, names []string, o Options) (*Cluster, error) {
	specs, err := Plan(dir, names, o)
	if err != nil {
		return nil, err
	}
	c := &Cluster{program: program, options: o, specs: specs, procs: map[string]*process{}}
	if o.Relays {
		c.network = &network{relays: map[string]net.Listener{}, names: map[string]string{}, cut: map[string]bool{}, flows: map[*flow]bool{}}
	}
	for _, name := range names {
		if err := c.StartMember(name); err != nil {
			return nil, errors.Join(err, c.Stop())
		}
	}
	if err := c.WaitHealthy(ctx, names...); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// Specs returns how the members are started, in the order of their names' list.
func (c *Cluster) Specs() []Spec {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Spec(nil), c.specs...)
}

// Spec returns how one member is started.
func (c *Cluster) Spec(name string) (Spec, bool) {
	for _, s := range c.Specs() {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}

// Add makes s, from Join, a member that can be started.
func (c *Cluster) Add(s Spec) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.specs = append(c.specs, s)
}

// Inventory is the cluster as fettle's configuration would name it.
func (c *Cluster) Inventory(name string) cluster.Cluster {
	return Inventory(name, c.Specs(), c.options.TLS)
}

// StartMember starts one member, and does not wait until it serves.
func (c *Cluster) StartMember(name string) error {
	s, ok := c.Spec(name)
	if !ok {
		return fmt.Errorf("no etcd member %q in the plan", name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.procs[name]; p != nil && !p.ended() {
		return fmt.Errorf("etcd member %q is running already, pid %d", name, p.cmd.Process.Pid)
	}
	if c.network != nil && s.PeerListen != "" {
		if err := c.network.relay(s); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("etcd member %q: %w", name, err)
	}
	out, err := os.OpenFile(s.Output, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("etcd member %q: %w", name, err)
	}
	defer out.Close()                         // the child has its own
	cmd := exec.Command(c.program, s.Args...) //nolint:gosec,noctx // runs until it is killed
	cmd.Stdout, cmd.Stderr = out, out
	// A group of its own: a Ctrl-C at the terminal is for this program to handle.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start etcd member %q: %w", name, err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	c.procs[name] = p
	go func() {
		_ = cmd.Wait() // how it ended is in its output
		close(p.done)
	}()
	return nil
}

// PID is the process ID of a running member.
func (c *Cluster) PID(name string) (int, bool) {
	p, ok := c.process(name)
	if !ok {
		return 0, false
	}
	return p.cmd.Process.Pid, true
}

func (c *Cluster) process(name string) (*process, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.procs[name]
	return p, p != nil && !p.ended()
}

// Signal sends a running member a signal, and does not wait for its effect.
func (c *Cluster) Signal(name string, sig syscall.Signal) error {
	p, ok := c.process(name)
	if !ok {
		return fmt.Errorf("etcd member %q is not running", name)
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("send %s to etcd member %q: %w", sig, name, err)
	}
	return nil
}

// Hang stops a running member with SIGSTOP, and returns once all its threads stand
// still: until then it may go on answering. SIGCONT lets it go on.
func (c *Cluster) Hang(ctx context.Context, name string) error {
	if err := c.Signal(name, syscall.SIGSTOP); err != nil {
		return err
	}
	pid, _ := c.PID(name)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		stopped, err := Stopped(pid)
		if err != nil || stopped {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("etcd member %q, pid %d, does not stop: %w", name, pid, ctx.Err())
		case <-tick.C:
		}
	}
}

// Stopped tells whether each thread of a process is stopped (state T in proc(5));
// until then one that was sent SIGSTOP may go on answering.
func Stopped(pid int) (bool, error) {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return false, err
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // that thread ended
		}
		if err != nil {
			return false, err
		}
		// "pid (command) state …", where the command may hold anything.
		_, state, ok := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(") "))
		if !ok || !bytes.HasPrefix(state, []byte("T")) {
			return false, nil
		}
	}
	return len(stats) > 0, nil
}

// Kill ends a running member with SIGKILL and returns once it is gone.
func (c *Cluster) Kill(name string) error {
	p, ok := c.process(name)
	if !ok {
		return fmt.Errorf("etcd member %q is not running", name)
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill etcd member %q: %w", name, err)
	}
	<-p.done
	return nil
}

// Stop kills every member that runs, a hung one too.
func (c *Cluster) Stop() error {
	var errs []error
	for _, s := range c.Specs() {
		if _, running := c.process(s.Name); running {
			errs = append(errs, c.Kill(s.Name))
		}
	}
	if c.network != nil {
		errs = append(errs, c.network.close())
	}
	return errors.Join(errs...)
}

// WaitHealthy waits until each member named sees a leader and serves a
// linearizable read, or ctx ends, or one of them does. The error has the end of
// that member's output, and is EADDRINUSE where its port was taken.
func (c *Cluster) WaitHealthy(ctx context.Context, names ...string) error {
	d, err := etcd.New(c.Inventory("etcdproc"), etcd.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	for _, name := range names {
		if err := c.waitHealthy(ctx, d, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) waitHealthy(ctx context.Context, d *etcd.Driver, name string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		h, err := d.Health(ctx, name)
		if err == nil && h.Leader != "" && h.Linearizable {
			return nil
		}
		p, running := c.process(name)
		if !running || ctx.Err() != nil {
			why := fmt.Errorf("etcd member %q does not serve: %w", name, errors.Join(ctx.Err(), err))
			if !running {
				why = fmt.Errorf("etcd member %q is not running", name)
			}
			return c.explain(name, why)
		}
		select {
		case <-ctx.Done():
		case <-p.done:
		case <-tick.C:
		}
	}
}

// explain adds the end of the member's output to an error.
func (c *Cluster) explain(name string, err error) error {
	s, _ := c.Spec(name)
	out, rerr := os.ReadFile(s.Output)
	if rerr != nil {
		return errors.Join(err, rerr)
	}
	if bytes.Contains(out, []byte("address already in use")) {
		err = fmt.Errorf("%w: %w", err, syscall.EADDRINUSE)
	}
	return fmt.Errorf("%w; its output (%s) ends with:\n%s", err, s.Output, out[max(0, len(out)-2000):])
}
