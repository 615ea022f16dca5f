// Command hungmount mounts a file system that can be made to hang: it stands in, in
// tests, for a mount whose server is gone. Only statfs is of interest, so there are no
// files.
//
// It says "mounted" and then takes a line each on its standard input, which it repeats
// when it holds: "hang" lets every statfs sleep from now on, "wake" answers those that
// sleep and all that come. Each answer says how many statfs it was asked so far. Once
// the input ends, the file system is gone, and so is every sleeper: whoever started it
// cannot leave a hung mount behind.
//
// A sleeper cannot be interrupted, as on a dead NFS server: mount it in a mount
// namespace in which nothing else lives.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: hungmount DIRECTORY")
		os.Exit(2)
	}
	if err := serve(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "hungmount: %v\n", err)
		os.Exit(1)
	}
	// The process' end closes the connection, which wakes what still sleeps. An
	// unmount would wait for it.
}

func serve(dir string) error {
	root := &directory{}
	_, err := fs.Mount(dir, root, &fs.Options{MountOptions: fuse.MountOptions{
		FsName: "hungmount", Name: "hungmount", AllowOther: true, DirectMountStrict: true,
	}})
	if err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	fmt.Println("mounted")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch lines.Text() {
		case "hang":
			root.hang()
		case "wake":
			root.wake()
		case "count": // is answered below
		default:
			return fmt.Errorf("want hang, wake or count, got %q", lines.Text())
		}
		fmt.Printf("%s %d\n", lines.Text(), root.asked.Load())
	}
	return lines.Err()
}

// directory is the root, and all that there is.
type directory struct {
	fs.Inode
	asked    atomic.Int64
	mu       sync.Mutex
	sleeping chan struct{} // nil: awake
}

func (d *directory) hang() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sleeping == nil {
		d.sleeping = make(chan struct{})
	}
}

func (d *directory) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sleeping != nil {
		close(d.sleeping)
		d.sleeping = nil
	}
}

// Statfs implements [fs.NodeStatfser]. The context ends when the caller is signalled,
// which a dead server would not learn of: it is not heeded.
func (d *directory) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	d.asked.Add(1)
	d.mu.Lock()
	sleeping := d.sleeping
	d.mu.Unlock()
	if sleeping != nil {
		<-sleeping
	}
	*out = fuse.StatfsOut{Bsize: 4096, Frsize: 4096, Blocks: 1000, Bfree: 600, Bavail: 500, Files: 100, Ffree: 90, NameLen: 255}
	return fs.OK
}
