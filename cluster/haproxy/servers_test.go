//go:build servers

package haproxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/servertest"
)

const program = "/usr/sbin/haproxy"

// stand is a real HAProxy before two servers and one that the configuration takes out.
type stand struct {
	*testing.T
	*Driver
	admin   string // a socket that may change things; the driver has another one
	servers []*httptest.Server
	process *servertest.Server
}

func start(t *testing.T) *stand {
	t.Helper()
	dir, err := os.MkdirTemp("", "haproxy") // a socket's path has 108 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &stand{T: t, admin: filepath.Join(dir, "admin.sock")}
	var addresses []any
	for range 2 {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
		t.Cleanup(srv.Close)
		s.servers = append(s.servers, srv)
		addresses = append(addresses, srv.Listener.Addr())
	}
	text := fmt.Sprintf(`global
  stats socket %s mode 600 level admin
  stats socket %s mode 600 level user
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend in
  bind unix@%s mode 600
  default_backend web
backend web
  server w1 %s check inter 100 fall 2 rise 1
  server w2 %s check inter 100 fall 2 rise 1
  server w3 127.0.0.1:1 check inter 100 backup disabled
`, append([]any{s.admin, filepath.Join(dir, "user.sock"), filepath.Join(dir, "in.sock")}, addresses...)...)
	conf := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.process = servertest.Of(t, servertest.Process{Name: "haproxy", Argv: []string{program, "-db", "-f", conf}, Log: filepath.Join(dir, "log")})
	s.process.Start()
	s.Driver, err = New(cluster.Cluster{Name: "lb", Kind: cluster.KindHAProxy, Members: []cluster.Member{{Name: "h1", Endpoint: "unix://" + filepath.Join(dir, "user.sock")}}}, Options{Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// tell has a person do something on the socket that may.
func (s *stand) tell(command string) {
	s.Helper()
	conn, err := net.Dial("unix", s.admin)
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, command)
	if answer, err := io.ReadAll(conn); err != nil || strings.TrimSpace(string(answer)) != "" {
		s.Fatalf("%s: %v %s", command, err, answer)
	}
}

// told is what the collector publishes of the process.
func told(v cluster.View) string {
	d, ok := v.Members[0].Detail.(*Member)
	if !ok {
		return "reason " + v.Members[0].Error
	}
	text := ""
	for _, b := range d.Backends {
		text += fmt.Sprintf("%s up %v", b.Name, b.Up)
		for _, srv := range b.Servers {
			text += fmt.Sprintf(" %s:%s", srv.Name, srv.State)
		}
	}
	return text
}

// until looks until it is told what is wanted.
func (s *stand) until(want string) cluster.View {
	s.Helper()
	return servertest.Until(s.T, s.View, told, func(cluster.View) string { return want })
}

// The cells of the table in docs/collectors/haproxy.md, on a real HAProxy.
func TestTruth(t *testing.T) {
	s := start(t)
	s.until("web up true w1:up w2:up w3:maint")
	s.tell("set server web/w1 state drain")
	s.until("web up true w1:drain w2:up w3:maint")
	s.servers[1].Close()
	s.until("web up false w1:drain w2:down w3:maint")
	s.tell("set server web/w1 state maint")
	s.until("web up false w1:maint w2:down w3:maint")
	s.tell("set server web/w1 state ready")
	s.until("web up true w1:up w2:down w3:maint")
	s.process.Freeze()
	s.until("reason timeout")
	s.process.Thaw()
	if m := s.until("web up true w1:up w2:down w3:maint").Members[0]; m.Version == "" || m.Detail.(*Member).Started < 1.6e9 || m.Detail.(*Member).Limit == 0 {
		t.Errorf("%+v", m)
	}
	s.process.Kill()
	s.until("reason refused")
}
