//go:build servers

package nginx

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

const (
	patience = time.Minute
	program  = "/usr/sbin/nginx"
)

// The cells of the table in docs/collectors/nginx.md, on a real nginx.
func TestTruth(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
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
	cmd := exec.Command(program, "-c", conf, "-p", dir) //nolint:noctx // it runs until the test ends it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is of no interest
		close(done)
	}()
	kill := func() {
		_ = cmd.Process.Kill() // it may have ended
		<-done
	}
	t.Cleanup(kill)

	driver := func(path string) *Driver {
		d, err := New(cluster.Cluster{Name: "web", Kind: cluster.KindNginx, Members: []cluster.Member{{Name: "n1", Endpoint: "http://" + address + path}}}, Options{Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
	until := func(d *Driver, reason string) cluster.MemberView {
		t.Helper()
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			m := d.View(context.Background()).Members[0]
			if m.Error == reason && m.Reachable == (reason == "") {
				return m
			}
			if time.Now().After(deadline) {
				t.Fatalf("waited %s in vain for %q: %+v", patience, reason, m)
			}
		}
	}
	d := driver("/stub_status")
	first, ok := until(d, "").Detail.(*Status)
	if !ok || first.Active < 1 || first.Requests < 1 || first.Writing != 1 {
		t.Errorf("%+v", first)
	}
	if next := until(d, "").Detail.(*Status); next.Requests <= first.Requests || next.Accepted != first.Accepted {
		t.Errorf("the connection is not kept, or nothing is counted: %+v, then %+v", first, next)
	}
	until(driver("/other"), cluster.BadProtocol)
	until(driver("/secret"), cluster.BadAuth)
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	until(d, cluster.Timeout)
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	until(d, "")
	kill()
	until(d, cluster.Refused)
}
