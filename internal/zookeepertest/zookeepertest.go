// Package zookeepertest runs real ZooKeeper servers for tests: an ensemble on the
// loopback, whose servers can be killed, frozen and started again.
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

	t testing.TB
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
	ports, err := servertest.FreePorts(3 * all)
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
	e := &Ensemble{}
	for i := range all {
		dir := t.TempDir()
		file := filepath.Join(dir, "zoo.cfg")
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
		write(t, file, text)
		write(t, filepath.Join(dir, "myid"), fmt.Sprint(i+1))
		e.Servers = append(e.Servers, &Server{
			Server: servertest.Of(t, servertest.Process{
				Name: fmt.Sprintf("z%d", i+1), Argv: command(96, "org.apache.zookeeper.server.quorum.QuorumPeerMain", file), Log: filepath.Join(dir, "log"),
			}),
			Address: fmt.Sprintf("127.0.0.1:%d", ports[3*i]), t: t,
		})
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
