//go:build servers

package keepalived

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/netnstest"
)

const (
	patience = time.Minute
	virtual  = "10.99.0.100"
	policy   = "/etc/dbus-1/system.d/org.keepalived.Vrrp1.conf"
)

// router is a host with a message bus and a keepalived of its own.
type router struct {
	*netnstest.Host

	t      *testing.T
	dir    string
	cmd    *exec.Cmd
	down   bool // its interface
	driver *Driver
}

func newRouter(t *testing.T, h *netnstest.Host, priority int) *router {
	t.Helper()
	r := &router{Host: h, t: t, dir: t.TempDir()}
	socket := filepath.Join(r.dir, "bus")
	// The system bus' own rules: nobody may call what no policy allows.
	r.write("bus.conf", fmt.Sprintf(`<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><deny own="*"/><deny send_type="method_call"/><allow send_type="signal"/>
<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
<allow send_destination="org.freedesktop.DBus"/></policy><include>%s</include></busconfig>`, socket, policy))
	r.write("keepalived.conf", fmt.Sprintf(`global_defs {
  enable_dbus
  vrrp_version 3
}
vrrp_instance VI_1 {
  state BACKUP
  interface e0
  virtual_router_id 51
  priority %d
  advert_int 0.2
  virtual_ipaddress {
    %s/24
  }
}
`, priority, virtual))
	bus, _ := r.run("dbus-daemon", "--config-file="+filepath.Join(r.dir, "bus.conf"), "--nofork", "--nopidfile")
	t.Cleanup(bus)
	var err error
	r.driver, err = New(cluster.Cluster{Name: "edge", Kind: cluster.KindKeepalived, Members: []cluster.Member{{Name: h.Address, Endpoint: "unix://" + socket}}}, Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.driver.Close() })
	return r
}

func (r *router) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// run starts a program on the host; end kills it and waits.
func (r *router) run(argv ...string) (end func(), cmd *exec.Cmd) {
	r.t.Helper()
	argv = r.Argv(argv...)
	cmd = exec.Command(argv[0], argv[1:]...) //nolint:noctx // it runs until the test ends it
	cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS=unix:path="+filepath.Join(r.dir, "bus"))
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is of no interest
		close(done)
	}()
	return func() {
		_ = cmd.Process.Kill() // it may have ended
		<-done
	}, cmd
}

// start starts keepalived.
func (r *router) start() (kill func()) {
	r.t.Helper()
	kill, r.cmd = r.run("keepalived", "-n", "-l", "--vrrp", "-f", filepath.Join(r.dir, "keepalived.conf"), "-p", filepath.Join(r.dir, "pid"), "-r", filepath.Join(r.dir, "vrrp"))
	r.t.Cleanup(kill)
	return kill
}

// vrrp is the process that speaks VRRP: keepalived's child.
func (r *router) vrrp() int {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "vrrp"))
	if err != nil {
		r.t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(text), &pid); err != nil {
		r.t.Fatal(err)
	}
	return pid
}

func (r *router) signal(pid int, s syscall.Signal) {
	r.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		r.t.Fatal(err)
	}
}

// says is what the router tells, as "state held".
func (r *router) says() string {
	r.t.Helper()
	var held []bool
	var err error
	r.Do(func() { held, err = Held([]string{virtual, r.Address, "10.99.0.101"}) })
	if err != nil {
		r.t.Fatal(err)
	}
	if held[1] == r.down || held[2] {
		r.t.Fatalf("down: %v; own and strange address: %v", r.down, held)
	}
	m := r.driver.View(context.Background()).Members[0]
	said := m.Error
	if d, ok := m.Detail.(*Member); ok {
		var states []string
		for _, in := range d.Instances {
			states = append(states, in.Name+"="+string(in.State))
		}
		said = strings.Join(states, " ")
	}
	return fmt.Sprintf("%s %v", said, held[0])
}

func until(t *testing.T, a, b *router, want ...string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		got := []string{a.says(), b.says()}
		if got[0] == want[0] && got[1] == want[1] {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for %q: %q", patience, want, got)
		}
	}
}

// The cells of the table in docs/collectors/keepalived.md, on two real routers.
func TestTruth(t *testing.T) {
	hosts := netnstest.Start(t, 2)
	a, b := newRouter(t, hosts[0], 150), newRouter(t, hosts[1], 100)
	until(t, a, b, "refused false", "refused false") // a bus without keepalived on it
	killA := a.start()
	b.start()
	until(t, a, b, "VI_1=master true", "VI_1=backup false")

	t.Log("the master is cut off: both hold the address")
	a.Cut()
	until(t, a, b, "VI_1=master true", "VI_1=master true")
	a.Join()
	until(t, a, b, "VI_1=master true", "VI_1=backup false")

	t.Log("the master's interface goes down")
	a.link("down")
	until(t, a, b, "VI_1=fault false", "VI_1=master true")
	a.link("up")
	until(t, a, b, "VI_1=master true", "VI_1=backup false")

	t.Log("the master is frozen: it says nothing, and holds the address all the same")
	pid := a.vrrp()
	a.signal(pid, syscall.SIGSTOP)
	until(t, a, b, "timeout true", "VI_1=master true")
	a.signal(pid, syscall.SIGCONT)
	until(t, a, b, "VI_1=master true", "VI_1=backup false")

	t.Log("the master is killed and leaves the address behind")
	a.signal(a.cmd.Process.Pid, syscall.SIGSTOP) // or it would start its child again
	a.signal(pid, syscall.SIGKILL)
	until(t, a, b, "refused true", "VI_1=master true")
	killA()
}

func (r *router) link(state string) {
	r.t.Helper()
	r.down = state == "down"
	argv := r.Argv("ip", "link", "set", "e0", state)
	if out, err := exec.CommandContext(r.t.Context(), argv[0], argv[1:]...).CombinedOutput(); err != nil {
		r.t.Fatalf("%v: %s", err, out)
	}
}
