package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/mgr"
)

// systemd is Windows' service manager here. It is opened for each question, with the
// rights to look and no others: what package mgr itself asks for is only an
// administrator's.
type systemd struct{}

func newSystemd(Host) *systemd { return &systemd{} }

// Close has nothing to close.
func (*systemd) Close() error { return nil }

// list lists all services that this user may ask about.
func (s *systemd) list(ctx context.Context) (units []listedUnit, err error) {
	m, err := openManager()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Disconnect()) }()
	names, err := m.ListServices()
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	return services(ctx, m, names)
}

// named lists these; one that is not there is left out, as an alias is by systemd.
func (s *systemd) named(ctx context.Context, names []string) (units []listedUnit, err error) {
	m, err := openManager()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Disconnect()) }()
	all, err := m.ListServices()
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	var there []string
	for _, name := range names {
		if name, ok := strings.CutSuffix(name, ".service"); ok && slices.Contains(all, name) {
			there = append(there, name)
		}
	}
	return services(ctx, m, there)
}

func openManager() (*mgr.Mgr, error) {
	h, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT|windows.SC_MANAGER_ENUMERATE_SERVICE)
	if err != nil {
		return nil, fmt.Errorf("open the service manager: %w", err)
	}
	return &mgr.Mgr{Handle: h}, nil
}

func openService(m *mgr.Mgr, name string, access uint32) (*mgr.Service, error) {
	text, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	h, err := windows.OpenService(m.Handle, text, access)
	if err != nil {
		return nil, err
	}
	return &mgr.Service{Name: name, Handle: h}, nil
}

// services asks for the states. A service that is gone meanwhile, or that this user may
// not ask about, is left out.
func services(ctx context.Context, m *mgr.Mgr, names []string) ([]listedUnit, error) {
	var all []windowsService
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		service, err := openService(m, name, windows.SERVICE_QUERY_STATUS)
		if errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open service %s: %w", name, err)
		}
		status, err := service.Query()
		if err = errors.Join(err, service.Close()); err != nil {
			return nil, fmt.Errorf("ask for service %s: %w", name, err)
		}
		all = append(all, windowsService{name: name, state: uint32(status.State), exit: status.Win32ExitCode})
	}
	return windowsUnits(all), nil
}

// property is how a service is started; the service manager has none of the others.
func property[T any](_ context.Context, _ *systemd, u listedUnit, _, name string) (value T, ok bool, err error) {
	if name != "UnitFileState" {
		return value, false, nil
	}
	m, err := openManager()
	if err != nil {
		return value, false, err
	}
	defer func() { err = errors.Join(err, m.Disconnect()) }()
	service, err := openService(m, u.Path, windows.SERVICE_QUERY_CONFIG)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return value, false, nil
	}
	if err != nil {
		return value, false, fmt.Errorf("open service %s: %w", u.Path, err)
	}
	config, err := service.Config()
	if err = errors.Join(err, service.Close()); err != nil {
		return value, false, fmt.Errorf("ask how service %s is started: %w", u.Path, err)
	}
	value, ok = any(windowsStart(config.StartType, config.DelayedAutoStart)).(T)
	return value, ok, nil
}
