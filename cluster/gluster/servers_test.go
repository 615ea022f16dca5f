//go:build servers

package gluster

import (
	"bufio"
	"context"
	"fmt"
	"io"
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

const (
	patience = 90 * time.Second
	// asked, in the environment, makes this program look, a line for each line that
	// comes in: on one of the hosts, whose network and files it sees.
	asked = "FETTLE_GLUSTER_BRICK"
)

func TestMain(m *testing.M) {
	if brick := os.Getenv(asked); brick != "" {
		if err := answer(brick); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func pool(brick string) cluster.Cluster {
	return cluster.Cluster{
		Name: "files", Kind: cluster.KindGluster,
		Members: []cluster.Member{{Name: "s1", Endpoint: "gluster://10.99.0.1:24007"}, {Name: "s2", Endpoint: "gluster://10.99.0.2:24007"}},
		Gluster: cluster.Gluster{HealReports: reports, Bricks: []cluster.GlusterBrick{{Volume: "v", Member: "s1", Path: brick}, {Volume: "v", Member: "s2", Path: brick}}},
	}
}

func answer(brick string) error {
	d, err := New(pool(brick), Options{})
	if err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		v := d.View(context.Background())
		text := fmt.Sprintf("margin=%d", v.Margin())
		for _, m := range v.Members {
			text += " " + m.Name + "=" + m.Error
			for _, b := range m.Detail.(*Member).Bricks {
				text += fmt.Sprintf(" up=%v", b.Up)
				if b.Registered != nil {
					text += fmt.Sprintf(" registered=%v", *b.Registered)
				}
				if b.Pending != nil {
					text += fmt.Sprintf(" pending=%d", *b.Pending)
				}
			}
		}
		if s := v.Detail.(*Summary); s.Reports[0].Up {
			if text += fmt.Sprintf(" unasked=%d", s.Reports[0].Unasked); s.Reports[0].Entries != nil {
				text += fmt.Sprintf(" split=%g", *s.Reports[0].Entries)
			}
		}
		fmt.Println(text) //nolint:forbidigo // it is the answer
	}
	return d.Close()
}

// boot makes a root of its own for a server, and runs its management daemon in it.
const boot = `set -eu
mount --make-rprivate /
mount -t proc proc /proc
for at in /var/lib/glusterd /run /var/log /mnt; do mount -t tmpfs tmpfs "$at"; done
mkdir -p /var/log/glusterfs /run/gluster /mnt/brick /mnt/files /mnt/disk
mount -t tmpfs tmpfs /mnt/brick
mkdir /mnt/brick/b
glusterd -N --log-level WARNING &
while :; do sleep 1; done # a first process reaps: glusterd takes a dead brick that nobody reaped for one that runs
`

const brick, reports = "/mnt/brick/b", "/mnt"

// machine is one server of the pool.
type machine struct {
	*netnstest.Host

	t    *testing.T
	init int
}

func newMachine(t *testing.T, h *netnstest.Host, script string) *machine {
	t.Helper()
	argv := h.Argv("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", script)
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // it runs until the test ends it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // --kill-child ends the namespace with it
		_ = cmd.Wait()         // how it ended is of no interest
	})
	m := &machine{Host: h, t: t}
	m.await("a first process", func() bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
		if err == nil && len(strings.Fields(string(text))) > 0 {
			m.init, err = strconv.Atoi(strings.Fields(string(text))[0])
			return err == nil
		}
		return false
	})
	return m
}

func (m *machine) await(what string, there func() bool) {
	m.t.Helper()
	for deadline := time.Now().Add(patience); !there(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

func (m *machine) argv(argv ...string) []string {
	return append([]string{"nsenter", "--target", strconv.Itoa(m.init), "--mount", "--net", "--pid"}, argv...)
}

// run runs a command on the server until it succeeds: after a start the daemons take a
// while to agree.
func (m *machine) run(argv ...string) {
	m.t.Helper()
	argv = m.argv(argv...)
	var out []byte
	m.await(strings.Join(argv, " ")+string(out), func() bool {
		ctx, cancel := context.WithTimeout(m.t.Context(), 30*time.Second)
		defer cancel()
		var err error
		out, err = exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
		return err == nil
	})
}

// signal sends a signal to the one process of this name on the server.
func (m *machine) signal(program string, s syscall.Signal) {
	m.t.Helper()
	want, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", m.init))
	if err != nil {
		m.t.Fatal(err)
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		m.t.Fatal(err)
	}
	for _, dir := range all {
		cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil {
			continue // it has ended
		}
		name, _, _ := strings.Cut(string(cmdline), "\x00")
		if ns, err := os.Readlink(filepath.Join(dir, "ns/mnt")); err == nil && ns == want && filepath.Base(name) == program {
			pid, err := strconv.Atoi(filepath.Base(dir))
			if err != nil {
				m.t.Fatal(err)
			}
			if err := syscall.Kill(pid, s); err != nil {
				m.t.Fatal(err)
			}
			return
		}
	}
	m.t.Fatalf("no process %s on %s", program, m.Address)
}

// viewer is this program, on a server.
type viewer struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

func (m *machine) viewer(as ...string) *viewer {
	m.t.Helper()
	self, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	argv := m.argv(append(as, self)...)
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // it ends with its input
	cmd.Env = append(os.Environ(), asked+"="+brick)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			m.t.Error(err)
		}
	})
	return &viewer{m.t, in, bufio.NewScanner(out)}
}

