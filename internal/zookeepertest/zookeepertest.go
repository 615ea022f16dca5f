// Package zookeepertest runs real ZooKeeper servers for tests: an ensemble on the
// loopback, whose servers can be killed, stopped in their tracks and started again.
package zookeepertest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take: a virtual machine and an election.
const patience = 90 * time.Second

// Where Debian has it.
const (
	java = "/usr/bin/java"
	jar  = "/usr/share/java/zookeeper.jar"
	conf = "/etc/zookeeper/conf"
)

// Ensemble is a running ensemble.
type Ensemble struct{ Servers []*Server }

// Server is one ZooKeeper server.
type Server struct {
	Name    string // z1, z2 …
	Address string // 127.0.0.1:port, of clients

	t    testing.TB
	conf string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
}

// Start starts n servers that vote and observers more that do not, waits until each
// serves, and ends them with the test. mntr tells whether that word is allowed.
func Start(t testing.TB, n, observers int, mntr bool) *Ensemble {
	t.Helper()
	all := n + observers
	ports := freePorts(t, 3*all)
	var servers []string
	for i := range all {
		kind := ""
		if i >= n {
			kind = ":observer"
		}
		servers = append(servers, fmt.Sprintf("server.%d=127.0.0.1:%d:%d%s", i+1, ports[3*i+1], ports[3*i+2], kind))
	}
	e := &Ensemble{}
	for i := range all {
		dir := t.TempDir()
		s := &Server{Name: fmt.Sprintf("z%d", i+1), Address: fmt.Sprintf("127.0.0.1:%d", ports[3*i]), t: t, conf: filepath.Join(dir, "zoo.cfg"), log: filepath.Join(dir, "log")}
		text := fmt.Sprintf("tickTime=500\ninitLimit=20\nsyncLimit=4\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n", dir, ports[3*i])
		if all > 1 {
			text += strings.Join(servers, "\n") + "\n"
		}
		if mntr {
			text += "4lw.commands.whitelist=srvr,mntr\n"
		}
		if i >= n {
			text += "peerType=observer\n"
		}
		write(t, s.conf, text)
		write(t, filepath.Join(dir, "myid"), fmt.Sprint(i+1))
		e.Servers = append(e.Servers, s)
	}
	for _, s := range e.Servers {
		s.Start()
	}
	for _, s := range e.Servers {
		s.Serves()
	}
	return e
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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
	defer func() { _ = out.Close() }()                                                                       // the child has its own
	cmd := exec.Command(java, "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", conf+":"+jar, //nolint:noctx // it runs until the test ends it
		"-Dzookeeper.root.logger=WARN,CONSOLE", "org.apache.zookeeper.server.quorum.QuorumPeerMain", s.conf)
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

// Serves waits until it serves clients.
func (s *Server) Serves() {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(s.word("srvr"), "Mode: "); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(s.log) // for the message only
			s.t.Fatalf("%s: waited %s in vain until it serves; it said:\n%s", s.Name, patience, said)
		}
	}
}

func (s *Server) word(w string) string {
	conn, err := net.DialTimeout("tcp", s.Address, time.Second)
	if err != nil {
		return ""
	}
	defer func() { _ = conn.Close() }() // the answer is whole, or is none
	if conn.SetDeadline(time.Now().Add(time.Second)) != nil {
		return ""
	}
	if _, err := io.WriteString(conn, w); err != nil {
		return ""
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return ""
	}
	return string(answer)
}

// Create writes n nodes below /, whose names begin with name, through this server.
func (s *Server) Create(name string, n int) {
	s.t.Helper()
	var commands strings.Builder
	for i := range n {
		fmt.Fprintf(&commands, "create /%s%d x\n", name, i)
	}
	cmd := exec.Command(java, "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", conf+":"+jar, //nolint:noctx // its deadline is below
		"-Dzookeeper.root.logger=WARN,CONSOLE", "org.apache.zookeeper.ZooKeeperMain", "-server", s.Address)
	cmd.Stdin = strings.NewReader(commands.String() + "quit\n")
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "Created /"+name) != n {
		s.t.Fatalf("create %d nodes through %s: %v\n%s", n, s.Name, err, out)
	}
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
