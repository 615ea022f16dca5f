//go:build linux

package servertest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// state is a process's in proc(5): S sleeps, T is stopped; "" is none.
func state(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest[:1]
}

func TestServer(t *testing.T) {
	s := Of(t, Process{Name: "sleep", Argv: []string{"sleep", "600"}, Log: filepath.Join(t.TempDir(), "log")})
	s.Kill() // which never started: nothing
	s.Start()
	s.Await("it sleeps", func() bool { return state(s.PID()) == "S" })
	s.Freeze()
	s.Await("it stands still", func() bool { return state(s.PID()) == "T" })
	s.Thaw()
	s.Await("it sleeps again", func() bool { return state(s.PID()) == "S" })
	s.Freeze()
	first := s.PID()
	s.Kill()
	<-s.Ended()
	if left := state(first); left != "" {
		t.Errorf("killed, it is in state %s", left)
	}
	s.Kill() // once more: nothing
	s.Start()
	if s.PID() == first || state(s.PID()) == "" {
		t.Errorf("it was not started again")
	}
}

func TestProcessThatEnds(t *testing.T) {
	p := Process{Name: "cat", Argv: []string{"cat", "/no/such/file"}, Log: filepath.Join(t.TempDir(), "log")}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 2 { // the log goes on
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		err := p.Await(ctx, func(context.Context) error { return errors.New("no") })
		if err == nil || !strings.Contains(err.Error(), "cat has ended") || !strings.Contains(err.Error(), "/no/such/file") {
			t.Errorf("%v", err)
		}
	}
	if log := string(p.said()); strings.Count(log, "/no/such/file") != 2 {
		t.Errorf("its log: %s", log)
	}
}

func TestProcessThatIsNotThere(t *testing.T) {
	p := Process{Name: "none", Argv: []string{"/no/such/program"}, Log: filepath.Join(t.TempDir(), "log")}
	if err := p.Start(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
}
