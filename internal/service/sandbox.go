package service

import (
	"maps"
	"os"
	"slices"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

const (
	maxMemory = 512 << 20 // bytes, what it prints included
	maxTasks  = 256
)

// executable is systemd's form of one line of ExecStart=, with its prefixes.
type executable struct {
	Path     string
	Argv     []string
	Prefixes []string
}

// filter is systemd's form of a list that allows or denies.
type filter struct {
	Allow bool
	Names []string
}

// properties are those of a command's unit: its own user, no privileges but those
// that are declared, a file system that is read-only but for the declared paths, no
// network unless declared, and an end to its time, its memory and its processes.
func properties(c Command, stdout, stderr *os.File) []systemd.Property {
	families := []string{"AF_UNIX"}
	if c.Network {
		families = append(families, "AF_INET", "AF_INET6", "AF_NETLINK")
	}
	env := make([]string, 0, len(c.Env))
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		env = append(env, name+"="+c.Env[name])
	}
	p := []systemd.Property{
		property("Description", "fettle: "+c.Argv[0]),
		// Without the prefix systemd puts the values of variables where arguments name them.
		property("ExecStartEx", []executable{{c.Argv[0], c.Argv, []string{"no-env-expand"}}}),
		property("Type", "exec"),
		property("RemainAfterExit", true), // how it ended stays to be told
		property("Environment", env),
		property("StandardInput", "null"),
		property("StandardOutputFileDescriptor", dbus.UnixFD(stdout.Fd())), //nolint:gosec // a file descriptor
		property("StandardErrorFileDescriptor", dbus.UnixFD(stderr.Fd())),  //nolint:gosec // a file descriptor
		property("RuntimeMaxUSec", uint64(c.Timeout.Microseconds())),       //nolint:gosec // checked to be more than 0
		property("TimeoutStopUSec", uint64(lookTimeout.Microseconds())),    //nolint:gosec // a constant
		property("KillMode", "control-group"),
		property("OOMPolicy", "kill"),
		property("MemoryMax", uint64(maxMemory)),
		property("TasksMax", uint64(maxTasks)),
		property("LimitCORE", uint64(0)),
		property("UMask", uint32(0o077)),

		property("NoNewPrivileges", true),
		property("CapabilityBoundingSet", c.Capabilities),
		property("ProtectSystem", "strict"),
		property("ReadWritePaths", slices.Clone(c.Writable)),
		property("PrivateTmp", true),
		property("PrivateNetwork", !c.Network),
		property("RestrictAddressFamilies", filter{true, families}),
		property("ProtectKernelTunables", true),
		property("ProtectControlGroups", true),
		property("ProtectProc", "invisible"),
		property("RestrictSUIDSGID", true),
		property("RestrictNamespaces", uint64(0)),
		property("RestrictRealtime", true),
		property("LockPersonality", true),
		property("KeyringMode", "private"),
	}
	if c.User == "" {
		p = append(p, property("DynamicUser", true))
	} else {
		p = append(p, property("User", c.User))
	}
	if c.Capabilities == 0 {
		return append(p,
			property("PrivateDevices", true),
			property("ProtectKernelModules", true),
			property("ProtectKernelLogs", true),
			property("ProtectClock", true),
			property("ProtectHostname", true),
			property("SystemCallArchitectures", []string{"native"}),
			property("SystemCallFilter", filter{true, []string{"@system-service"}}),
		)
	}
	if c.User != "root" {
		p = append(p, property("AmbientCapabilities", c.Capabilities))
	}
	return p
}

func property(name string, value any) systemd.Property {
	return systemd.Property{Name: name, Value: dbus.MakeVariant(value)}
}

// saysNo has systemd take exit status 1 for no failure: a look that says no is none.
func saysNo() systemd.Property {
	return property("SuccessExitStatus", struct{ Statuses, Signals []int32 }{[]int32{1}, []int32{}})
}
