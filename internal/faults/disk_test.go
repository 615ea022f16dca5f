//go:build faults

package faults

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fettle-io/fettle/internal/scorecard"
)

// smallDisk is a file system of its own, that a test can fill.
type smallDisk struct {
	t   *testing.T
	dir string
}

// newDisk mounts a file system; ext4 on a loop device where there is a type, else tmpfs.
func newDisk(t *testing.T, kind string, mib int) smallDisk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("a disk that can be filled has to be mounted: run this as root, as make faults does")
	}
	d := smallDisk{t, filepath.Join(t.TempDir(), "disk")}
	must(t, os.Mkdir(d.dir, 0o700))
	if kind == "tmpfs" {
		must(t, unix.Mount("fettle", d.dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)))
	} else {
		image := filepath.Join(t.TempDir(), "image")
		f, err := os.Create(image)
		must(t, err)
		must(t, f.Truncate(int64(mib)<<20))
		must(t, f.Close())
		for _, argv := range [][]string{{"mkfs." + kind, "-q", "-F", "-m", "0", image}, {"mount", "-o", "loop", image, d.dir}} {
			if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, out)
			}
		}
	}
	t.Cleanup(func() {
		if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", d.dir, err)
		}
	})
	return d
}

func (d smallDisk) filler() string { return filepath.Join(d.dir, "filler") }

// fill takes what room there is, but for so many bytes.
func (d smallDisk) fill(but int64) {
	d.t.Helper()
	f, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(d.t, err)
	defer f.Close()
	var s unix.Statfs_t
	must(d.t, unix.Statfs(d.dir, &s))
	size := int64(s.Bavail)*s.Bsize - but
	for block := int64(1 << 20); size > 0 && block >= 1<<10; {
		info, err := f.Stat()
		must(d.t, err)
		if err := unix.Fallocate(int(f.Fd()), 0, info.Size(), min(size, block)); errors.Is(err, unix.ENOSPC) {
			block /= 2
			continue
		} else if err != nil {
			must(d.t, err)
		}
		size -= min(size, block)
	}
}

func (d smallDisk) free() {
	d.t.Helper()
	must(d.t, os.Remove(d.filler()))
}

// A disk fills up under a running fettle, and over a starting one. It then answers 503
// and begins no step; what had begun is brought to its end, in the room that was
// reserved; and when there is room again, the same process goes on.
func TestDiskIsFull(t *testing.T) {
	cycles := map[string]int{"tmpfs": 10, "ext4": 90}
	total := 0
	for kind, n := range cycles {
		t.Run(kind, func(t *testing.T) {
			d := newDisk(t, kind, 1024)
			f := newFleet(t, 6)
			s := configure(t, f, options{journal: filepath.Join(d.dir, "journal")})
			var acked receipts
			for cycle := range n {
				if cycle%9 == 0 {
					s.fillsUp(d, f, &acked)
				} else {
					d.fill(2 << 20) // for the lock, the marks and the checkpoint
					s.start0(t)
					s.full(f)
				}
				d.free()
				s.goesOn(f, &acked)
				s.shutdown()
				total++
			}
			a := s.read()
			a.holds(t, &acked)
			a.excuses(t, f)
			s.verify()
		})
	}
	figure := fmt.Sprintf("%d cycles on tmpfs and ext4: 503, no step began, what had begun was ended and recorded, and the same process went on", total)
	t.Log(figure)
	if !t.Failed() {
		scorecard.Row(t, 6, figure)
	}
}

// start0 starts a fettle that is not ready, because its disk is full.
func (s *server) start0(t *testing.T) {
	t.Helper()
	s.launch()
	if !s.serving() {
		t.Fatalf("fettle serve ended (%s):\n%s", s.proc.State(), s.said())
	}
}

// fillsUp fills the disk under a fettle that has a restart command running, and lets
// messages use up what was reserved, until they are refused. The run comes to its end.
func (s *server) fillsUp(d smallDisk, f *fleet, acked *receipts) {
	s.t.Helper()
	s.start()
	release := f.slow()
	f.crash("s01")
	s.send(down("s01"))
	acked.keep(down("s01"))
	s.holding(f, 1)
	d.fill(0)
	until(s.t, "messages are refused", func() error {
		var alerts []notice
		for i := range 64 {
			a := other(fmt.Sprintf("%d-%d", time.Now().UnixNano(), i))
			a.Annotations["description"] = strings.Repeat("long ", 12<<10)
			alerts = append(alerts, a)
		}
		switch status, said := s.post(body(s.t, alerts...), nil); status {
		case http.StatusOK:
			acked.keep(alerts...)
			return errNotYet
		case http.StatusServiceUnavailable:
			return nil
		default:
			s.t.Fatalf("got %d: %s", status, said)
		}
		return nil
	})
	release()
	until(s.t, "what had begun has its end in the journal", func() error {
		if a := s.read(); len(a.live) > 0 || len(a.open) > 0 || len(f.dead()) > 0 {
			return fmt.Errorf("%d live runs, %d intents without a result, dead: %v", len(a.live), len(a.open), f.dead())
		}
		return nil
	})
	s.full(f)
}

// full wants a fettle that takes nothing and begins nothing.
func (s *server) full(f *fleet) {
	s.t.Helper()
	before := f.counted()
	f.crash("s02")
	for range 5 {
		if status, said := s.post(body(s.t, down("s02")), nil); status != http.StatusServiceUnavailable {
			s.t.Errorf("a message over a full disk got %d: %s", status, said)
		}
	}
	if room := s.metric("fettle_journal_room"); room != 0 {
		s.t.Errorf("fettle_journal_room is %v on a full disk", room)
	}
	if up := s.metric("fettle_journal_writable"); up != 1 {
		s.t.Errorf("fettle_journal_writable is %v: the journal has failed\n%s", up, s.said())
	}
	if status := s.readiness(); status != http.StatusServiceUnavailable {
		s.t.Errorf("/-/ready answers %d on a full disk", status)
	}
	if n := f.counted(); n != before {
		s.t.Errorf("%d restarts began over a full disk", n-before)
	}
}

// goesOn wants the same process to take the message that it refused, and to repair.
func (s *server) goesOn(f *fleet, acked *receipts) {
	s.t.Helper()
	until(s.t, "the message is taken", func() error {
		if status, said := s.post(body(s.t, down("s02"), down("s01").over()), nil); status != http.StatusOK {
			return fmt.Errorf("%d: %s", status, said)
		}
		return nil
	})
	acked.keep(down("s02"))
	until(s.t, "s02 runs", func() error {
		if len(f.dead()) > 0 {
			return errNotYet
		}
		return nil
	})
	if status := s.readiness(); status != http.StatusOK {
		s.t.Errorf("/-/ready answers %d with room on the disk", status)
	}
	s.send(down("s02").over())
	until(s.t, "the episodes are closed", func() error {
		if s.metric(`fettle_episodes_open{playbook="service-restart"}`) > 0 {
			return errNotYet
		}
		return nil
	})
}
