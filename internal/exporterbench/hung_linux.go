package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/fettle-io/fettle/internal/hungmount"
)

const (
	// slower is by how much a mount that hangs may slow a scrape down.
	slower = 250 * time.Millisecond
	// giveUp is what a scrape is given while the mount hangs.
	giveUp = 5 * time.Second
)

// hungMount measures scrapes before and while a mount hangs: ours against its limit, and
// node_exporter's beside. dir is for what it makes.
func hungMount(ctx context.Context, w io.Writer, dir, ours, theirs string) (missed int, err error) {
	fmt.Fprintf(w, "\na mount that hangs\n")
	if os.Geteuid() != 0 {
		fmt.Fprintf(w, "  not measured: it needs root\n")
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	// The programs run as nobody, who has to find them.
	dir = filepath.Join(dir, "hung")
	mountpoint, proc := filepath.Join(dir, "mnt"), filepath.Join(dir, "proc")
	if err := os.MkdirAll(mountpoint, 0o755); err != nil { //nolint:gosec // as said
		return 0, err
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { //nolint:gosec // as said
		return 0, err
	}
	if err := hungmount.Proc(proc); err != nil {
		return 0, err
	}
	server := filepath.Join(dir, "hungmount")
	build := exec.CommandContext(ctx, "go", "build", "-o", server, ".") //nolint:gosec // into our own directory
	build.Dir, build.Env = filepath.Join("tools", "hungmount"), append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build tools/hungmount: %w\n%s", err, out)
	}
	fmt.Fprintf(w, "%-16s %12s %14s %14s %12s\n", "", "before", "first hung", "next hung", "awake again")
	for _, args := range [][]string{
		{ours, "--config.file=" + os.DevNull},
		{theirs, "--no-collector.netdev.netlink"},
	} {
		f, err := hang(ctx, server, mountpoint, proc, args)
		if err != nil {
			return missed, fmt.Errorf("%s: %w", args[0], err)
		}
		fmt.Fprintf(w, "%-16s %12s %14s %14s %12s\n", filepath.Base(args[0]), millis(f.before), millis(f.first), millis(f.next), millis(f.after))
		if args[0] == ours {
			missed += verdicts(w, []held{{"seconds that it slows a scrape down", (max(f.first, f.next) - f.before).Seconds(), slower.Seconds()}})
		}
	}
	return missed, nil
}

// hungFigures are how long scrapes took.
type hungFigures struct {
	before, first, next, after time.Duration // medians of fifty; first is one
}

func millis(d time.Duration) string {
	if d >= giveUp {
		return fmt.Sprintf("over %v", giveUp)
	}
	return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
}

// hang measures one program under a mount of its own.
func hang(ctx context.Context, server, mountpoint, proc string, args []string) (f hungFigures, err error) {
	m, err := hungmount.Start(ctx, server, mountpoint)
	if err != nil {
		return f, err
	}
	program := filepath.Join(filepath.Dir(server), filepath.Base(args[0]))
	if err := copyProgram(program, args[0]); err != nil {
		return f, err
	}
	inside := func(ctx context.Context, name string, args ...string) *exec.Cmd {
		cmd := m.Command(ctx, name, args...)
		cmd.Stderr = io.Discard // node_exporter tells each family that nobody took
		return cmd
	}
	p, err := launch(ctx, inside, append([]string{program, "--path.procfs=" + proc, "--log.level=error"}, args[1:]...))
	if err != nil {
		return f, err
	}
	defer p.stop()
	defer func() { _ = m.Close() }() // first: nobody ends who sleeps in it
	if f.before, err = median(ctx, p); err != nil {
		return f, err
	}
	if err := m.Hang(); err != nil {
		return f, err
	}
	if f.first = once(ctx, p); f.first < giveUp {
		if f.next, err = median(ctx, p); err != nil {
			return f, err
		}
	} else {
		f.next = once(ctx, p)
	}
	if err := m.Wake(); err != nil {
		return f, err
	}
	once(ctx, p) // may find a call that is about to come back
	f.after, err = median(ctx, p)
	return f, err
}

// once is how long one scrape takes, giveUp at most.
func once(ctx context.Context, p *program) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, giveUp)
	defer cancel()
	begin := time.Now()
	if err := p.scrape(ctx, false); err != nil {
		return giveUp
	}
	return time.Since(begin)
}

// median is of fifty scrapes.
func median(ctx context.Context, p *program) (time.Duration, error) {
	took := make([]time.Duration, 50)
	for i := range took {
		begin := time.Now()
		if err := p.scrape(ctx, false); err != nil {
			return 0, err
		}
		took[i] = time.Since(begin)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

func copyProgram(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755) //nolint:gosec // everybody may run it
}
