package exporter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
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
	hung                  *Metric

	patience time.Duration
	source   mountSource
	mounts   []asked
	usages   []usage // of the mounts, by the last call
	flights  map[place]*flight[space]
}

// maxStuck is how many calls may be stuck on one mount point, each on a file system that
// was mounted there. Each of them holds a thread.
const maxStuck = 3

func newFilesystem(h Host) Collector {
	labels := []string{"device", "fstype", "mountpoint"}
	return &filesystemCollector{
		host:     h,
		statfs:   statfs,
		patience: patience,
		source:   newMountSource(h),
		flights:  map[place]*flight[space]{},
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
		deviceError: gauge("fettle_node_filesystem_device_error", "1 if the file system could not be asked, or not in time: its size and space are absent.", labels...),
		hung:        gauge("fettle_node_filesystem_hung", "1 if the file system does not answer.", labels...),
	}
}

func (c *filesystemCollector) Metrics() []*Metric {
	return []*Metric{c.size, c.avail, c.free, c.files, c.filesFree, c.readonly, c.deviceError, c.hung}
}

// mount is one line of the mounts: what its labels say, and where it is.
type mount struct {
	device, fstype string
	place
}

// place tells one mount from what else is, or was, mounted there. number is the kernel's
// device number, which nothing else gets while a call is stuck in the file system; empty
// elsewhere than on Linux.
type place struct{ mountpoint, number string }

// asked is one mount that is told, the calls to it, and what came of the last one.
type asked struct {
	mount
	labels []string
	flight *flight[space]
	failed string // empty: it answered
}

func (c *filesystemCollector) Collect(ctx context.Context, _ *Scrape, emit Emit) error {
	if err := c.refresh(ctx); err != nil {
		return err
	}
	for i, u := range c.ask(ctx) {
		c.note(&c.mounts[i], u.err)
		labels := c.mounts[i].labels
		emit(c.deviceError, boolean(u.err != nil), labels...)
		emit(c.hung, boolean(errors.Is(u.err, errLate)), labels...)
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

// note logs a mount that begins to fail otherwise than before, and one that answers again.
func (c *filesystemCollector) note(m *asked, err error) {
	failed := ""
	switch {
	case errors.Is(err, errLate):
		failed = "it does not answer"
	case err != nil:
		failed = err.Error()
	}
	if failed == m.failed {
		return
	}
	m.failed = failed
	log := c.host.logger().With("mountpoint", m.mountpoint, "device", m.device, "fstype", m.fstype)
	switch {
	case failed == "":
		log.Info("File system answers again")
	case errors.Is(err, fs.ErrPermission): // it is so by somebody's choice, and stays so
		log.Debug("File system cannot be asked", "err", failed)
	default:
		log.Warn("File system cannot be asked", "err", failed)
	}
}

// refresh makes c.mounts those that there are now. A mount that is still there keeps
// its flight. Of one that is gone, a call that is stuck is remembered until it is back.
func (c *filesystemCollector) refresh(ctx context.Context) error {
	all, changed, err := c.source.read(ctx, c.host)
	if err != nil {
		return fmt.Errorf("read mounts: %w", err)
	}
	if changed || c.mounts == nil {
		before := make(map[mount]asked, len(c.mounts))
		for _, m := range c.mounts {
			before[m.mount] = m
		}
		c.mounts = nil
		for _, m := range c.visible(all) {
			c.mounts = append(c.mounts, asked{m, []string{m.device, m.fstype, m.mountpoint}, c.flight(m.place), before[m].failed})
		}
	}
	if len(c.mounts) == 0 {
		return errors.New("read mounts: no file system among them")
	}
	if len(c.flights) > len(c.mounts) {
		there := map[place]bool{}
		for _, m := range c.mounts {
			there[m.place] = true
		}
		maps.DeleteFunc(c.flights, func(p place, f *flight[space]) bool { return !there[p] && f.idle() })
	}
	return nil
}

// flight is the calls to what is mounted at a place. What is new there is not taken for
// dead because of a call that is stuck in what was there before; but once that happened
// maxStuck times, it is not asked either.
func (c *filesystemCollector) flight(p place) *flight[space] {
	if f := c.flights[p]; f != nil {
		return f
	}
	f, stuck := &flight[space]{}, 0
	for other, calls := range c.flights {
		if other.mountpoint == p.mountpoint && !calls.idle() {
			if stuck++; stuck == maxStuck {
				return calls
			}
		}
	}
	c.flights[p] = f
	return f
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
	c.usages = slices.Grow(c.usages[:0], len(c.mounts))[:len(c.mounts)]
	var wait sync.WaitGroup
	for i := range c.mounts {
		wait.Go(func() {
			m := &c.mounts[i]
			s, err := m.flight.ask(ctx, func() (space, error) { return c.statfs(c.host.path(m.mountpoint)) })
			if err == nil && s.size == 0 {
				err = errors.New("a file system without a size")
			}
			c.usages[i] = usage{s, err}
		})
	}
	wait.Wait()
	return c.usages
}
