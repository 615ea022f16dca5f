//go:build servers && linux

package looptest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/etcdproc"
	"github.com/fettle-io/fettle/internal/systemdtest"
	"github.com/fettle-io/fettle/repair"
)

// machine is a booted systemd with etcd members, a plain service and fettle as units.
type machine struct {
	*server
	host *systemdtest.Host
}

// boot boots it, and waits until fettle has seen each member in order.
func boot(t *testing.T) *machine {
	t.Helper()
	const home = "/var/lib/loop"
	specs, err := etcdproc.Plan(home+"/etcd", []string{"m1", "m2", "m3"}, etcdproc.Options{})
	must(t, err)
	unit := func(command, more string) string {
		return "[Service]\nExecStart=" + command + "\n" + more + "\n[Install]\nWantedBy=default.target\n"
	}
	units := map[string]string{
		"web.service":    unit("/bin/sleep infinity", ""),
		"fettle.service": unit(systemdtest.Programs+"/fettle serve --config.file="+home+"/fettle.yml", "StandardOutput=append:"+home+"/fettle.log\nStandardError=append:"+home+"/fettle.log"),
	}
	for _, s := range specs {
		units["etcd-"+s.Name+".service"] = unit(systemdtest.Programs+"/etcd "+strings.Join(s.Args, " "), "Type=notify\nTimeoutStartSec=infinity")
	}
	host := systemdtest.Start(t, units, map[string]string{"etcd": programOf(t, "etcd"), "fettle": fettle})
	root := fmt.Sprintf("/proc/%d/root", host.PID)
	must(t, os.MkdirAll(filepath.Join(root, home, "etcd"), 0o700))

	inventory := etcdproc.Inventory("demo", specs, cluster.TLS{})
	for i, m := range inventory.Members {
		inventory.Members[i].Unit = "etcd-" + m.Name + ".service"
	}
	s := &server{
		t: t, home: root + home, socket: root + home + "/s", root: root, program: systemdtest.Programs + "/fettle",
		wrap: []string{"nsenter", "--target", fmt.Sprint(host.PID), "--all", "--root", "--wd", "--"},
		dial: dialIn(fmt.Sprintf("/proc/%d/ns/net", host.PID)),
	}
	s.furnish(options{settings: "cooldown: 0, attempts: 0", clusters: []cluster.Cluster{
		inventory,
		{Name: "web", Kind: cluster.KindService, Members: []cluster.Member{{Name: "w1", Host: "localhost", Unit: "web.service"}}},
	}})
	m := &machine{server: s, host: host}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the journal:\n%s\nfettle:\n%s", s.story(), last(s.said(), 6000))
		}
	})
	m.systemctl("start", "--no-block", "etcd-m1", "etcd-m2", "etcd-m3", "web")
	m.systemctl("enable", "etcd-m1", "etcd-m2", "etcd-m3", "web", "fettle")
	for _, name := range []string{"etcd-m1", "etcd-m2", "etcd-m3"} {
		m.active(name)
	}
	m.systemctl("start", "fettle")
	s.ready()
	return m
}

func (m *machine) systemctl(args ...string) string {
	m.t.Helper()
	out, err := m.host.Systemctl(args...)
	must(m.t, err)
	return out
}

// active waits until a unit is active, and returns its invocation.
func (m *machine) active(name string) string {
	m.t.Helper()
	until(m.t, name+" is active", func() error {
		_, err := m.host.Systemctl("is-active", name)
		return err
	})
	return m.invocation(name)
}

func (m *machine) invocation(name string) string {
	m.t.Helper()
	return m.systemctl("show", "--property=InvocationID", "--value", name)
}

// intents is how many mutations fettle has written down on a target so far.
func (m *machine) intents(target string) int {
	n := 0
	for _, in := range of[repair.IntentData](m.t, m.story(), repair.TypeIntent) {
		if in.TargetName == target {
			n++
		}
	}
	return n
}

