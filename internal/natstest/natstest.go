// Package natstest runs real NATS servers with JetStream for tests: a cluster on the
// loopback (Start), or on hosts of their own (StartApart), whose servers can be killed,
// frozen, wiped and started again.
package natstest

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/port"
	"github.com/fettle-io/fettle/internal/servertest"
)

// program is Debian's, which is not in everybody's PATH.
const program = "/usr/sbin/nats-server"

// Cluster is a running cluster.
type Cluster struct{ Servers []*Server }

// Server is one nats-server. Its Name is n1, n2 …
type Server struct {
	*servertest.Server
	URL string // of its monitoring port

	t      testing.TB
	client string // host:port
	data   string
}

// Start starts n servers, waits until each names a meta leader, and ends them with the
// test.
func Start(t testing.TB, n int) *Cluster {
	t.Helper()
	ports, err := port.Free(3 * n)
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{}
	var routes []string
	for i := range n {
		routes = append(routes, fmt.Sprintf("127.0.0.1:%d", ports[3*i+2]))
	}
	for i := range n {
		client, monitor := fmt.Sprintf("127.0.0.1:%d", ports[3*i]), fmt.Sprintf("127.0.0.1:%d", ports[3*i+1])
		s := plan(t, i, client, monitor, routes)
		s.client, s.URL = client, "http://"+monitor
		c.Servers = append(c.Servers, s)
	}
	c.start()
	return c
}

// Host is where a server of StartApart runs; its methods are those of netnstest.Host.
type Host interface {
	Argv(argv ...string) []string
	Reach(address string) string
}

// StartApart is Start with a server on each of the hosts, whose addresses these are.
// Clients, and who looks, come past their network.
func StartApart[H Host](t testing.TB, hosts []H, addresses []string) *Cluster {
	t.Helper()
	var routes []string
	for _, a := range addresses {
		routes = append(routes, a+":6222")
	}
	c := &Cluster{}
	for i, h := range hosts {
		s := plan(t, i, "127.0.0.1:4222", "127.0.0.1:8222", routes)
		s.Argv = h.Argv(s.Argv...)
		s.client, s.URL = h.Reach("127.0.0.1:4222"), "http://"+h.Reach("127.0.0.1:8222")
		c.Servers = append(c.Servers, s)
	}
	c.start()
	return c
}

// plan is server i of those that have these routes.
func plan(t testing.TB, i int, client, monitor string, routes []string) *Server {
	t.Helper()
	dir, name := t.TempDir(), fmt.Sprintf("n%d", i+1)
	conf, data := filepath.Join(dir, "nats.conf"), filepath.Join(dir, "data")
	text := fmt.Sprintf("server_name: %s\nlisten: %s\nhttp: %q\njetstream { store_dir: %q, max_mem: 64M, max_file: 256M }\ncluster { name: c, listen: %q, routes: [%s] }\n",
		name, client, monitor, data, routes[i], "nats://"+strings.Join(routes, ", nats://"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Server{
		Server: servertest.Of(t, servertest.Process{Name: name, Argv: []string{program, "-c", conf}, Log: filepath.Join(dir, "log")}),
		t:      t, data: data,
	}
}

// Wipe takes away all that a server has on disk that does not run.
func (s *Server) Wipe() {
	s.t.Helper()
	if err := os.RemoveAll(s.data); err != nil {
		s.t.Fatal(err)
	}
}

func (c *Cluster) start() {
	for _, s := range c.Servers {
		s.Start()
	}
	for _, s := range c.Servers {
		s.Await("it names a meta leader", func() bool {
			var v struct {
				JetStream struct{ Meta struct{ Leader string } }
			}
			return s.get("/varz", &v) && v.JetStream.Meta.Leader != ""
		})
	}
}

// Stream makes a stream of this name with so many replicas, which takes what is
// published to NAME.in.
func (s *Server) Stream(name string, replicas int) {
	s.t.Helper()
	body := fmt.Sprintf(`{"name": %q, "subjects": [%q], "num_replicas": %d, "storage": "file", "retention": "limits", "discard": "old", "max_msgs": -1, "max_bytes": -1, "max_age": 0}`,
		name, name+".in", replicas)
	s.Await("it makes a stream", func() bool {
		answer, ok := s.request("$JS.API.STREAM.CREATE."+name, body)
		return ok && !strings.Contains(answer, `"error"`)
	})
}

// Publish publishes n messages to the stream, each acknowledged. They have IDs: one whose
// acknowledgement is late is published again, and the stream takes it once.
func (s *Server) Publish(stream string, n int) {
	s.t.Helper()
	for range n {
		id := rand.Text()
		s.Await("a message is taken", func() bool {
			answer, ok := s.request(stream+".in", "hello", "Nats-Msg-Id: "+id)
			return ok && strings.Contains(answer, `"seq"`) && !strings.Contains(answer, `"error"`)
		})
	}
}

// request asks over a connection of its own, by NATS' text protocol.
func (s *Server) request(subject, body string, headers ...string) (string, bool) {
	conn, err := net.DialTimeout("tcp", s.client, 2*time.Second)
	if err != nil {
		return "", false
	}
	defer func() { _ = conn.Close() }() // an answer came, or did not
	if conn.SetDeadline(time.Now().Add(3*time.Second)) != nil {
		return "", false
	}
	in := bufio.NewReader(conn)
	head := "NATS/1.0\r\n" + strings.Join(append(headers, "", ""), "\r\n")
	fmt.Fprintf(conn, "CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB inbox 1\r\nHPUB %s inbox %d %d\r\n%s%s\r\n", subject, len(head), len(head)+len(body), head, body)
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
