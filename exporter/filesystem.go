package exporter

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"

	"github.com/shirou/gopsutil/v3/disk"
)

type filesystemCollector struct {
	host                  Host
	skipTypes, skipMounts *regexp.Regexp
	statfs                func(path string) (space, error)
	size, avail, free     *Metric
	files, filesFree      *Metric
	readonly, deviceError *Metric

	mu    sync.Mutex
	asked map[string]*flight[space] // by mount point
}

func newFilesystem(h Host) Collector {
	labels := []string{"device", "fstype", "mountpoint"}
	return &filesystemCollector{
		host:   h,
		statfs: statfs,
		asked:  map[string]*flight[space]{},
		// What holds no files of anybody, is full by nature, or is told by what lies below it.
		skipTypes: regexp.MustCompile(`^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|efivarfs|erofs|` +
			`fuse\.(gvfsd-fuse|lxcfs|portal|snapfuse)|fusectl|hugetlbfs|iso9660|mqueue|nsfs|proc|pstore|rpc_pipefs|` +
			`securityfs|selinuxfs|squashfs|sysfs|tracefs)$`),
		skipMounts: regexp.MustCompile(`^/(dev|proc|sys|run/credentials|run/containerd|var/lib/docker|var/lib/containerd|` +
			`var/lib/containers/storage|var/lib/kubelet/pods)(/|$)`),
		size:        gauge("fettle_node_filesystem_size_bytes", "Size of the file system.", labels...),
		avail:       gauge("fettle_node_filesystem_avail_bytes", "Space that an unprivileged user can still take.", labels...),
		free:        gauge("fettle_node_filesystem_free_bytes", "Space that is free, with what is reserved for root.", labels...),
		files:       gauge("fettle_node_filesystem_files", "Inodes. Absent where the file system does not count them.", labels...),
		filesFree:   gauge("fettle_node_filesystem_files_free", "Free inodes. Absent where the file system does not count them.", labels...),
		readonly:    gauge("fettle_node_filesystem_readonly", "1 if nothing can be written, by the mount's options or after an error of the device.", labels...),
		deviceError: gauge("fettle_node_filesystem_device_error", "1 if the file system could not be asked, or not in time: its other series are absent.", labels...),
	}
}

func (c *filesystemCollector) Metrics() []*Metric {
	return []*Metric{c.size, c.avail, c.free, c.files, c.filesFree, c.readonly, c.deviceError}
}

func (c *filesystemCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	// With all=false every file system without a block device would be missing:
	// NFS, FUSE, tmpfs.
	all, err := disk.PartitionsWithContext(c.host.context(ctx), true)
	if err != nil {
		return fmt.Errorf("read mounts: %w", err)
	}
	mounts := c.visible(all)
	if len(mounts) == 0 {
		return fmt.Errorf("read mounts: no file system in %s", c.host.proc("1/mountinfo"))
	}
	for i, u := range c.ask(ctx, mounts) {
		labels := []string{mounts[i].Device, mounts[i].Fstype, mounts[i].Mountpoint}
		emit(c.deviceError, boolean(u.err != nil), labels...)
		if u.err != nil {
			continue
		}
		emit(c.size, u.size, labels...)
		emit(c.avail, u.avail, labels...)
		emit(c.free, u.free, labels...)
		emit(c.readonly, boolean(u.readonly), labels...)
		if u.files > 0 {
			emit(c.files, u.files, labels...)
			emit(c.filesFree, u.filesFree, labels...)
		}
	}
	return nil
}

// visible leaves out what is skipped and what another mount covers: of several on
// one mount point only the last can be reached.
func (c *filesystemCollector) visible(all []disk.PartitionStat) []disk.PartitionStat {
	top := map[string]int{}
	for i, m := range all {
		top[m.Mountpoint] = i
	}
	var mounts []disk.PartitionStat
	for i, m := range all {
		overlay := m.Fstype == "overlay" && m.Mountpoint != "/" // a container's, told by what it lies on
		if top[m.Mountpoint] == i && !overlay && !c.skipTypes.MatchString(m.Fstype) && !c.skipMounts.MatchString(m.Mountpoint) {
			mounts = append(mounts, m)
		}
	}
	return mounts
}

// space is what the kernel says of a file system: bytes and files. It stands in for
// gopsutil's Usage, which tells neither what is reserved for root nor whether the file
// system went read-only: after an error of the device that shows here, while the
// mount's own options still say rw.
type space struct {
	size, avail, free float64
	files, filesFree  float64 // 0: it does not count them
	readonly          bool
}

type usage struct {
	space
	err error
}

// ask asks every mount at once. A dead one is waited for up to the deadline in
// the first scrape; while its call sleeps on in the kernel, the next ones neither
// wait for it nor ask it again.
func (c *filesystemCollector) ask(ctx context.Context, mounts []disk.PartitionStat) []usage {
	until, _ := ctx.Deadline()
	ctx, cancel := context.WithDeadline(ctx, leave(until))
	defer cancel()
	usages := make([]usage, len(mounts))
	var wait sync.WaitGroup
	for i, f := range c.flights(mounts) {
		wait.Go(func() {
			path := c.host.path(mounts[i].Mountpoint)
			s, err := f.do(ctx, func(context.Context) (space, error) { return c.statfs(path) })
			if err == nil && s.size == 0 {
				err = errors.New("a file system without a size")
			}
			usages[i] = usage{s, err}
		})
	}
	wait.Wait()
	return usages
}

// flights are the flights of mounts, in order; those of mounts that are gone are
// forgotten once their call is back.
func (c *filesystemCollector) flights(mounts []disk.PartitionStat) []*flight[space] {
	c.mu.Lock()
	defer c.mu.Unlock()
	there := map[string]bool{}
	flights := make([]*flight[space], len(mounts))
	for i, m := range mounts {
		there[m.Mountpoint] = true
		if c.asked[m.Mountpoint] == nil {
			c.asked[m.Mountpoint] = &flight[space]{}
		}
		flights[i] = c.asked[m.Mountpoint]
	}
	for path, f := range c.asked {
		if !there[path] && f.idle() {
			delete(c.asked, path)
		}
	}
	return flights
}
