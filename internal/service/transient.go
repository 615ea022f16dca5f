package service

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// startTimeout is for the start of a unit, on a host where systemd and polkit may be
// busy: what is given up too early would begin later.
const startTimeout = 30 * time.Second

// keptFor is how long a unit that has ended is kept, for a fettle that was down.
const keptFor = 24 * time.Hour

// Transient is the Executor over systemd: each command is a transient unit in a
// sandbox (properties), outlives fettle, and is found again by its name. Its methods
// may be called at the same time.
type Transient struct {
	systemd *Systemd

	mu      sync.Mutex
	outputs map[string]*os.File // what a command prints, by its name
	order   []string
	cleared map[string]bool // of what was left behind; by name, as in outputs
}

// NewTransient makes a Transient over a connection that it shares.
func NewTransient(s *Systemd) *Transient {
	return &Transient{systemd: s, outputs: map[string]*os.File{}, cleared: map[string]bool{}}
}

// Booted tells whether this host is run by systemd.
func Booted() bool {
	info, err := os.Lstat("/run/systemd/system")
	return err == nil && info.IsDir()
}

// Close lets go of what commands print; they go on.
func (x *Transient) Close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for name := range x.outputs {
		x.drop(name)
	}
	x.order = nil
}

func (x *Transient) drop(name string) {
	if f := x.outputs[name]; f != nil {
		_ = f.Close()
	}
	delete(x.outputs, name)
	delete(x.cleared, name)
}

// Start implements Executor.
func (x *Transient) Start(ctx context.Context, c Command) error {
	if err := c.check(); err != nil {
		return err
	}
	out, err := scratch(c.Name)
	if err != nil {
		return fmt.Errorf("%s: a place for its output: %w", c.Name, err)
	}
	if err := x.start(ctx, c, properties(c, out, out)); err != nil {
		_ = out.Close()
		return err
	}
	x.mu.Lock()
	x.outputs[c.Name] = out
	if x.order = append(x.order, c.Name); len(x.order) > maxKnown {
		x.drop(x.order[0])
		x.order = slices.Delete(x.order, 0, 1)
	}
	x.mu.Unlock()
	x.sweep(ctx)
	return nil
}

func (x *Transient) start(ctx context.Context, c Command, unit []systemd.Property) error {
	return x.call(ctx, startTimeout, "start "+c.Name, func(ctx context.Context, conn *systemd.Conn) error {
		_, err := conn.StartTransientUnitContext(ctx, c.Name+unitSuffix, "fail", unit, nil)
		if named(err, "UnitExists") {
			return fmt.Errorf("%w: %w", ErrExists, err)
		}
		return err
	})
}

const unitSuffix = ".service"

// Execution implements Executor. What a command that has ended left behind in its
// unit is killed.
func (x *Transient) Execution(ctx context.Context, name string) (Execution, error) {
	if !commandName.MatchString(name) {
		return Execution{}, fmt.Errorf("%q is no name of a command", name)
	}
	var e Execution
	err := x.call(ctx, x.systemd.timeout, "show "+name, func(ctx context.Context, conn *systemd.Conn) error {
		p, err := conn.GetAllPropertiesContext(ctx, name+unitSuffix)
		if err != nil {
			return err
		}
		e = execution(p)
		if e.State == Ended && !x.isCleared(name) {
			if err := conn.KillUnitWithTarget(ctx, name+unitSuffix, systemd.All, int32(syscall.SIGKILL)); err != nil && !nothingLeft(err) {
				return err
			}
			x.setCleared(name)
		}
		return nil
	})
	if err == nil && e.State == Ended {
		e.Output = x.output(name)
	}
	return e, err
}

func (x *Transient) isCleared(name string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.cleared[name]
}

func (x *Transient) setCleared(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cleared[name] = true
}

func (x *Transient) output(name string) []byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	f := x.outputs[name]
	if f == nil {
		return nil
	}
	var out, none capped
	_, _ = out.Write(read(f))
	return said(&out, &none)
}

// read reads what was printed, one byte more than may be kept.
func read(f *os.File) []byte {
	buf := make([]byte, OutputLimit+1)
	n, _ := f.ReadAt(buf, 0)
	return buf[:n]
}

