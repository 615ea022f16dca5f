package faults

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// procs are the running processes of which ok is true, by process id, with their
// command lines.
func procs(t testing.TB, ok func(ppid int, argv []string) bool) map[int]string {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	must(t, err)
	found := map[int]string{}
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue // it has ended
		}
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || len(line) == 0 {
			continue
		}
		_, rest, _ := bytes.Cut(stat, []byte(") ")) // state, then the parent
		fields := strings.Fields(string(rest))
		if len(fields) < 2 {
			continue
		}
		ppid, err := strconv.Atoi(fields[1])
		if err != nil {
			continue
		}
		if argv := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00"); ok(ppid, argv) {
			found[pid] = strings.Join(argv, " ")
		}
	}
	return found
}

// children are fettle's own.
func (s *server) children() map[int]string {
	s.t.Helper()
	return procs(s.t, func(ppid int, _ []string) bool { return ppid == s.proc.PID() })
}

// commands are the fleet's declared commands that run, whosever children they are.
func (f *fleet) commands() map[int]string {
	f.t.Helper()
	return procs(f.t, func(_ int, argv []string) bool {
		for _, arg := range argv {
			if strings.HasPrefix(arg, f.dir) {
				return true
			}
		}
		return false
	})
}

// kilobytes is a line of fettle's /proc/PID/status, such as VmHWM.
func (s *server) kilobytes(key string) int {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.proc.PID()), "status"))
	must(s.t, err)
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			must(s.t, err)
			return n
		}
	}
	s.t.Fatalf("no %s", key)
	return 0
}
