package discovery

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Listening finds, in /proc, the process that listens on an address of this machine,
// the data directory that it has open, and by unitOf the unit that runs it. Another
// user's process is only seen by root.
func Listening(unitOf func(ctx context.Context, pid int) (string, error)) func(ctx context.Context, address string) (Process, error) {
	return func(ctx context.Context, address string) (Process, error) {
		inode, err := listener(ctx, address)
		if err != nil {
			return Process{}, err
		}
		p, err := holder(inode)
		if err != nil {
			return Process{}, err
		}
		p.Unit, err = unitOf(ctx, p.PID)
		switch {
		case err != nil:
			p.Why = "systemd does not tell: is this host run by it?"
		case p.Unit == "":
			p.Why = "it is no unit's main process"
		}
		return p, nil
	}
}

// listener is the inode of the socket that listens on host:port.
func listener(ctx context.Context, address string) (string, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", fmt.Errorf("port %q is no number", service)
	}
	var ips []net.IP
	if ip := net.ParseIP(host); ip != nil {
		ips = append(ips, ip)
	} else {
		found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
		if err != nil {
			return "", err
		}
		for _, a := range found {
			ips = append(ips, a.IP)
		}
	}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if inode := listenerIn(file, ips, port); inode != "" {
			return inode, nil
		}
	}
	return "", fmt.Errorf("nothing listens on %s", address)
}

func listenerIn(file string, ips []net.IP, port uint64) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // only read from
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != "0A" { // LISTEN
			continue
		}
		ip, at, ok := localAddress(fields[1])
		if ok && at == port && (ip.IsUnspecified() || slices.ContainsFunc(ips, ip.Equal)) {
			return fields[9]
		}
	}
	return ""
}

// localAddress reads an address as /proc/net has it: 32-bit words in the machine's own
// byte order, which is taken to be little-endian, and the port.
func localAddress(s string) (net.IP, uint64, bool) {
	address, service, ok := strings.Cut(s, ":")
	raw, err := hex.DecodeString(address)
	if !ok || err != nil || len(raw)%4 != 0 {
		return nil, 0, false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	port, err := strconv.ParseUint(service, 16, 16)
	return raw, port, err == nil
}

// holder is the process that has a socket open.
func holder(inode string) (Process, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return Process{}, err
	}
	hidden := false
	for _, dir := range dirs {
		p, err := openFiles(dir, "socket:["+inode+"]")
		switch {
		case errors.Is(err, fs.ErrPermission):
			hidden = true
		case err == nil && p.PID != 0:
			return p, nil
		}
	}
	if hidden {
		return Process{}, errors.New("the process is another user's: ask as root")
	}
	return Process{}, errors.New("its process is not of this machine's /proc: is it in a container?")
}

// openFiles goes through what a process has open. PID is 0 where the socket is not
// among it.
func openFiles(dir, socket string) (p Process, err error) {
	entries, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return p, err
	}
	for _, e := range entries {
		target, err := os.Readlink(dir + "/fd/" + e.Name())
		if err != nil {
			continue // closed meanwhile
		}
		if target == socket {
			if p.PID, err = strconv.Atoi(filepath.Base(dir)); err != nil {
				return p, err
			}
		}
		if data, ok := strings.CutSuffix(target, "/member/snap/db"); ok {
			p.DataDir = data
		}
	}
	return p, nil
}
