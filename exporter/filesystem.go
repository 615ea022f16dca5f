package exporter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"sync"
	"time"
)

type filesystemCollector struct {
	host                  Host
	skipTypes, skipMounts *regexp.Regexp
	statfs                func(path string) (space, error)
	size, avail, free     *Metric
	files, filesFree      *Metric
	readonly, deviceError *Metric

	patience time.Duration
	source   mountSource
	mounts   []asked
	flights  map[string]*flight[space] // by mount point
}

func newFilesystem(h Host) Collector {
	labels := []string{"device", "fstype", "mountpoint"}
	return &filesystemCollector{
		host:     h,
		statfs:   statfs,
		patience: patience,
		source:   newMountSource(h),
		flights:  map[string]*flight[space]{},
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

// mount is one line of the mounts: what its labels say.
type mount struct{ device, fstype, mountpoint string }

// asked is one mount that is told, and the calls to it.
type asked struct {
	mount
	labels []string
	flight *flight[space]
}

func (c *filesystemCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	if err := c.refresh(ctx); err != nil {
		return err
	}
	for i, u := range c.ask(ctx) {
		labels := c.mounts[i].labels
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

// refresh makes c.mounts those that there are now. A mount that is still there
// keeps its flight; of one that is gone, a call that is stuck is remembered until it
// is back, since the mount may come back before it.
func (c *filesystemCollector) refresh(ctx context.Context) error {
	all, changed, err := c.source.read(ctx, c.host)
	if err != nil {
		return fmt.Errorf("read mounts: %w", err)
	}
	if changed || c.mounts == nil {
		c.mounts = nil
		for _, m := range c.visible(all) {
			f := c.flights[m.mountpoint]
			if f == nil {
				f = &flight[space]{}
				c.flights[m.mountpoint] = f
			}
			c.mounts = append(c.mounts, asked{m, []string{m.device, m.fstype, m.mountpoint}, f})
		}
	}
	if len(c.mounts) == 0 {
		return errors.New("read mounts: no file system among them")
	}
	if len(c.flights) > len(c.mounts) {
		there := map[string]bool{}
		for _, m := range c.mounts {
			there[m.mountpoint] = true
		}
		maps.DeleteFunc(c.flights, func(path string, f *flight[space]) bool { return !there[path] && f.idle() })
	}
	return nil
}

// visible leaves out what is skipped and what another mount covers: of several on
// one mount point only the last can be reached.
func (c *filesystemCollector) visible(all []mount) []mount {
	top := map[string]int{}
	for i, m := range all {
		top[m.mountpoint] = i
	}
	var mounts []mount
	for i, m := range all {
		overlay := m.fstype == "overlay" && m.mountpoint != "/" // a container's, told by what it lies on
		if top[m.mountpoint] == i && !overlay && !c.skipTypes.MatchString(m.fstype) && !c.skipMounts.MatchString(m.mountpoint) {
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

// patience is how long a scrape waits for file systems. One that takes longer is
// dead or as good as that; the scrape must not be.
const patience = 200 * time.Millisecond

// ask asks every mount at once. The first scrape waits for a dead one until its
// patience ends; while that call sleeps on in the kernel, the next scrapes neither
// wait for it nor ask it again.
func (c *filesystemCollector) ask(ctx context.Context) []usage {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	usages := make([]usage, len(c.mounts))
	var wait sync.WaitGroup
	for i := range c.mounts {
		wait.Go(func() {
			m := &c.mounts[i]
			s, err := m.flight.do(ctx, func(context.Context) (space, error) { return c.statfs(c.host.path(m.mountpoint)) })
			if err == nil && s.size == 0 {
				err = errors.New("a file system without a size")
			}
			usages[i] = usage{s, err}
		})
	}
	wait.Wait()
	return usages
}
