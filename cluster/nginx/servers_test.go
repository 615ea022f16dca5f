//go:build servers

package nginx

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/port"
	"github.com/fettle-io/fettle/internal/servertest"
)

const program = "/usr/sbin/nginx"

// The cells of the table in docs/collectors/nginx.md, on a real nginx.
func TestTruth(t *testing.T) {
	ports, err := port.Free(1)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprint("127.0.0.1:", ports[0])
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off;
master_process off;
pid %[1]s/pid;
error_log %[1]s/error.log;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  server {
    listen %[2]s;
    location = /stub_status { stub_status; }
    location = /secret { deny all; }
  }
}
`, dir, address)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := servertest.Of(t, servertest.Process{Name: "nginx", Argv: []string{program, "-c", conf, "-p", dir}, Log: filepath.Join(dir, "log")})
	server.Start()
	relay, err := servertest.NewRelay(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Close)

	within := func(at string, timeout time.Duration) *Driver {
		d, err := New(cluster.Cluster{Name: "web", Kind: cluster.KindNginx, Members: []cluster.Member{{Name: "n1", Endpoint: "http://" + at}}}, Options{Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
	driver := func(at string) *Driver { return within(at, time.Second) }
	until := func(d *Driver, reason string) cluster.MemberView {
		t.Helper()
		told := func(v cluster.View) string { return fmt.Sprint(v.Members[0].Reachable, v.Members[0].Error) }
		return servertest.Until(t, d.View, told, func(cluster.View) string { return fmt.Sprint(reason == "", reason) }).Members[0]
	}
	d := driver(address + "/stub_status")
	patient := within(address+"/stub_status", 20*time.Second) // a look that is given up ends its connection
	first, ok := until(patient, "").Detail.(*Status)
	if !ok || first.Active < 1 || first.Requests < 1 || first.Writing != 1 {
		t.Errorf("%+v", first)
	}
	if next := until(patient, "").Detail.(*Status); next.Requests <= first.Requests || next.Accepted != first.Accepted {
		t.Errorf("the connection is not kept, or nothing is counted: %+v, then %+v", first, next)
	}
	until(d, "")
	until(driver(address+"/other"), cluster.BadProtocol)
	until(driver(address+"/secret"), cluster.BadAuth)
	server.Freeze()
	until(d, cluster.Timeout)
	server.Thaw()
	until(d, "")

	// The way to it is slow, loses everything, is gone.
	far := driver(fmt.Sprintf("127.0.0.1:%d/stub_status", relay.Port))
	until(far, "")
	relay.Trickle(50 * time.Millisecond)
	until(far, cluster.Timeout)
	relay.Pass()
	until(far, "")
	relay.Hold()
	until(far, cluster.Timeout)
	relay.Pass()
	until(far, "")
	relay.Cut()
	until(far, cluster.Other)
	server.Kill()
	until(d, cluster.Refused)
}
