package exporter

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// mounts is a host with these lines of mountinfo.
const mounts = `22 1 254:0 / / rw,relatime - ext4 /dev/mapper/vg-root rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:40 / /mnt/nfs rw - nfs4 server:/export rw
25 22 0:41 / /mnt/over rw - ext4 /dev/vdb rw
26 22 0:42 / /mnt/over rw - tmpfs tmpfs rw
27 22 0:43 / /mnt/with\040blank rw - xfs /dev/vdc rw
28 22 0:44 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
`

func TestFilesystemOfAFixture(t *testing.T) {
	c := newFilesystem(procWith(t, mounts)).(*filesystemCollector)
	c.statfs = func(path string) (space, error) {
		switch path {
		case "/":
			return space{size: 409600, free: 204800, avail: 163840, files: 10, filesFree: 9, readonly: true}, nil
		case "/mnt/nfs":
			return space{}, syscall.ESTALE
		case "/mnt/over":
			return space{size: 7, free: 7, avail: 7}, nil
		default:
			return space{}, nil // a size of zero
		}
	}
	root := `{device="/dev/mapper/vg-root",fstype="ext4",mountpoint="/"}`
	over := `{device="tmpfs",fstype="tmpfs",mountpoint="/mnt/over"}`
	want := map[string]float64{
		"size_bytes" + root: 409600, "free_bytes" + root: 204800, "avail_bytes" + root: 163840,
		"files" + root: 10, "files_free" + root: 9, "readonly" + root: 1, "device_error" + root: 0, "hung" + root: 0,
		"size_bytes" + over: 7, "free_bytes" + over: 7, "avail_bytes" + over: 7, "readonly" + over: 0, "device_error" + over: 0, "hung" + over: 0,
		`device_error{device="server:/export",fstype="nfs4",mountpoint="/mnt/nfs"}`: 1, `hung{device="server:/export",fstype="nfs4",mountpoint="/mnt/nfs"}`: 0,
		`device_error{device="/dev/vdc",fstype="xfs",mountpoint="/mnt/with blank"}`: 1, `hung{device="/dev/vdc",fstype="xfs",mountpoint="/mnt/with blank"}`: 0,
	}
	got := gathered(t, c)
	for name, value := range want {
		between(t, got, "fettle_node_filesystem_"+name, value, value)
	}
	if len(got) != len(want) {
		t.Errorf("%d series, want %d: %v", len(got), len(want), got)
	}
}

// A dead mount costs only itself, and is asked once however many scrapes there are.
func TestFilesystemWithADeadMount(t *testing.T) {
	c := newFilesystem(procWith(t, mounts)).(*filesystemCollector)
	asked, awake := atomic.Int32{}, make(chan struct{})
	c.statfs = func(path string) (space, error) {
		if path == "/mnt/nfs" {
			asked.Add(1)
			<-awake
		}
		return space{size: 5}, nil
	}
	dead := `{device="server:/export",fstype="nfs4",mountpoint="/mnt/nfs"}`
	alive := `{device="/dev/vdc",fstype="xfs",mountpoint="/mnt/with blank"}`
	scrape := func() map[string]float64 {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		r := (&running{collector: c}).read(ctx, &Scrape{})
		if ctx.Err() != nil {
			t.Error("the scrape waited for the dead mount until its deadline")
		}
		if r.err != nil {
			t.Fatal(r.err)
		}
		return series(t, registryOf(t, c, r))
	}
	for i := range 3 {
		got := scrape()
		between(t, got, "fettle_node_filesystem_device_error"+dead, 1, 1)
		between(t, got, "fettle_node_filesystem_hung"+dead, 1, 1)
		between(t, got, "fettle_node_filesystem_hung"+alive, 0, 0)
		between(t, got, "fettle_node_filesystem_device_error"+alive, 0, 0)
		between(t, got, "fettle_node_filesystem_size_bytes"+alive, 5, 5)
		if _, ok := got["fettle_node_filesystem_size_bytes"+dead]; ok {
			t.Error("a dead mount has a size")
		}
		if n := asked.Load(); n != 1 {
			t.Fatalf("scrape %d: the dead mount was asked %d times", i+1, n)
		}
	}
	close(awake)
	waitFor(t, "the mount to answer", func() bool { return c.flights[place{"/mnt/nfs", "0:40"}].idle() })
	got := scrape()
	between(t, got, "fettle_node_filesystem_size_bytes"+dead, 5, 5)
	between(t, got, "fettle_node_filesystem_hung"+dead, 0, 0)
}