// Look implements Executor: a unit of its own, which is removed at once.
func (x *Transient) Look(ctx context.Context, c Command) ([]byte, Execution, error) {
	if c.Timeout <= 0 {
		c.Timeout = lookTimeout
	}
	c.Name = "fettle-look-" + strings.ToLower(rand.Text())
	if err := c.check(); err != nil {
		return nil, Execution{}, err
	}
	out, err := scratch(c.Name)
	if err != nil {
		return nil, Execution{}, fmt.Errorf("%s: a place for its output: %w", c.Name, err)
	}
	defer out.Close()
	errs, err := scratch(c.Name)
	if err != nil {
		return nil, Execution{}, fmt.Errorf("%s: a place for its output: %w", c.Name, err)
	}
	defer errs.Close()
	if err := x.start(ctx, c, append(properties(c, out, errs), saysNo())); err != nil {
		return nil, Execution{}, err
	}
	defer x.remove(context.WithoutCancel(ctx), c.Name)
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		e, err := x.Execution(ctx, c.Name)
		switch {
		case err != nil:
			return nil, Execution{}, err
		case e.State == Ended:
			var stdout, stderr capped
			_, _ = stdout.Write(read(out))
			_, _ = stderr.Write(read(errs))
			e.Output = said(&stdout, &stderr)
			return stdout.buf.Bytes(), e, nil
		case e.State == Gone:
			return nil, e, errors.New("its unit was removed while it ran")
		}
		select {
		case <-ctx.Done():
			return nil, e, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// remove ends a unit and has systemd forget it. What fails stays for a sweep.
func (x *Transient) remove(ctx context.Context, name string) {
	_ = x.call(ctx, x.systemd.timeout, "stop "+name, func(ctx context.Context, conn *systemd.Conn) error {
		if _, err := conn.StopUnitContext(ctx, name+unitSuffix, "replace", nil); err != nil {
			return err
		}
		return conn.ResetFailedUnitContext(ctx, name+unitSuffix)
	})
}

// sweep removes units that have ended long ago.
func (x *Transient) sweep(ctx context.Context) {
	var old []string
	_ = x.call(ctx, x.systemd.timeout, "list", func(ctx context.Context, conn *systemd.Conn) error {
		units, err := conn.ListUnitsByPatternsContext(ctx, []string{"active", "failed"}, []string{"fettle-*" + unitSuffix})
		if err != nil {
			return err
		}
		for _, u := range units {
			name := strings.TrimSuffix(u.Name, unitSuffix)
			if !commandName.MatchString(name) || u.SubState != "exited" && u.ActiveState != "failed" || len(old) == maxKnown {
				continue
			}
			p, err := conn.GetAllPropertiesContext(ctx, u.Name)
			if err != nil {
				return err
			}
			since := time.UnixMicro(int64(get[uint64](p, "StateChangeTimestamp"))) //nolint:gosec // microseconds since 1970
			if get[bool](p, "Transient") && time.Since(since) > keptFor {
				old = append(old, name)
			}
		}
		return nil
	})
	for _, name := range old {
		x.remove(ctx, name)
	}
}

// call runs one exchange with systemd.
func (x *Transient) call(ctx context.Context, timeout time.Duration, what string, f func(context.Context, *systemd.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := x.systemd.connect()
	if err != nil {
		return fmt.Errorf("no connection to systemd over D-Bus: %w", err)
	}
	if err := f(ctx, conn); err != nil {
		if named(err, "AccessDenied") || named(err, "InteractiveAuthorizationRequired") {
			return fmt.Errorf("systemctl %s: %w: `fettle init --polkit` prints the rules that let fettle's user run commands", what, err)
		}
		return fmt.Errorf("systemctl %s: %w", what, err)
	}
	return nil
}

// named tells that D-Bus answered with an error of that name.
func named(err error, name string) bool {
	var e dbus.Error
	return errors.As(err, &e) && strings.HasSuffix(e.Name, "."+name)
}

// nothingLeft tells that a unit had no process to kill, or is gone itself.
func nothingLeft(err error) bool {
	return named(err, "NoSuchProcess") || named(err, "NoSuchUnit") || named(err, "ProcessNotFound") ||
		strings.Contains(err.Error(), "no processes to kill") || strings.Contains(err.Error(), "No matching processes to kill")
}

// execution says what the properties of a command's unit mean.
func execution(p map[string]any) Execution {
	const exited = 1
	u := decodeUnit(p)
	e := Execution{State: Ended, Exit: -1}
	byItself := u.MainCode == exited
	switch {
	case u.Load == "not-found" || u.Active == "inactive" && u.Job == 0:
		return Execution{State: Gone, Exit: -1, Says: "systemd has no such unit: it was never begun, or somebody stopped it"}
	case u.Active == "failed" && u.Result == "timeout":
		e.Says = "killed at its timeout of " + span(u.RuntimeMax).String()
	case (u.Active == "failed" || u.Sub == "exited") && byItself:
		e.Exit, e.Says = int(u.MainStatus), fmt.Sprintf("exit status %d", u.MainStatus)
		if s := setup(u.MainStatus); s != "" {
			e.Says += ": systemd could not " + s
		}
	case u.Sub == "exited", u.Active == "failed" && (u.Result == "signal" || u.Result == "core-dump"):
		e.Says = fmt.Sprintf("ended by signal %d (%s)", u.MainStatus, syscall.Signal(u.MainStatus))
	case u.Active == "failed":
		e.Says = "ended by systemd: " + u.Result
	default:
		return Execution{State: Running, Exit: -1, Says: "it runs"}
	}
	return e
}

// setup is what systemd's own exit statuses mean, of those that playbooks cause.
func setup(status int32) string {
	switch status {
	case 200:
		return "enter its folder"
	case 203:
		return "execute the program"
	case 216, 217:
		return "become its user"
	case 218:
		return "keep its capabilities"
	case 225:
		return "make its network"
	case 226:
		return "make its sandbox: is every writable path there?"
	}
	return ""
}
