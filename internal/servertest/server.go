//go:build unix

package servertest

import (
	"context"
	"errors"
	"testing"
)

// Server is a Process that a test owns: what fails ends the test, and the test's end
// kills it.
type Server struct {
	Process

	t testing.TB
}

// Of makes a process the test's. It is not started yet.
func Of(t testing.TB, p Process) *Server {
	t.Helper()
	s := &Server{Process: p, t: t}
	t.Cleanup(s.Kill)
	return s
}

// Start starts it, or starts it again. It waits for nothing: see Await.
func (s *Server) Start() { s.t.Helper(); s.must(s.Process.Start()) }

// Freeze stops it where it is (SIGSTOP); Thaw lets it go on.
func (s *Server) Freeze() { s.t.Helper(); s.must(s.Process.Freeze()) }

// Thaw lets a frozen one go on.
func (s *Server) Thaw() { s.t.Helper(); s.must(s.Process.Thaw()) }

// Kill ends it as kill -9 does, also while it is frozen, and waits until it has.
func (s *Server) Kill() { s.t.Helper(); s.must(s.Process.Kill()) }

// Await polls until ok; what says what is waited for.
func (s *Server) Await(what string, ok func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience) // also while the test ends
	defer cancel()
	no := errors.New("until " + what)
	s.must(s.Process.Await(ctx, func(context.Context) error {
		if ok() {
			return nil
		}
		return no
	}))
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