// A dead mount that was detached and mounted anew is asked, however long the call sleeps
// that it left behind; but not without end, since each of them holds a thread.
func TestFilesystemMountedAnewOverADeadOne(t *testing.T) {
	host := procWith(t, mounts)
	c := newFilesystem(host).(*filesystemCollector)
	c.patience = 20 * time.Millisecond
	asked, awake, dead := atomic.Int32{}, make(chan struct{}), true
	c.statfs = func(path string) (space, error) {
		if path == "/mnt/nfs" {
			asked.Add(1)
			if dead {
				<-awake
			}
		}
		return space{size: 5}, nil
	}
	const labels = `{device="server:/export",fstype="nfs4",mountpoint="/mnt/nfs"}`
	mountedAs := func(number string) map[string]float64 {
		writeProc(t, host, "1/mountinfo", strings.ReplaceAll(mounts, "0:40", number))
		return gathered(t, c)
	}
	for i := range maxStuck + 2 {
		got := mountedAs(fmt.Sprintf("0:4%d", i))
		between(t, got, "fettle_node_filesystem_hung"+labels, 1, 1)
		if n := asked.Load(); int(n) != min(i+1, maxStuck) {
			t.Fatalf("mounted %d times, asked %d times", i+1, n)
		}
	}
	close(awake)
	waitFor(t, "the calls", func() bool {
		for _, f := range c.flights {
			if !f.idle() {
				return false
			}
		}
		return true
	})
	dead = false
	between(t, mountedAs("0:49"), "fettle_node_filesystem_size_bytes"+labels, 5, 5)
	if len(c.flights) != 4 {
		t.Errorf("kept are %d", len(c.flights))
	}
}

// One line of the log for each change of a mount, and none for what stays as it is.
func TestFilesystemLogsChangesOfAMount(t *testing.T) {
	host := procWith(t, mounts)
	var log strings.Builder
	host.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "device" || a.Key == "fstype" {
			return slog.Attr{}
		}
		return a
	}}))
	c := newFilesystem(host).(*filesystemCollector)
	var answer error
	c.statfs = func(path string) (space, error) {
		switch path {
		case "/mnt/nfs":
			return space{size: 5}, answer
		case "/mnt/over":
			return space{}, syscall.EACCES // by somebody's choice: no matter for the log
		default:
			return space{size: 5}, nil
		}
	}
	for _, answer = range []error{nil, nil, errLate, fmt.Errorf("again: %w", errLate), syscall.ESTALE, syscall.ESTALE, nil, nil} {
		gathered(t, c)
	}
	const want = `level=WARN msg="File system cannot be asked" mountpoint=/mnt/nfs err="it does not answer"
level=WARN msg="File system cannot be asked" mountpoint=/mnt/nfs err="stale file handle"
level=INFO msg="File system answers again" mountpoint=/mnt/nfs
`
	if log.String() != want {
		t.Errorf("got\n%swant\n%s", log.String(), want)
	}
}

func TestFilesystemForgetsMountsThatAreGone(t *testing.T) {
	host := procWith(t, mounts)
	c := newFilesystem(host).(*filesystemCollector)
	c.statfs = func(string) (space, error) { return space{size: 1}, nil }
	gathered(t, c)
	if len(c.flights) != 4 {
		t.Fatalf("asked %v", c.flights)
	}
	c.source = newMountSource(procWith(t, "22 1 254:0 / / rw - ext4 /dev/vda rw\n"))
	gathered(t, c)
	if len(c.flights) != 1 || c.flights[place{"/", "254:0"}] == nil {
		t.Errorf("still kept: %v", c.flights)
	}
}

func TestFilesystemUnderAnotherRoot(t *testing.T) {
	host := procWith(t, mounts)
	host.Root = "/host"
	c := newFilesystem(host).(*filesystemCollector)
	c.statfs = func(path string) (space, error) {
		if !strings.HasPrefix(path, "/host") {
			return space{}, fmt.Errorf("asked %s", path)
		}
		return space{size: 3}, nil
	}
	between(t, gathered(t, c), `fettle_node_filesystem_size_bytes{device="/dev/mapper/vg-root",fstype="ext4",mountpoint="/"}`, 3, 3)
}
