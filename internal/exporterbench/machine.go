package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// machine is how big a made-up host is.
type machine struct{ cpus, devices, disks int }

// writeProc writes the files of the host's procfs that both programs read.
func writeProc(dir string, m machine) error {
	for name, text := range m.files() {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (m machine) files() map[string]string {
	var stat, network, disks strings.Builder
	stat.WriteString("cpu  1000 10 500 90000 20 0 5 0 0 0\n")
	for i := range m.cpus {
		fmt.Fprintf(&stat, "cpu%d %d 10 500 90000 20 0 5 0 0 0\n", i, 1000+i)
	}
	stat.WriteString("intr 12345\nctxt 6789012\nbtime 1700000000\nprocesses 34567\nprocs_running 2\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n")
	network.WriteString("Inter-|   Receive                                                |  Transmit\n" +
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n")
	for i := range m.devices {
		fmt.Fprintf(&network, "  eth%d: %d 234567 0 1 0 0 0 12 987654321 345678 0 0 0 0 0 0\n", i, 1234567890+i)
	}
	for i := range m.disks {
		fmt.Fprintf(&disks, " 259 %7d nvme%dn1 %d 100 8000000 5000 300000 200 9000000 6000 0 7000 11000 10 0 800 5 60 7\n", i, i, 100000+i)
	}
	const root = "/dev/vda1 / ext4 rw,relatime 0 0\n"
	const info = "22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n"
	return map[string]string{
		"stat": stat.String(), "net/dev": network.String(), "diskstats": disks.String(),
		"loadavg": "1.00 2.00 3.00 1/100 4711\n", "uptime": "1000.00 2000.00\n",
		"1/mountinfo": info, "self/mountinfo": info, "mounts": root, "1/mounts": root, "self/mounts": root,
		"meminfo": "MemTotal: 1000000 kB\nMemFree: 100000 kB\nMemAvailable: 400000 kB\nBuffers: 1000 kB\nCached: 200000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
		"cpuinfo": "processor : 0\n",
	}
}
