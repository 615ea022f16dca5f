package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/programs"
)

// The test binary stands in for fettle where it starts itself.
func TestMain(m *testing.M) {
	if code, was := Hidden(os.Args[1:], os.Stdout, os.Stderr); was {
		os.Exit(code)
	}
	code := m.Run()
	for _, f := range atEnd {
		f()
	}
	os.Exit(code)
}

// atEnd is run when all tests were.
var atEnd []func()

// limit bounds everything that is waited for.
const limit = time.Minute

// members is a stage with the supervisor and its members alone.
func members(t *testing.T) *Stage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	program, err := programs.Find(ctx, "etcd", programs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &Stage{
		layout:  layout{Options: Options{Etcd: program.Path, Fettle: os.Args[0]}.orDefault(), Dir: shortDir(t)},
		spawner: newSpawner(),
	}
	s.Socket = s.path("supervisor.sock")
	if s.Specs, err = etcdproc.Plan(s.path("etcd"), s.Members, etcdproc.Options{}); err != nil {
		t.Fatal(err)
	}
	if s.Addresses, err = freeAddresses("fettle", "fettle_exporter", "prometheus", "alertmanager"); err != nil {
		t.Fatal(err)
	}
	if err := s.write(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if s.supervisor, err = s.spawn("supervisor", s.Fettle, "demo", "supervisor", s.path("supervisor.json")); err != nil {
		t.Fatal(err)
	}
	if err := s.awaitMembers(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// shortDir is a temporary folder whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fettle-demo-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// command runs one declared command as fettle would, and fails the test if it fails.
func (s *Stage) command(t *testing.T, args ...string) memberStatus {
	t.Helper()
	st, stderr, err := s.try(t, args...)
	if err != nil {
		t.Fatalf("%v: %v: %s", args, err, stderr)
	}
	return st
}

func (s *Stage) try(t *testing.T, args ...string) (st memberStatus, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.Fettle, append([]string{"demo", "member", "--socket", s.Socket}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return st, errs.String(), err
	}
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &st); err != nil {
			t.Fatalf("%q: %v", out.String(), err)
		}
	}
	return st, "", nil
}

// becomes waits until a member's status is as wanted.
func (s *Stage) becomes(t *testing.T, member string, want func(memberStatus) bool) memberStatus {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		st := s.command(t, "status", member)
		if want(st) {
			return st
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s stays %+v", member, st)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func dataDir(s *Stage, member string) string { return filepath.Join(s.path("etcd", member), "data") }
