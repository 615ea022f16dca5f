//go:build faults

package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// calls are the system calls by which a journal reaches its files.
const calls = "openat,read,pread64,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,linkat,ftruncate,fallocate,unlinkat,mkdirat,close,flock,fchmod,fchmodat,getdents64"

// straced is a command line that runs a program under strace and not as its child, so
// that a signal reaches the program itself. One thread runs Go code: strace counts the
// calls of each thread for itself.
func straced(t testing.TB, log string, args ...string) []string {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatalf("the system calls are failed by strace: install Debian's package strace, as make faults does (%v)", err)
	}
	return slices.Concat([]string{"strace", "-D", "-f", "-q", "-y", "-o", log, "-E", "GOMAXPROCS=1"}, args)
}

// call is one kind of system call on one file.
type call struct{ name, path string }

var (
	traced = regexp.MustCompile(`^\d+ +(\w+)\((.*)$`)
	quoted = regexp.MustCompile(`"([^"]*)"`)
	opened = regexp.MustCompile(`\d+<([^>]*)>`)
)

// callsOn lists the calls in a trace on files below one of the places, each once.
func callsOn(t testing.TB, log string, places ...string) []call {
	t.Helper()
	var all []call
	for _, line := range traceOf(t, log) {
		m := traced.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		paths := opened.FindAllStringSubmatch(m[2], -1)
		if m[1] != "write" && m[1] != "read" && m[1] != "pwrite64" && m[1] != "pread64" { // whose text may be anything
			paths = append(paths, quoted.FindAllStringSubmatch(m[2], -1)...)
		}
		for _, p := range paths {
			c := call{m[1], p[1]}
			if slices.ContainsFunc(places, func(place string) bool { return c.path == place || strings.HasPrefix(c.path, place+"/") }) && !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
	}
	return all
}

// traceOf reads a trace when it is whole: strace outlives the program by a moment.
func traceOf(t testing.TB, log string) []string {
	t.Helper()
	var lines []string
	until(t, "the trace is whole", func() error {
		b, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		lines = strings.Split(strings.TrimSpace(string(b)), "\n")
		if !strings.Contains(lines[len(lines)-1], "+++ ") {
			return errNotYet
		}
		return nil
	})
	return lines
}

// fault is what is done to a call.
type fault struct{ name, inject string }

var allFaults = []fault{{"EIO", "error=EIO"}, {"ENOSPC", "error=ENOSPC"}, {"SIGKILL", "signal=KILL"}}

// inject is strace's arguments for a fault in the n-th call of a thread. A signal comes
// instead of the call, and not at all where strace lets the kernel choose the calls.
func inject(c call, f fault, n int) []string {
	args := []string{"-P", c.path, "-e", "trace=" + c.name, "-e", fmt.Sprintf("inject=%s:%s:when=%d", c.name, f.inject, n)}
	if f.name == "SIGKILL" {
		return args
	}
	return append(args, "--seccomp-bpf")
}

// hit tells whether an error was injected, and the calls of the same kind on the same
// file that came after it. Of a signal strace notes nothing: the program has died.
func hit(t testing.TB, log string) (happened bool, after []string) {
	t.Helper()
	for _, line := range traceOf(t, log) {
		if strings.Contains(line, "(INJECTED)") {
			happened = true
		} else if happened && traced.MatchString(line) {
			after = append(after, line)
		}
	}
	return happened, after
}

// nth are the calls of a kind that are failed: the first ones, and ever fewer of the
// later ones. A sweep ends with the first that does not happen any more.
func nth() []int { return []int{1, 2, 3, 5, 8, 13, 21, 34, 55} }

// copied is a copy of a directory, with the modes of its files.
func copied(t testing.TB, from, to string) {
	t.Helper()
	must(t, os.MkdirAll(to, 0o700))
	entries, err := os.ReadDir(from)
	must(t, err)
	for _, e := range entries {
		if e.IsDir() {
			copied(t, from+"/"+e.Name(), to+"/"+e.Name())
			continue
		}
		b, err := os.ReadFile(from + "/" + e.Name())
		must(t, err)
		must(t, os.WriteFile(to+"/"+e.Name(), b, 0o600))
	}
}

// calmly wants no panic in what fettle said.
func (s *server) calmly() error {
	if said := s.said(); strings.Contains(said, "panic:") || strings.Contains(said, "goroutine ") {
		return errors.New("it panicked:\n" + said)
	}
	return nil
}
