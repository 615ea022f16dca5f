//go:build servers

package pacemaker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/netnstest"
)

const patience = 90 * time.Second

// What a new cluster begins with: elections do not wait 20 s, and there is nobody who
// could fence.
const cib = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
<configuration><crm_config><cluster_property_set id="o">
<nvpair id="o-d" name="dc-deadtime" value="2s"/><nvpair id="o-s" name="stonith-enabled" value="false"/>
</cluster_property_set></crm_config><nodes/><resources>
<primitive id="web" class="ocf" provider="pacemaker" type="Dummy"><operations><op id="web-m" name="monitor" interval="10s"/></operations></primitive>
</resources><constraints><rsc_location id="web-n1" rsc="web" node="n1" score="100"/></constraints></configuration><status/></cib>
`

// boot makes a root of its own for one node, and runs both daemons in it. Everything
// ends with it: it is the first process of its process namespace.
const boot = `set -eu
dir=$1 name=$2
mount --make-rprivate /
mount -t proc proc /proc
hostname "$name"
for at in /run /dev/shm /var/lib/corosync /var/log /var/lib/pacemaker; do mount -t tmpfs tmpfs "$at"; done
mkdir -p /run/lock /run/crm /var/log/pacemaker /var/log/cluster
for at in blackbox cib cores pengine; do mkdir -p "/var/lib/pacemaker/$at"; done
cp "$dir/cib.xml" /var/lib/pacemaker/cib/cib.xml
chmod 600 /var/lib/pacemaker/cib/cib.xml
chown -R hacluster:haclient /run/crm /var/log/pacemaker /var/lib/pacemaker
mount --bind "$dir/corosync.conf" /etc/corosync/corosync.conf
corosync -f &
until corosync-cfgtool -s; do sleep 0.2; done
pacemakerd -f &
wait
`

// node is a node of a cluster of two.
type node struct {
	*netnstest.Host

	t      *testing.T
	name   string
	init   int // the first process of its namespaces
	status string
	driver *Driver
}

func start(t *testing.T) (n1, n2 *node) {
	t.Helper()
	dir := t.TempDir()
	hosts := netnstest.Start(t, 2)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("cib.xml", cib)
	write("boot.sh", boot)
	write("corosync.conf", fmt.Sprintf(`totem {
  version: 2
  cluster_name: fettle
  transport: udpu
  crypto_cipher: none
  crypto_hash: none
  token: 1000
}
nodelist {
  node {
    ring0_addr: %s
    name: n1
    nodeid: 1
  }
  node {
    ring0_addr: %s
    name: n2
    nodeid: 2
  }
}
quorum {
  provider: corosync_votequorum
  expected_votes: 2
  two_node: 1
  wait_for_all: 0
}
logging {
  to_stderr: yes
  to_syslog: no
}
system {
  move_to_root_cgroup: no
}
`, hosts[0].Address, hosts[1].Address))
	var nodes []*node
	for i, h := range hosts {
		nodes = append(nodes, newNode(t, h, fmt.Sprintf("n%d", i+1), dir))
	}
	return nodes[0], nodes[1]
}

func newNode(t *testing.T, h *netnstest.Host, name, dir string) *node {
	t.Helper()
	n := &node{Host: h, t: t, name: name, status: filepath.Join(t.TempDir(), "status.xml")}
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	argv := h.Argv("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "sh", filepath.Join(dir, "boot.sh"), dir, name)
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // it runs until the test ends it
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // --kill-child ends the namespace with it
		_ = cmd.Wait()         // how it ended is of no interest
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s: %s", name, text)
		}
		_ = log.Close()
	})
	n.init = child(t, cmd.Process.Pid)
	n.driver, err = New(cluster.Cluster{
		Name: "ha", Kind: cluster.KindPacemaker, Pacemaker: cluster.Pacemaker{MaxAge: 5 * time.Second},
		Members: []cluster.Member{{Name: name, Endpoint: "file://" + n.status}},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// child is the one child of a process, once it is there.
func child(t *testing.T, pid int) int {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		if first := strings.Fields(string(text)); err == nil && len(first) > 0 {
			c, err := strconv.Atoi(first[0])
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d has no child", pid)
		}
	}
}

// run runs a command on the node.
func (n *node) run(ctx context.Context, argv ...string) (string, error) {
	argv = append([]string{"nsenter", "--target", strconv.Itoa(n.init), "--mount", "--uts", "--net", "--pid"}, argv...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (n *node) must(argv ...string) {
	n.t.Helper()
	if out, err := n.run(n.t.Context(), argv...); err != nil {
		n.t.Fatalf("%s: %s: %v: %s", n.name, strings.Join(argv, " "), err, out)
	}
}

// write does what the timer of docs/collectors/pacemaker.md does, with its rights and
// its patience.
func (n *node) write() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 2*time.Second)
	defer cancel()
	argv := []string{"nsenter", "--target", strconv.Itoa(n.init), "--mount", "--uts", "--net", "--pid", "setpriv", "--reuid=hacluster", "--regid=nogroup", "--groups=haclient", "crm_mon", "--one-shot", "--output-as=xml"}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout = &out
	_ = cmd.Run() // what it says of a failure is in the file
	if ctx.Err() != nil {
		return // then the unit fails, and the old file stays
	}
	if err := os.WriteFile(n.status+".new", out.Bytes(), 0o600); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Rename(n.status+".new", n.status); err != nil {
		n.t.Fatal(err)
	}
}

// says is what the node tells, in a line.
func (n *node) says() string {
	n.t.Helper()
	n.write()
	m := n.driver.View(context.Background()).Members[0]
	d, ok := m.Detail.(*Member)
	if !m.Reachable || !ok || d.Status == nil {
		return m.Error
	}
	s := d.Status
	text := fmt.Sprintf("controller=%v quorum=%v", s.Controller != "", s.Quorum)
	for _, node := range s.Nodes {
		state := "offline"
		switch {
		case node.Unclean:
			state = "unclean"
		case node.Standby:
			state = "standby"
		case node.Online:
			state = "online"
		}
		text += " " + node.Name + "=" + state
	}
	for _, r := range s.Resources {
		text += fmt.Sprintf(" %s=%s managed=%v", r.ID, strings.Join(r.On, ","), r.Managed)
	}
	return text
}

func until(t *testing.T, n1, n2 *node, want ...string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		got := []string{n1.says(), n2.says()}
		if got[0] == want[0] && got[1] == want[1] {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for\n%s\n%s\ngot\n%s\n%s", patience, want[0], want[1], got[0], got[1])
		}
	}
}

// The cells of the table in docs/collectors/pacemaker.md, on a real cluster of two
// nodes without fencing.
func TestTruth(t *testing.T) {
	t.Parallel()
	n1, n2 := start(t)
	const healthy = "controller=true quorum=true n1=online n2=online web=n1 managed=true"
	until(t, n1, n2, healthy, healthy)

	t.Log("maintenance mode")
	n1.must("crm_attribute", "--name", "maintenance-mode", "--update", "true")
	until(t, n1, n2, strings.Replace(healthy, "managed=true", "managed=false", 1), strings.Replace(healthy, "managed=true", "managed=false", 1))
	n1.must("crm_attribute", "--name", "maintenance-mode", "--delete")

	t.Log("a node in standby")
	n2.must("crm_standby", "--node", "n1", "--update", "on")
	const standby = "controller=true quorum=true n1=standby n2=online web=n2 managed=true"
	until(t, n1, n2, standby, standby)
	n2.must("crm_standby", "--node", "n1", "--delete")
	until(t, n1, n2, healthy, healthy)

	t.Log("the nodes are cut off from one another: both say that they have a quorum")
	n2.Cut()
	until(t, n1, n2, "controller=true quorum=true n1=online n2=offline web=n1 managed=true", "controller=true quorum=true n1=offline n2=online web=n2 managed=true")
	n2.Join()
	until(t, n1, n2, healthy, healthy)

	t.Log("Pacemaker hangs on a node")
	based := n1.process("pacemaker-based")
	n1.signal(based, syscall.SIGSTOP)
	for deadline := time.Now().Add(patience); n1.says() != cluster.Timeout; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a frozen Pacemaker says %s", n1.says())
		}
	}
	n1.signal(based, syscall.SIGCONT)

	t.Log("Pacemaker is killed on a node")
	// The first would start the others again; without one of these the other may end by itself.
	for _, name := range []string{"pacemaker-based", "pacemaker-controld", "pacemakerd"} {
		n1.process(name) // it has started again what was frozen for long
	}
	for _, name := range []string{"pacemakerd", "pacemaker-based", "pacemaker-controld"} {
		if pid := n1.find(name); pid != 0 {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Fatal(err)
			}
		}
	}
	for deadline := time.Now().Add(patience); n1.says() != cluster.Refused; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a killed Pacemaker says %s", n1.says())
		}
	}
}

// process is find, once it is there.
func (n *node) process(name string) int {
	n.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if pid := n.find(name); pid != 0 {
			return pid
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("no process %s on %s", name, n.name)
		}
	}
}

// find is the process of this name in the node's namespace, as this one numbers it; 0:
// there is none.
func (n *node) find(name string) int {
	n.t.Helper()
	want, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", n.init))
	if err != nil {
		n.t.Fatal(err)
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		n.t.Fatal(err)
	}
	for _, dir := range all {
		cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil {
			continue // it has ended
		}
		program, _, _ := strings.Cut(string(cmdline), "\x00")
		if ns, err := os.Readlink(filepath.Join(dir, "ns/mnt")); err == nil && ns == want && filepath.Base(program) == name {
			pid, err := strconv.Atoi(filepath.Base(dir))
			if err != nil {
				n.t.Fatal(err)
			}
			return pid
		}
	}
	return 0
}

func (n *node) signal(pid int, s syscall.Signal) {
	n.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		n.t.Fatal(err)
	}
}
