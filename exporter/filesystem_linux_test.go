package exporter

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFilesystem(t *testing.T) {
	got := gathered(t, newFilesystem(Host{}))
	var root unix.Statfs_t
	if err := unix.Statfs("/", &root); err != nil {
		t.Fatal(err)
	}
	labels := ""
	for name := range got {
		if l, ok := strings.CutPrefix(name, "fettle_node_filesystem_size_bytes"); ok && strings.Contains(l, `mountpoint="/"`) {
			labels = l
		}
	}
	if labels == "" {
		t.Fatalf("no root file system in %v", got)
	}
	size := float64(root.Blocks) * float64(root.Bsize)
	between(t, got, "fettle_node_filesystem_size_bytes"+labels, size, size)
	between(t, got, "fettle_node_filesystem_files"+labels, float64(root.Files), float64(root.Files))
	between(t, got, "fettle_node_filesystem_device_error"+labels, 0, 0)
	readonly := boolean(root.Flags&unix.ST_RDONLY != 0)
	between(t, got, "fettle_node_filesystem_readonly"+labels, readonly, readonly)
	// Others write meanwhile, so only the order is sure.
	free, avail := got["fettle_node_filesystem_free_bytes"+labels], got["fettle_node_filesystem_avail_bytes"+labels]
	if avail > free || free > size {
		t.Errorf("available %v, free %v, size %v", avail, free, size)
	}
}
