//go:build !linux && !windows

package exporter

import "context"

// systemd is not there, nor anything like it: see systemd_linux.go, and winservice_windows.go.
type systemd struct{}

func newSystemd(Host) *systemd { return &systemd{} }

func (*systemd) list(context.Context) ([]listedUnit, error) { return nil, errNotBooted }

func (*systemd) named(context.Context, []string) ([]listedUnit, error) { return nil, errNotBooted }

func property[T any](context.Context, *systemd, listedUnit, string, string) (value T, ok bool, err error) {
	return value, false, errNotBooted
}

// Close has nothing to close.
func (*systemd) Close() error { return nil }