// closes ends the alert and waits until its episode is closed.
func (m *machine) closes(a notice) repair.ClosedData {
	m.t.Helper()
	closed := func(st story) []repair.ClosedData {
		var list []repair.ClosedData
		for _, c := range of[repair.ClosedData](m.t, st, repair.TypeClosed) {
			if string(c.Fingerprint) == a.Fingerprint {
				list = append(list, c)
			}
		}
		return list
	}
	before := len(closed(m.story()))
	m.send(a.over())
	list := closed(m.await("the episode is closed", func(st story) bool { return len(closed(st)) > before }))
	return list[len(list)-1]
}

// What fettle does, and leaves alone, on a host with a real systemd: members and a
// service are its units, reached over D-Bus.
func TestUnderSystemd(t *testing.T) {
	needRoot(t)
	m := boot(t)

	// A member killed by something is started again.
	before := m.invocation("etcd-m2")
	m.systemctl("kill", "--signal=KILL", "etcd-m2")
	m.send(down("m2"))
	m.repaired("m2")
	if m.active("etcd-m2") == before || m.intents("demo/m2") != 1 {
		t.Errorf("m2: invocation %s before and %s after, %d intents", before, m.invocation("etcd-m2"), m.intents("demo/m2"))
	}
	if c := m.closes(down("m2")); c.Reason != "in_order" || !c.Mutated {
		t.Errorf("closed %+v", c)
	}

	// One that systemd is about to start itself is left to it.
	must(t, os.Mkdir(m.root+"/etc/systemd/system/etcd-m3.service.d", 0o755))
	must(t, os.WriteFile(m.root+"/etc/systemd/system/etcd-m3.service.d/restart.conf", []byte("[Service]\nRestart=always\nRestartSec=8s\n"), 0o644))
	m.systemctl("daemon-reload")
	before = m.invocation("etcd-m3")
	m.systemctl("kill", "--signal=KILL", "etcd-m3")
	m.send(down("m3"))
	m.refused("m3", repair.ReasonAutoRestart, repair.ReasonAutoRestart)
	until(t, "systemd has started it", func() error {
		if now := m.active("etcd-m3"); now == before {
			return errNotYet
		}
		return nil
	})
	if c := m.closes(down("m3")); c.Reason != "recovered_by_itself" || c.Mutated {
		t.Errorf("closed %+v", c)
	}
	if n := m.intents("demo/m3"); n != 0 {
		t.Errorf("%d intents on a member that systemd restarts", n)
	}

	// One that a person stopped stays stopped, and one that is masked.
	m.systemctl("stop", "etcd-m2")
	m.send(down("m2"))
	m.refused("m2", "on-purpose", "stopped")
	m.systemctl("start", "etcd-m2")
	if c := m.closes(down("m2")); c.Reason != "recovered_by_itself" {
		t.Errorf("closed %+v", c)
	}
	_, err := m.host.Run("mv", "/etc/systemd/system/etcd-m1.service", "/usr/lib/systemd/system/") // what lies in /etc cannot be masked
	must(t, err)
	m.systemctl("daemon-reload")
	m.systemctl("mask", "--now", "etcd-m1")
	m.send(down("m1"))
	m.refused("m1", "on-purpose", "masked")
	m.systemctl("unmask", "etcd-m1")
	m.systemctl("start", "etcd-m1")
	if c := m.closes(down("m1")); c.Reason != "recovered_by_itself" {
		t.Errorf("closed %+v", c)
	}
	if n := m.intents("demo/m1") + m.intents("demo/m2"); n != 1 {
		t.Errorf("%d intents on m1 and m2, want only the first repair's", n)
	}

	// A plain unit, by the other playbook.
	web := alertOf(map[string]string{"alertname": "FettleServiceDown", "cluster": "web", "member": "w1"})
	m.systemctl("kill", "--signal=KILL", "web")
	m.send(web)
	m.await("web is repaired", func(st story) bool {
		for _, f := range m.finished(st) {
			if f.Target == "web/w1" && f.Outcome == repair.Repaired && f.Playbook == "service-restart" {
				return true
			}
		}
		return false
	})
	m.active("web")
	if n := m.intents("web/w1"); n != 1 {
		t.Errorf("%d intents on the service", n)
	}
	m.verify()
}
