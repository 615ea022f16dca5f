package mysqltest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // mysql_native_password is made of it
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"
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

// dialogue is one connection. number is the next packet's.
type dialogue struct {
	*StandIn
	conn   net.Conn
	in     *bufio.Reader
	number byte
}

var salt = []byte("abcdefghijklmnopqrst") //nolint:gochecknoglobals // read only

const native = "mysql_native_password"

func (d *dialogue) login() error {
	const capabilities = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000
	g := append([]byte{10}, d.version...)
	g = append(g, 0, 7, 0, 0, 0)
	g = append(append(g, salt[:8]...), 0)
	g = binary.LittleEndian.AppendUint16(g, capabilities&0xffff)
	g = append(g, 33, 2, 0)
	g = binary.LittleEndian.AppendUint16(g, capabilities>>16)
	g = append(append(g, 21), make([]byte, 10)...)
	g = append(append(append(g, salt[8:]...), 0), native+"\x00"...)
	if err := d.send(g); err != nil {
		return err
	}
	p, err := d.receive()
	if err != nil || len(p) < 33 {
		return errors.Join(err, io.ErrUnexpectedEOF)
	}
	user, rest, _ := bytes.Cut(p[32:], []byte{0})
	if string(user) == d.user && len(rest) > 0 && bytes.HasPrefix(rest[1:], scramble(d.password)) && (d.password != "" || rest[0] == 0) {
		return d.send([]byte{0, 0, 0, 2, 0, 0, 0})
	}
	_ = d.refuse(1045, "Access denied for user '"+string(user)+"'@'localhost' (using password: YES)")
	return errors.New("refused")
}

func scramble(password string) []byte {
	if password == "" {
		return nil
	}
	once := sha1.Sum([]byte(password))                                //nolint:gosec // the protocol's
	twice := sha1.Sum(once[:])                                        //nolint:gosec // the protocol's
	mixed := sha1.Sum(append(append([]byte{}, salt...), twice[:]...)) //nolint:gosec // the protocol's
	for i := range mixed {
		mixed[i] ^= once[i]
	}
	return mixed[:]
}

// answer answers one question.
func (d *dialogue) answer() error {
	p, err := d.receive()
	if err != nil || len(p) == 0 || p[0] == 1 { // COM_QUIT
		return errors.Join(err, io.EOF)
	}
	switch a := d.find(string(p[1:])); {
	case d.behaviour() == Frozen:
		<-d.end.Done()
		return io.EOF
	case p[0] != 3: // COM_QUERY
		return d.refuse(1047, "Unknown command")
	case d.behaviour() == Flooding:
		return d.flood()
	case a.Error != 0:
		return d.refuse(a.Error, a.Text)
	case len(a.Columns) == 0:
		return d.send([]byte{0, 0, 0, 2, 0, 0, 0})
	default:
		return d.table(a)
	}
}

func (d *dialogue) table(a Answer) error {
	if err := d.columns(a.Columns); err != nil {
		return err
	}
	for _, cells := range a.Rows {
		var p []byte
		for _, c := range cells {
			if text, ok := c.(string); ok {
				p = appendText(p, text)
			} else {
				p = append(p, 0xfb)
			}
		}
		if err := d.send(p); err != nil {
			return err
		}
	}
	return d.eof()
}

func (d *dialogue) columns(names []string) error {
	if err := d.send([]byte{byte(len(names))}); err != nil { //nolint:gosec // a few
		return err
	}
	for _, name := range names {
		p := appendText(nil, "def")
		for range 3 { // schema, table, original table
			p = appendText(p, "")
		}
		p = appendText(appendText(p, name), name)
		p = append(p, 0x0c, 33, 0, 0, 1, 0, 0, 0xfd, 0, 0, 0, 0, 0)
		if err := d.send(p); err != nil {
			return err
		}
	}
	return d.eof()
}

// flood sends 100 MB of rows.
func (d *dialogue) flood() error {
	if err := d.columns([]string{"x"}); err != nil {
		return err
	}
	p := appendText(nil, strings.Repeat("x", 1<<15))
	for range 100 << 20 >> 15 {
		if err := d.send(p); err != nil {
			return err
		}
	}
	return d.eof()
}

func (d *dialogue) eof() error { return d.send([]byte{0xfe, 0, 0, 2, 0}) }

func (d *dialogue) refuse(number uint16, text string) error {
	p := binary.LittleEndian.AppendUint16([]byte{0xff}, number)
	return d.send(append(p, "#HY000"+text...))
}

func appendText(p []byte, s string) []byte {
	if len(s) < 251 {
		p = append(p, byte(len(s)))
	} else {
		p = append(append(p, 0xfd), byte(len(s)), byte(len(s)>>8), byte(len(s)>>16)) //nolint:gosec // its three bytes
	}
	return append(p, s...)
}

func (d *dialogue) send(p []byte) error {
	whole := append([]byte{byte(len(p)), byte(len(p) >> 8), byte(len(p) >> 16), d.number}, p...) //nolint:gosec // its three bytes
	d.number++
	if d.behaviour() != Dripping {
		_, err := d.conn.Write(whole)
		return err
	}
	for i := range whole {
		if _, err := d.conn.Write(whole[i : i+1]); err != nil {
			return err
		}
		select {
		case <-d.end.Done():
			return io.EOF
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

func (d *dialogue) receive() ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(d.in, head); err != nil {
		return nil, err
	}
	d.number = head[3] + 1
	p := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err := io.ReadFull(d.in, p)
	return p, err
}
