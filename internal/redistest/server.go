// Package redistest starts real Redis servers and Sentinels for tests, each a process
// of its own on 127.0.0.1 with a directory of its own, and breaks them: killed, frozen,
// and cut off from one another by a relay. Start with Start, or with Replicated.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/servertest"
)

// Program is Debian's server; it is a Sentinel too.
const Program = "/usr/bin/redis-server"

// Server is a running Redis, or a Sentinel.
type Server struct {
	*servertest.Server
	Address string // 127.0.0.1:port
	// Password is what Do logs in with as the default user.
	Password string

	t testing.TB
}

// Start starts a server whose configuration has these lines besides its port, and waits
// until it answers. It ends with the test.
func Start(t testing.TB, name string, lines ...string) *Server {
	t.Helper()
	return start(t, name, nil, append([]string{
		`save ""`, "repl-diskless-sync yes", "repl-diskless-sync-delay 0", "repl-ping-replica-period 1", "loglevel warning",
	}, lines...))
}

// Sentinel starts a Sentinel that watches the server at primary as "main", and holds it
// for down after a second.
func Sentinel(t testing.TB, name, primary string, quorum int, lines ...string) *Server {
	t.Helper()
	host, port, err := net.SplitHostPort(primary)
	must(t, err)
	return start(t, name, []string{"--sentinel"}, append([]string{
		fmt.Sprintf("sentinel monitor main %s %s %d", host, port, quorum),
		"sentinel down-after-milliseconds main 1000", "sentinel failover-timeout main 5000",
	}, lines...))
}

func start(t testing.TB, name string, args, lines []string) *Server {
	t.Helper()
	address := servertest.FreeAddress(t)
	_, port, err := net.SplitHostPort(address)
	must(t, err)
	dir, err := os.MkdirTemp("", "redis-"+name) // a test's own is too long for a socket
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	conf := filepath.Join(dir, name+".conf")
	lines = append([]string{"port " + port, "bind 127.0.0.1", "dir " + dir}, lines...)
	must(t, os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	s := &Server{
		Server:  servertest.Of(t, servertest.Process{Name: name, Argv: append([]string{Program, conf}, args...), Log: filepath.Join(dir, "log")}),
		Address: address, t: t,
	}
	s.Restart()
	return s
}

// Restart starts it again on the same port, with what it has in its directory, and waits
// until it takes connections.
func (s *Server) Restart() {
	s.t.Helper()
	s.Start()
	s.Await("it takes connections", func() bool {
		c, err := net.DialTimeout("tcp", s.Address, time.Second)
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	})
}

// Do gives a command with redis-cli and returns what it prints. An error that the
// server tells fails the test.
func (s *Server) Do(words ...string) string {
	s.t.Helper()
	out, err := s.Run(words...)
	if err != nil {
		s.t.Fatalf("redis %s, %s: %v: %s", s.Name, words[0], err, out)
	}
	return out
}

// Run is Do for a command that may fail.
func (s *Server) Run(words ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, port, _ := net.SplitHostPort(s.Address)
	cmd := exec.CommandContext(ctx, "/usr/bin/redis-cli", append([]string{"-e", "-p", port}, words...)...)
	if s.Password != "" {
		cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+s.Password)
	}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Write writes n keys of 1 KiB each.
func (s *Server) Write(n int) {
	s.t.Helper()
	for i := range n {
		s.Do("SET", "key"+strconv.Itoa(i), strings.Repeat("x", 1<<10))
	}
}

// Await polls until ok, for up to 30 seconds.
func Await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
