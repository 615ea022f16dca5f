// Package zookeepertest runs real ZooKeeper servers for tests: an ensemble on the
// loopback (Start), or on hosts of their own (StartApart), whose servers can be killed,
// frozen, wiped and started again.
package zookeepertest

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/port"
	"github.com/fettle-io/fettle/internal/servertest"
)

// Where Debian has it.
const (
	java = "/usr/bin/java"
	jar  = "/usr/share/java/zookeeper.jar"
	conf = "/etc/zookeeper/conf"
)

// Ensemble is a running ensemble.
type Ensemble struct{ Servers []*Server }

// Server is one ZooKeeper server. Its Name is z1, z2 …
type Server struct {
	*servertest.Server
	Address string // 127.0.0.1:port, of clients

	t    testing.TB
	data string
}

// command is that of a virtual machine of so many megabytes.
func command(megabytes int, argv ...string) []string {
	return append([]string{
		java, fmt.Sprintf("-Xmx%dm", megabytes), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", conf + ":" + jar, "-Dzookeeper.root.logger=WARN,CONSOLE",
	}, argv...)
}

// Start starts n servers that vote and observers more that do not, waits until each
// serves, and ends them with the test. mntr tells whether that word is allowed.
func Start(t testing.TB, n, observers int, mntr bool) *Ensemble {
	t.Helper()
	all := n + observers
	ports, err := port.Free(3 * all)
	if err != nil {
		t.Fatal(err)
	}
	var servers []string
	for i := range all {
		kind := ""
		if i >= n {
			kind = ":observer"
		}
		servers = append(servers, fmt.Sprintf("server.%d=127.0.0.1:%d:%d%s", i+1, ports[3*i+1], ports[3*i+2], kind))
	}
	more := ""
	if mntr {
		more = "4lw.commands.whitelist=srvr,mntr\n"
	}
	e := &Ensemble{}
	for i := range all {
		own := more
		if i >= n {
			own += "peerType=observer\n"
		}
		s := plan(t, i, ports[3*i], servers, own)
		s.Address = fmt.Sprintf("127.0.0.1:%d", ports[3*i])
		e.Servers = append(e.Servers, s)
	}
	e.start()
	return e
}

// Host is where a server of StartApart runs; its methods are those of netnstest.Host.
type Host interface {
	Argv(argv ...string) []string
	Reach(address string) string
}

// StartApart starts a server that votes on each of the hosts, whose addresses these are.
// Clients, and who looks, come past their network.
func StartApart[H Host](t testing.TB, hosts []H, addresses []string) *Ensemble {
	t.Helper()
	var servers []string
	for i, a := range addresses {
		servers = append(servers, fmt.Sprintf("server.%d=%s:2888:3888", i+1, a))
	}
	e := &Ensemble{}
	for i, h := range hosts {
		s := plan(t, i, 2181, servers, "4lw.commands.whitelist=srvr,mntr\n")
		s.Argv = h.Argv(s.Argv...)
		s.Address = h.Reach("127.0.0.1:2181")
		e.Servers = append(e.Servers, s)
	}
	e.start()
	return e
}

// plan is server i of these, with its port for clients; more is further configuration.
func plan(t testing.TB, i, port int, servers []string, more string) *Server {
	t.Helper()
	dir := t.TempDir()
	file, data := filepath.Join(dir, "zoo.cfg"), filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("tickTime=500\ninitLimit=20\nsyncLimit=4\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n%s", data, port, more)
	if len(servers) > 1 {
		text += strings.Join(servers, "\n") + "\n"
	}
	write(t, file, text)
	write(t, filepath.Join(data, "myid"), fmt.Sprint(i+1))
	name := fmt.Sprintf("z%d", i+1)
	return &Server{
		Server: servertest.Of(t, servertest.Process{
			Name: name, Argv: command(96, "org.apache.zookeeper.server.quorum.QuorumPeerMain", file), Log: filepath.Join(dir, "log"),
		}),
		t: t, data: data,
	}
}

// Wipe takes away what a server has on disk that does not run, but for its number.
func (s *Server) Wipe() {
	s.t.Helper()
	if err := os.RemoveAll(filepath.Join(s.data, "version-2")); err != nil {
		s.t.Fatal(err)
	}
}

func (e *Ensemble) start() {
	for _, s := range e.Servers {
		s.Start()
	}
	for _, s := range e.Servers {
		s.Serves()
	}
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Serves waits until it serves clients.
func (s *Server) Serves() {
	s.t.Helper()
	s.Await("it serves", func() bool { return strings.Contains(s.word("srvr"), "Mode: ") })
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
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	argv := command(64, "org.apache.zookeeper.ZooKeeperMain", "-server", s.Address)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(commands.String() + "quit\n")
	if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "Created /"+name) != n {
		s.t.Fatalf("create %d nodes through %s: %v\n%s", n, s.Name, err, out)
	}
}