func (v *viewer) until(want string) {
	v.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if _, err := io.WriteString(v.in, "\n"); err != nil {
			v.t.Fatal(err)
		}
		if !v.out.Scan() {
			v.t.Fatalf("no answer: %v", v.out.Err())
		}
		got := v.out.Text()
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			v.t.Fatalf("waited %s in vain for\n%s\ngot\n%s", patience, want, got)
		}
	}
}

// The cells of the table in docs/collectors/gluster.md, on a real pool of two servers
// with a volume of two copies.
func TestTruth(t *testing.T) {
	t.Parallel()
	hosts := netnstest.Start(t, 2)
	script := filepath.Join(t.TempDir(), "boot.sh")
	if err := os.WriteFile(script, []byte(boot), 0o600); err != nil {
		t.Fatal(err)
	}
	s1, s2 := newMachine(t, hosts[0], script), newMachine(t, hosts[1], script)
	s1.run("gluster", "--mode=script", "peer", "probe", s2.Address)
	s1.run("gluster", "--mode=script", "volume", "create", "v", "replica", "2", s1.Address+":"+brick, s2.Address+":"+brick, "force")
	s1.run("gluster", "volume", "set", "v", "cluster.heal-timeout", "5") // how often what waits is looked through; by default 600
	from := s1.viewer()
	from.until("margin=0 s1= up=false registered=false s2= up=false registered=false") // the volume is not started: there is no index yet

	s1.run("gluster", "--mode=script", "volume", "start", "v")
	const healthy = "margin=0 s1= up=true registered=true pending=0 s2= up=true registered=true"
	from.until(healthy)
	t.Log("without the right to read the brick")
	s1.viewer("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups").until(strings.Replace(healthy, " pending=0", "", 1))

	t.Log("a brick is frozen, killed, and what was written meanwhile waits")
	s2.signal("glusterfsd", syscall.SIGSTOP)
	from.until("margin=0 s1= up=true registered=true pending=0 s2= up=false registered=true")
	s2.signal("glusterfsd", syscall.SIGKILL)
	from.until("margin=0 s1= up=true registered=true pending=0 s2= up=false registered=false")
	s1.run("glusterfs", "--volfile-server="+s1.Address, "--volfile-id=v", "/mnt/files")
	s1.run("sh", "-c", "mountpoint -q /mnt/files && echo a > /mnt/files/a")
	from.until("margin=0 s1= up=true registered=true pending=2 s2= up=false registered=false") // the file, and its directory
	s1.run("gluster", "--mode=script", "volume", "start", "v", "force")
	from.until(healthy)

	t.Log("the copies of a file blame each other")
	splitBrain(s1, s2, from, healthy)

	t.Log("a server is cut off")
	s2.Cut()
	from.until("margin=-1 s1= up=true registered=true pending=0 s2=timeout up=false")
	s2.Join()
	from.until(healthy)

	t.Log("a management daemon is frozen, killed: its brick serves all the same")
	s2.signal("glusterd", syscall.SIGSTOP)
	from.until("margin=-1 s1= up=true registered=true pending=0 s2=timeout up=true")
	s2.signal("glusterd", syscall.SIGKILL)
	from.until("margin=-1 s1= up=true registered=true pending=0 s2=refused up=true")
}

// splitBrain lets each brick of v miss what the other takes, which no healing can mend,
// and then lets a person choose.
func splitBrain(s1, s2 *machine, from *viewer, healthy string) {
	const report = "gluster volume heal v info split-brain --xml > /mnt/v.xml.new && mv -f /mnt/v.xml.new /mnt/v.xml"
	s1.run("sh", "-c", report)
	from.until(healthy + " unasked=0 split=0")
	s1.run("gluster", "volume", "set", "v", "cluster.self-heal-daemon", "off")
	s2.signal("glusterfsd", syscall.SIGKILL)
	s1.run("sh", "-c", "echo one > /mnt/files/a && "+report)
	from.until("margin=0 s1= up=true registered=true pending=1 s2= up=false registered=false unasked=1")
	s1.run("gluster", "--mode=script", "volume", "start", "v", "force")
	from.until(strings.Replace(healthy, "pending=0", "pending=1", 1) + " unasked=1")
	s1.run("umount", "--lazy", "/mnt/files") // a client remembers whose copy is the good one
	s1.signal("glusterfsd", syscall.SIGKILL)
	s1.run("glusterfs", "--volfile-server="+s1.Address, "--volfile-id=v", "/mnt/disk")
	s1.run("sh", "-c", "mountpoint -q /mnt/disk && echo two > /mnt/disk/a")
	s1.run("gluster", "--mode=script", "volume", "start", "v", "force")
	s1.run("sh", "-c", report)
	from.until(strings.Replace(healthy, "pending=0", "pending=1", 1) + " unasked=0 split=1")
	s1.run("gluster", "volume", "heal", "v", "split-brain", "source-brick", s1.Address+":"+brick, "/a")
	s1.run("gluster", "volume", "set", "v", "cluster.self-heal-daemon", "on")
	s1.run("sh", "-c", report)
	from.until(healthy + " unasked=0 split=0")
	s1.run("rm", "/mnt/v.xml")
	from.until(healthy)
}
