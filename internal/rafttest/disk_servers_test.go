//go:build servers && linux

package rafttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/etcdproc"
)

// disk is a file system of its own, which can be made to hang.
type disk struct {
	t      testing.TB
	path   string
	frozen bool
}

// newDisk makes one, of a file. It needs root.
func newDisk(t testing.TB) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("a disk that hangs needs root: run `make test-servers` as root")
	}
	dir := scratch(t)
	d := &disk{t: t, path: filepath.Join(dir, "disk")}
	image := filepath.Join(dir, "image")
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, 400<<20))
	must(t, os.Mkdir(d.path, 0o700))
	d.run("mkfs.ext4", "-q", image)
	d.run("mount", "-o", "loop", image, d.path)
	t.Cleanup(func() { d.run("umount", d.path) })
	return d
}

func (d *disk) run(args ...string) {
	d.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		d.t.Errorf("%v: %v\n%s", args, err, out)
	}
}

// freeze has every write to it hang, until thaw.
func (d *disk) freeze() {
	d.t.Helper()
	d.run("fsfreeze", "--freeze", d.path)
	d.frozen = true
}

func (d *disk) thaw() {
	d.t.Helper()
	if d.frozen {
		d.run("fsfreeze", "--unfreeze", d.path)
		d.frozen = false
	}
}

// A member whose disk hangs answers what it has in memory, and says that there is a
// leader, itself maybe: only a write tells.
func TestDiskHangs(t *testing.T) {
	names := []string{"m1", "m2", "m3"}
	d := newDisk(t)
	c := etcds(t, etcdproc.Options{Dirs: map[string]string{"m1": filepath.Join(d.path, "m1")}}, names...)
	t.Cleanup(d.thaw) // or the member could not even be killed
	e, _ := watch(t, withCanary(c))

	for _, leads := range []bool{false, true} {
		t.Run(map[bool]string{false: "follower", true: "leader"}[leads], func(t *testing.T) {
			before := inOrder(t, e, names...)
			leader, _ := leaderOf(t, before, names...)
			to := "m2"
			if leads {
				to = "m1"
			}
			if leader != to {
				lead(t, c, leader, to)
				await(t, e, "the leader moved", func(s series) bool { return s[name("raft_leader", to)] == 1 })
				before = inOrder(t, e, names...)
			}
			d.freeze()
			// In the worst of cases the first write still finds room: the second does not. Where
			// a commit was under way, it holds what etcd's Status reads from (backend's readTx).
			truth{voters: 3, reachable: 3, quorum: 2, margin: 1, refused: []string{"m1"}, maybe: "m1"}.holds(t, e, before)
			s := await(t, e, "writes through the others", func(s series) bool {
				return s[name("raft_canary_success", "m2")] == 1 && s[name("raft_canary_success", "m3")] == 1 && s[name("raft_leader", "m1")] == 0 && s[name("raft_has_leader")] == 1
			})
			if s.of(t, "raft_canary_success", "m1") != 0 || s.of(t, "raft_margin") != s.of(t, "raft_voters_reachable")-2 {
				t.Errorf("its disk hangs: %v", s)
			}
			d.thaw()
			inOrder(t, e, names...)
		})
	}
}

// lead moves the leadership.
func lead(t *testing.T, c *etcdproc.Cluster, from, to string) {
	t.Helper()
	var id uint64
	for _, m := range look(t, c).Members {
		if m.Name == to {
			n, err := strconv.ParseUint(m.ID, 16, 64)
			must(t, err)
			id = n
		}
	}
	_, err := pb.NewMaintenanceClient(client(t, c, from)).MoveLeader(patience(t), &pb.MoveLeaderRequest{TargetID: id})
	must(t, err)
}

// look is one look at a cluster.
func look(t *testing.T, c *etcdproc.Cluster) cluster.View {
	t.Helper()
	d, err := etcd.New(c.Inventory("c"), etcd.Options{Timeout: 5 * time.Second})
	must(t, err)
	defer d.Close()
	return d.View(t.Context())
}
