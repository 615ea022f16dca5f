// Package natstest runs real NATS servers with JetStream for tests: a cluster on the
// loopback, whose servers can be killed, stopped in their tracks and started again.
package natstest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take: an election takes some seconds.
const patience = 90 * time.Second

// program is Debian's, which is not in everybody's PATH.
const program = "/usr/sbin/nats-server"

// Cluster is a running cluster.
type Cluster struct{ Servers []*Server }

// Server is one nats-server.
type Server struct {
	Name string // n1, n2 …
	URL  string // of its monitoring port

	t      testing.TB
	client string // host:port
	conf   string
	log    string
	cmd    *exec.Cmd
	done   chan struct{}
}

// Start starts n servers, waits until each names a meta leader, and ends them with the
// test.
func Start(t testing.TB, n int) *Cluster {
	t.Helper()
	ports := freePorts(t, 3*n)
	var routes []string
	for i := range n {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[3*i+2]))
	}
	c := &Cluster{}
	for i := range n {
		dir := t.TempDir()
		s := &Server{
			Name: fmt.Sprintf("n%d", i+1), URL: fmt.Sprintf("http://127.0.0.1:%d", ports[3*i+1]), t: t,
			client: fmt.Sprintf("127.0.0.1:%d", ports[3*i]), conf: filepath.Join(dir, "nats.conf"), log: filepath.Join(dir, "log"),
		}
		text := fmt.Sprintf("server_name: %s\nlisten: %s\nhttp: 127.0.0.1:%d\njetstream { store_dir: %q, max_mem: 64M, max_file: 256M }\ncluster { name: c, listen: 127.0.0.1:%d, routes: [%s] }\n",
			s.Name, s.client, ports[3*i+1], filepath.Join(dir, "data"), ports[3*i+2], strings.Join(routes, ", "))
		if err := os.WriteFile(s.conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c.Servers = append(c.Servers, s)
	}
	for _, s := range c.Servers {
		s.Start()
	}
	for _, s := range c.Servers {
		s.await("it names a meta leader", func() bool {
			var v struct {
				JetStream struct{ Meta struct{ Leader string } }
			}
			return s.get("/varz", &v) && v.JetStream.Meta.Leader != ""
		})
	}
	return c
}

func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }() // not before all are known: each is another one
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// Start starts the server, which must not run.
func (s *Server) Start() {
	s.t.Helper()
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = out.Close() }()         // the child has its own
	cmd := exec.Command(program, "-c", s.conf) //nolint:noctx // it runs until the test ends it
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	s.cmd, s.done = cmd, done
	go func() {
		_ = cmd.Wait() // how it ended is of no interest
		close(done)
	}()
	s.t.Cleanup(s.Kill)
}

// Kill ends it with SIGKILL and returns when it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.done
}

// Pause stops it in its tracks (SIGSTOP); Resume lets it go on.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused one go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Stream makes a stream of this name with so many replicas, which takes what is
// published to NAME.in.
func (s *Server) Stream(name string, replicas int) {
	s.t.Helper()
	body := fmt.Sprintf(`{"name": %q, "subjects": [%q], "num_replicas": %d, "storage": "file", "retention": "limits", "discard": "old", "max_msgs": -1, "max_bytes": -1, "max_age": 0}`,
		name, name+".in", replicas)
	s.await("it makes a stream", func() bool {
		answer, ok := s.request("$JS.API.STREAM.CREATE."+name, body)
		return ok && !strings.Contains(answer, `"error"`)
	})
}

// Publish publishes n messages to the stream, each acknowledged.
func (s *Server) Publish(stream string, n int) {
	s.t.Helper()
	for range n {
		s.await("a message is taken", func() bool {
			answer, ok := s.request(stream+".in", "hello")
			return ok && strings.Contains(answer, `"seq"`)
		})
	}
}

// request asks over a connection of its own, by NATS' text protocol.
func (s *Server) request(subject, body string) (string, bool) {
	conn, err := net.DialTimeout("tcp", s.client, 2*time.Second)
	if err != nil {
		return "", false
	}
	defer func() { _ = conn.Close() }() // an answer came, or did not
	if conn.SetDeadline(time.Now().Add(3*time.Second)) != nil {
		return "", false
	}
	in := bufio.NewReader(conn)
	fmt.Fprintf(conn, "CONNECT {\"verbose\":false}\r\nSUB inbox 1\r\nPUB %s inbox %d\r\n%s\r\n", subject, len(body), body)
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return "", false
		}
		if strings.HasPrefix(text, "PING") {
			fmt.Fprint(conn, "PONG\r\n")
		}
		if !strings.HasPrefix(text, "MSG") {
			continue
		}
		fields := strings.Fields(text)
		n, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil {
			return "", false
		}
		answer := make([]byte, n)
		for read := 0; read < n; {
			k, err := in.Read(answer[read:])
			if err != nil {
				return "", false
			}
			read += k
		}
		return string(answer), true
	}
}

func (s *Server) get(path string, into any) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	return json.NewDecoder(resp.Body).Decode(into) == nil
}

func (s *Server) await(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(s.log) // for the message only
			s.t.Fatalf("%s: waited %s in vain until %s; it said:\n%s", s.Name, patience, what, said)
		}
	}
}
