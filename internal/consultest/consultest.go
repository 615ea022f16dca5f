// Package consultest runs real Consul servers for tests: each on an address of its own
// in 127.0.0.0/8 with Consul's default ports, so that three of them make a data centre
// on one machine.
//
// Start makes one, StartApart one on hosts of their own; a Server can be killed, frozen,
// wiped and started again.
package consultest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/internal/programs"
	"github.com/fettle-io/fettle/internal/servertest"
)

// Centre is a running data centre.
type Centre struct{ Servers []*Server }

// Server is one Consul server. Its Name is that of its node: s1, s2 …
type Server struct {
	*servertest.Server
	Address string // 127.x.y.z
	URL     string // of its HTTP API

	t    testing.TB
	data string
}

// Start starts n servers, waits until each knows of a leader, and ends them with the
// test. conf is further configuration in HCL.
func Start(t testing.TB, n int, conf string) *Centre {
	t.Helper()
	subnet := freeSubnet(t, n)
	var addresses []string
	for i := range n {
		addresses = append(addresses, fmt.Sprintf("%s.%d", subnet, i+1))
	}
	program := find(t)
	c := &Centre{}
	for i, a := range addresses {
		s := plan(t, program, i, addresses, a, conf)
		s.URL = "http://" + net.JoinHostPort(a, "8500")
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

// StartApart is Start with a server on each of the hosts, whose addresses these are. The
// HTTP API is asked past their network.
func StartApart[H Host](t testing.TB, hosts []H, addresses []string) *Centre {
	t.Helper()
	program := find(t)
	c := &Centre{}
	for i, h := range hosts {
		s := plan(t, program, i, addresses, "127.0.0.1", "")
		s.Argv = h.Argv(s.Argv...)
		s.URL = "http://" + h.Reach("127.0.0.1:8500")
		c.Servers = append(c.Servers, s)
	}
	c.start()
	return c
}

func find(t testing.TB) (program string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute) // it may have to be built
	defer cancel()
	p, err := programs.Find(ctx, "consul", programs.Options{Source: programs.Pinned, Progress: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	return p.Path
}

func (c *Centre) start() {
	for _, s := range c.Servers {
		s.Start()
	}
	for _, s := range c.Servers {
		s.Await("it knows a leader", func() bool {
			body, ok := s.get("/v1/status/leader")
			return ok && len(strings.Trim(body, "\"\n")) > 0
		})
	}
}

// plan is server i of those at addresses, which takes HTTP at client.
func plan(t testing.TB, program string, i int, addresses []string, client, conf string) *Server {
	t.Helper()
	dir, name, address := t.TempDir(), fmt.Sprintf("s%d", i+1), addresses[i]
	data := filepath.Join(dir, "data")
	file := filepath.Join(dir, "more.hcl")
	// Else its leader takes away the vote of a server that was gone for some seconds.
	text := `disable_update_check = true
autopilot { cleanup_dead_servers = false }
performance { raft_multiplier = 1 }
ports { dns = -1, grpc = -1, serf_wan = -1 }
` + conf
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	argv := []string{
		program, "agent", "-server", fmt.Sprintf("-bootstrap-expect=%d", len(addresses)), "-node=" + name, "-bind=" + address, "-client=" + client,
		"-data-dir=" + data, "-config-file=" + file, "-log-level=warn", "-retry-interval=1s",
	}
	for _, a := range addresses {
		argv = append(argv, "-retry-join", a)
	}
	return &Server{
		Server:  servertest.Of(t, servertest.Process{Name: name, Argv: argv, Log: filepath.Join(dir, "log")}),
		Address: address, t: t, data: data,
	}
}

// Wipe takes away all that a server has on disk that does not run, also the ID of its
// node: started again, it is another server of the same name.
func (s *Server) Wipe() {
	s.t.Helper()
	if err := os.RemoveAll(s.data); err != nil {
		s.t.Fatal(err)
	}
}

// freeSubnet is the beginning of n addresses on which nobody listens.
func freeSubnet(t testing.TB, n int) string {
	t.Helper()
	for range 100 {
		subnet := fmt.Sprintf("127.%d.%d", 20+rand.IntN(200), rand.IntN(256))
		free := true
		for i := range n {
			for _, port := range []string{"8300", "8301", "8500"} {
				l, err := net.Listen("tcp", net.JoinHostPort(fmt.Sprintf("%s.%d", subnet, i+1), port))
				if err != nil {
					free = false
					continue
				}
				_ = l.Close()
			}
		}
		if free {
			return subnet
		}
	}
	t.Fatal("no free addresses in 127.0.0.0/8")
	return ""
}

func (s *Server) get(path string) (string, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		return "", false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", false
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	b := make([]byte, 4096)
	n, _ := resp.Body.Read(b) // a short answer; none is no leader
	return string(b[:n]), resp.StatusCode == http.StatusOK
}

// Token makes an ACL token with these rules and returns its secret; management is one
// that may.
func (s *Server) Token(management, rules string) string {
	s.t.Helper()
	var made struct{ SecretID string }
	s.Await("it makes a policy", func() bool {
		return s.put(management, "/v1/acl/policy", map[string]string{"Name": "fettle", "Rules": rules}, nil)
	})
	s.Await("it makes a token", func() bool {
		return s.put(management, "/v1/acl/token", map[string]any{"Policies": []map[string]string{{"Name": "fettle"}}}, &made)
	})
	return made.SecretID
}

func (s *Server) put(token, path string, body, into any) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.URL+path, bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("X-Consul-Token", token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	if resp.StatusCode != http.StatusOK {
		return false
	}
	return into == nil || json.NewDecoder(resp.Body).Decode(into) == nil
}
