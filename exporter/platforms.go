package exporter

import "slices"

// Platforms are the systems on which the collector has something to read, by the
// names that Go has for them, and sorted. Where it has nothing it is not enabled by
// default. The released binaries are meant: built with cgo, gopsutil reads the CPUs
// and disks of macOS too.
func (e Entry) Platforms() []string {
	switch e.Name {
	case "cpu", "disk":
		return []string{"freebsd", "linux", "windows"}
	case "load":
		return []string{"darwin", "freebsd", "linux"}
	case "pressure", "vm", "fragmentation", "descriptors", "conntrack", "sockets", "softnet", "process", "kernel", "hardware":
		return []string{"linux"}
	case "unit":
		return []string{"linux", "windows"}
	default:
		return []string{"darwin", "freebsd", "linux", "windows"}
	}
}

// reads tells that there is something to read on this system.
func (e Entry) reads(goos string) bool { return slices.Contains(e.Platforms(), goos) }
