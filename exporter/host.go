package exporter

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/shirou/gopsutil/v3/common"

	"github.com/fettle-io/fettle/probe"
)

// Host says where the machine's file systems are seen from here. Empty means
// /proc, / and /sys; in a container they are mounted elsewhere.
type Host struct {
	Proc string // the machine's procfs
	Root string // the machine's root, a prefix of every mount point
	Sys  string // the machine's sysfs
	// Chrony is where its chronyd takes commands; empty: 127.0.0.1:323.
	Chrony string
	// NTPD is where its ntpd answers ntpq; empty: 127.0.0.1:123. NotAsked: it is not asked.
	NTPD string
	// Textfiles is the directory of the *.prom files to pass on; empty: there are none.
	Textfiles string
	// Units are which of its units are told of.
	Units Units
	// Declared is what exporter.yml says of values, backups, file trees and dependencies.
	Declared Declared
	// Probes are what each scrape asks from outside.
	Probes []*probe.Prober
	// Heartbeat says which members are watched from this machine.
	Heartbeat Heartbeat
	// Clocks are the machines whose clocks are compared with its own.
	Clocks Clocks
	// Log takes what changes within a collector that goes on; nil: nothing is logged.
	Log *slog.Logger
}

func (h Host) logger() *slog.Logger {
	if h.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Log
}

// context is ctx for a call of gopsutil on this host.
func (h Host) context(ctx context.Context) context.Context {
	env := common.EnvMap{
		// Not a directory, on purpose: with it gopsutil neither renames
		// /dev/mapper/NAME to dm-N, which changes with every boot, nor opens
		// udev's database for each disk on each scrape.
		common.HostDevEnvKey: "/dev/null",
	}
	if h.Proc != "" {
		env[common.HostProcEnvKey] = h.Proc
	}
	return context.WithValue(ctx, common.EnvKey, env)
}

func (h Host) proc(name string) string {
	if h.Proc == "" {
		return filepath.Join("/proc", name)
	}
	return filepath.Join(h.Proc, name)
}

func (h Host) sys() string {
	if h.Sys == "" {
		return "/sys"
	}
	return h.Sys
}

func (h Host) path(mountpoint string) string {
	if h.Root == "" || h.Root == "/" { // a drive's name stays what it is
		return mountpoint
	}
	return filepath.Join("/", h.Root, mountpoint)
}
