package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"

	"github.com/fettle-io/fettle/cluster"
)

// SystemdOptions tune a Systemd. The zero value is ready for use.
type SystemdOptions struct {
	// Address is the bus to talk to, as D-Bus writes addresses; empty: the system
	// bus, which DBUS_SYSTEM_BUS_ADDRESS may name.
	Address string
	// Timeout bounds each call; 0 is 5 seconds.
	Timeout time.Duration
}

// Systemd is the Manager for units of this host. It connects when first asked, and
// again when the bus went away. Its methods may be called at the same time.
type Systemd struct {
	address string
	timeout time.Duration

	mu   sync.Mutex
	conn *systemd.Conn
	quit context.CancelFunc // ends conn
}

// NewSystemd makes a Systemd. It does not connect yet: a host without systemd is
// an error only when a unit is asked for.
func NewSystemd(o SystemdOptions) *Systemd {
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	return &Systemd{address: o.Address, timeout: o.Timeout}
}

// Close closes the connection, if there is one.
func (s *Systemd) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
}

// Status implements Manager.
func (s *Systemd) Status(ctx context.Context, t cluster.Target) (cluster.Service, error) {
	var u unit
	var stopping bool
	look := func(ctx context.Context, c *systemd.Conn) (err error) {
		u, stopping, err = ask(ctx, c, t.Member.Unit)
		return err
	}
	err := s.call(ctx, t, "show", look)
	if errors.Is(err, dbus.ErrClosed) { // the bus was restarted since: a question may be asked twice
		err = s.call(ctx, t, "show", look)
	}
	if err != nil {
		return cluster.Service{}, err
	}
	if u.Load == "not-found" && u.Active == "inactive" {
		return cluster.Service{}, fmt.Errorf("%s: systemd knows no unit %s on this host: correct `unit` in fettle.yml, or install it", t, t.Member.Unit)
	}
	now, err := monotonic()
	if err != nil {
		return cluster.Service{}, fmt.Errorf("read CLOCK_MONOTONIC: %w", err)
	}
	answer := u.service(stopping, now)
	if answer.State == cluster.ServiceDead && packagesAtWork() {
		answer.State, answer.Purpose = cluster.ServiceStopped, "package-manager"
	}
	return answer, nil
}

// Start implements Manager: the job is queued, not waited for. A unit that was
// started too often lately is forgiven first, because what is too often is for the
// guards to say.
func (s *Systemd) Start(ctx context.Context, t cluster.Target) error {
	return s.call(ctx, t, "start", func(ctx context.Context, c *systemd.Conn) error {
		if err := forgive(ctx, c, t.Member.Unit); err != nil {
			return err
		}
		_, err := c.StartUnitContext(ctx, t.Member.Unit, "replace", nil)
		return err
	})
}

// Restart implements Manager: the job is queued, not waited for.
func (s *Systemd) Restart(ctx context.Context, t cluster.Target) error {
	return s.call(ctx, t, "restart", func(ctx context.Context, c *systemd.Conn) error {
		if err := forgive(ctx, c, t.Member.Unit); err != nil {
			return err
		}
		_, err := c.RestartUnitContext(ctx, t.Member.Unit, "replace", nil)
		return err
	})
}

// Kill implements Manager. The identity is the unit's InvocationID; it is compared
// immediately before, and only the main process is signalled.
func (s *Systemd) Kill(ctx context.Context, t cluster.Target, identity string) error {
	return s.call(ctx, t, "kill", func(ctx context.Context, c *systemd.Conn) error {
		p, err := c.GetAllPropertiesContext(ctx, t.Member.Unit)
		if err != nil {
			return err
		}
		if u := decodeUnit(p); u.MainPID == 0 || u.InvocationID != identity {
			return fmt.Errorf("invocation %s is to be killed, the unit is %s with invocation %s: %w", identity, u.Active, u.InvocationID, ErrIdentity)
		}
		return c.KillUnitWithTarget(ctx, t.Member.Unit, systemd.Main, int32(syscall.SIGKILL))
	})
}

// ask reads a unit, and whether the host is shutting down.
func ask(ctx context.Context, c *systemd.Conn, name string) (unit, bool, error) {
	p, err := c.GetAllPropertiesContext(ctx, name)
	if err != nil {
		return unit{}, false, err
	}
	state, err := c.SystemStateContext(ctx)
	if err != nil {
		return unit{}, false, err
	}
	return decodeUnit(p), state.Value.Value() == "stopping", nil
}

// forgive resets a failed unit. It need not have reached its start limit: Result
// keeps the first failure and does not tell.
func forgive(ctx context.Context, c *systemd.Conn, name string) error {
	p, err := c.GetAllPropertiesContext(ctx, name)
	if err != nil || get[string](p, "ActiveState") != "failed" {
		return err
	}
	return c.ResetFailedUnitContext(ctx, name)
}

// call runs one exchange with systemd within the deadline.
func (s *Systemd) call(ctx context.Context, t cluster.Target, verb string, f func(context.Context, *systemd.Conn) error) error {
	if t.Member.Unit == "" {
		return fmt.Errorf("%s has no `unit` in fettle.yml, and no commands: %w", t, ErrNotDeclared)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c, err := s.connect()
	if err != nil {
		return fmt.Errorf("%s: no connection to systemd over D-Bus (%w): is this host run by systemd, and dbus running? Else declare `commands`", t, err)
	}
	if err := f(ctx, c); err != nil {
		return fmt.Errorf("%s: systemctl %s %s: %w", t, verb, t.Member.Unit, explain(err))
	}
	return nil
}

func (s *Systemd) connect() (*systemd.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil && s.conn.Connected() {
		return s.conn, nil
	}
	s.drop()
	// A connection lives as long as its context; a bus that accepts and says
	// nothing is left after the deadline.
	ctx, quit := context.WithCancel(context.Background())
	late := time.AfterFunc(s.timeout, quit)
	c, err := systemd.NewConnection(func() (*dbus.Conn, error) { return s.dial(ctx) })
	if err == nil && !late.Stop() {
		c.Close()
		err = context.DeadlineExceeded
	}
	if err != nil {
		late.Stop()
		quit()
		return nil, err
	}
	s.conn, s.quit = c, quit
	return c, nil
}

func (s *Systemd) dial(ctx context.Context) (*dbus.Conn, error) {
	connect := dbus.SystemBusPrivate
	if s.address != "" {
		connect = func(o ...dbus.ConnOption) (*dbus.Conn, error) { return dbus.Dial(s.address, o...) }
	}
	c, err := connect(dbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if err := c.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Getuid()))}); err != nil {
		c.Close()
		return nil, err
	}
	if err := c.Hello(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (s *Systemd) drop() {
	if s.conn != nil {
		s.conn.Close()
		s.quit()
		s.conn = nil
	}
}

// explain adds to systemd's own error what to do about it.
func explain(err error) error {
	var e dbus.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case strings.HasSuffix(e.Name, ".AccessDenied"), strings.HasSuffix(e.Name, ".InteractiveAuthorizationRequired"):
		return fmt.Errorf("%w: add a polkit rule that lets fettle's user manage this unit (org.freedesktop.systemd1.manage-units)", err)
	case strings.HasSuffix(e.Name, ".NoSuchUnit"):
		return fmt.Errorf("%w: correct `unit` in fettle.yml, or install it", err)
	case strings.HasSuffix(e.Name, ".UnitMasked"):
		return fmt.Errorf("%w: somebody masked it; `systemctl unmask` lets it start", err)
	}
	return err
}
