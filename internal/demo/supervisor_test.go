package demo

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// One supervisor serves all of these: what follows builds on what came before.
func TestSupervisor(t *testing.T) {
	s := members(t)

	t.Run("socket is private", func(t *testing.T) {
		info, err := os.Stat(s.Socket)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v; want mode 0600", info.Mode(), err)
		}
	})
	t.Run("running", func(t *testing.T) {
		st := s.command(t, "status", "m1")
		if st.State != "running" || st.AgeSeconds <= 0 || !strings.Contains(st.Identity, "@") {
			t.Errorf("%+v", st)
		}
		if again := s.command(t, "start", "m1"); again != (memberStatus{}) {
			t.Errorf("start prints %+v", again)
		}
		if now := s.command(t, "status", "m1"); now.Identity != st.Identity {
			t.Errorf("start of a running member made %s of %s", now.Identity, st.Identity)
		}
	})
	t.Run("killed, dead, started", func(t *testing.T) {
		before := s.command(t, "status", "m2")
		if _, stderr, err := s.try(t, "kill", "m2", "1@1"); err == nil || !strings.Contains(stderr, `no process "1@1" runs`) {
			t.Errorf("another identity: %v, %q", err, stderr)
		}
		s.command(t, "kill", "m2", before.Identity)
		st := s.becomes(t, "m2", func(st memberStatus) bool { return st.State == "dead" })
		if st.DataDirOK == nil || !*st.DataDirOK || st.MemberID == "" || st.Identity != "" {
			t.Errorf("dead, with a data directory: %+v", st)
		}
		if _, _, err := s.try(t, "kill", "m2", before.Identity); err == nil {
			t.Error("killed what is gone")
		}
		s.command(t, "start", "m2")
		if now := s.command(t, "status", "m2"); now.State != "running" || now.Identity == before.Identity {
			t.Errorf("started: %+v, before %+v", now, before)
		}
	})
	t.Run("stopped on purpose", func(t *testing.T) {
		s.command(t, "stop", "m3")
		if st := s.command(t, "status", "m3"); st.State != "stopped_on_purpose" {
			t.Errorf("%+v", st)
		}
		s.command(t, "start", "m3")
		if st := s.command(t, "status", "m3"); st.State != "running" {
			t.Errorf("%+v", st)
		}
	})
	t.Run("restarted", func(t *testing.T) {
		before := s.command(t, "status", "m3")
		s.command(t, "restart", "m3")
		if st := s.command(t, "status", "m3"); st.State != "running" || st.Identity == before.Identity {
			t.Errorf("%+v, before %+v", st, before)
		}
	})
	t.Run("emptied", func(t *testing.T) {
		s.command(t, "kill", "m1", s.command(t, "status", "m1").Identity)
		s.becomes(t, "m1", func(st memberStatus) bool { return st.State == "dead" })
		if err := os.RemoveAll(dataDir(s, "m1")); err != nil {
			t.Fatal(err)
		}
		if st := s.command(t, "status", "m1"); st.DataDirOK == nil || *st.DataDirOK || st.MemberID != "" {
			t.Errorf("%+v", st)
		}
	})
	t.Run("broken by the stage", func(t *testing.T) {
		before := s.command(t, "status", "m3")
		f, err := s.Break(t.Context(), "m3", Hang)
		if err != nil {
			t.Fatal(err)
		}
		if still, err := standsStill(f.PID); !still || err != nil {
			t.Errorf("hung: %v, %v", still, err)
		}
		if st := s.command(t, "status", "m3"); st.Identity != before.Identity {
			t.Errorf("a hung member is %+v", st)
		}
		if _, err := s.Break(t.Context(), "m3", Kill); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Break(t.Context(), "m3", Kill); err == nil || !strings.Contains(err.Error(), "m3 is dead") {
			t.Errorf("broken twice: %v", err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		for _, tc := range []struct {
			args []string
			want string
		}{
			{[]string{"status", "m9"}, `no member "m9" here`},
			{[]string{"dance", "m1"}, `unknown verb "dance"`},
			{[]string{"kill", "m1"}, "usage:"},
			{[]string{"status"}, "usage:"},
		} {
			if _, stderr, err := s.try(t, tc.args...); err == nil || !strings.Contains(stderr, tc.want) {
				t.Errorf("%v: %v, %q; want %q", tc.args, err, stderr, tc.want)
			}
		}
	})
	t.Run("ends with its members", func(t *testing.T) {
		st := s.command(t, "status", "m2")
		s.supervisor.stop(limit)
		if _, err := signalExactly(st.Identity, 0); err == nil {
			t.Errorf("%s still runs", st.Identity)
		}
		if _, stderr, err := s.try(t, "status", "m2"); err == nil || !strings.Contains(stderr, "supervisor does not answer") {
			t.Errorf("%v, %q", err, stderr)
		}
	})
}

// What a demo that is killed leaves is nothing: the members die with the supervisor.
func TestMembersDieWithTheSupervisor(t *testing.T) {
	s := members(t)
	st := s.command(t, "status", "m1")
	s.supervisor.stop(0) // SIGKILL
	deadline := time.Now().Add(limit)
	for {
		_, err := signalExactly(st.Identity, 0)
		if err != nil && !errors.Is(err, syscall.EPERM) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s outlives its supervisor", st.Identity)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
