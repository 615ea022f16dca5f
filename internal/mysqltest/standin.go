package mysqltest

import (
	"bufio"
	"context"
	"net"
	"strings"
	"sync"
)

// Answer is what a StandIn says to statements.
type Answer struct {
	// To is part of the statements that it answers.
	To string
	// Columns and Rows are a table; a cell is a string, or nil for NULL. Without columns
	// it is an OK.
	Columns []string
	Rows    [][]any
	// Error is an error's number in place of a table; 0: none. Text is what it says.
	Error uint16
	Text  string
}

// Manner is how a StandIn behaves after the login.
type Manner int

const (
	// Proper answers.
	Proper Manner = iota
	// Flooding answers each question with rows without an end.
	Flooding
	// Dripping sends a byte now and then, from its greeting on.
	Dripping
	// Frozen reads nothing and says nothing.
	Frozen
)

// StandIn is no MySQL: it speaks MySQL's wire protocol, logs one user in with
// mysql_native_password, and has the answers that it was given. What it has no answer to
// is a syntax error.
type StandIn struct {
	Port int

	version, user, password string
	listener                net.Listener
	end                     context.Context
	stop                    context.CancelFunc

	mu      sync.Mutex
	manner  Manner
	answers []Answer
	asked   []string
	open    int
	all     sync.WaitGroup
}

// NewStandIn starts one that calls itself this version.
func NewStandIn(version, user, password string, answers ...Answer) (*StandIn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return nil, err
	}
	s := &StandIn{Port: l.Addr().(*net.TCPAddr).Port, version: version, user: user, password: password, listener: l, answers: answers} //nolint:forcetypeassert // of a TCP listener
	s.end, s.stop = context.WithCancel(context.Background())
	s.all.Go(s.accept)
	return s, nil
}

// Behave changes its manner; connections that are open are told with their next question.
func (s *StandIn) Behave(m Manner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.manner = m
}

// Say replaces its answers.
func (s *StandIn) Say(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = answers
}

// Asked are the statements that it was asked, in order.
func (s *StandIn) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// Open is how many connections there are now.
func (s *StandIn) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// Close ends it and its connections.
func (s *StandIn) Close() {
	s.stop()
	_ = s.listener.Close()
	s.all.Wait()
}

func (s *StandIn) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.all.Go(func() { s.serve(conn) })
	}
}

func (s *StandIn) serve(conn net.Conn) {
	defer context.AfterFunc(s.end, func() { _ = conn.Close() })()
	defer conn.Close()
	s.count(1)
	defer s.count(-1)
	d := &dialogue{StandIn: s, conn: conn, in: bufio.NewReader(conn)}
	if err := d.login(); err != nil {
		return
	}
	for d.answer() == nil {
	}
}

func (s *StandIn) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += n
}

func (s *StandIn) behaviour() Manner {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.manner
}

// find is the answer to a statement, which it notes.
func (s *StandIn) find(statement string) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, statement)
	for _, a := range s.answers {
		if strings.Contains(statement, a.To) {
			return a
		}
	}
	return Answer{Error: 1064, Text: "You have an error in your SQL syntax"}
}
